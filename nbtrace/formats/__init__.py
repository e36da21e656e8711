"""Batches of rows to what leaves the process, and back: one module a format."""
