"""What looks like a secret is not kept: rules, what a person chose of them, and rows, sources and origins without secrets."""
