"""`python -m nbtrace`: the command line."""

from nbtrace.cli.main import main

if __name__ == "__main__":
    main()
