"""The command line: one module per command. What is heavy is imported by the command that needs it, so that --help is quick."""
