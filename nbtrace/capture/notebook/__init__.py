"""What names IPython: cells, span lines, and cells that only ask. No other room of capture does."""
