"""What two languages have to agree on: Python writes it, Python and Node read it."""
