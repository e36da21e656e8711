"""A journal: a file in which everything stands as it happens, and which outlives its process. docs/decisions/0026 tells why."""
