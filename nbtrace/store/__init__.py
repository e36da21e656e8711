"""The ground: spans as rows, rows sealed into Arrow columns, all of it bounded and safe between threads."""
