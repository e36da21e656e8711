"""nbtrace in a shell: put in, and taken out again."""
