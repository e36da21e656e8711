"""How another thread looks at the threads that work for a cell: what runs, what a look finds, and how it stays unseen."""
