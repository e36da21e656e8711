"""Work that goes to other processes of this machine, and what comes home of it."""
