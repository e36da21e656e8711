"""What a person looks at. What a span carries is shown as text, whatever it contains."""
