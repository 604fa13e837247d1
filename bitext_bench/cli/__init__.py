"""The command line: options of the commands, and their output."""
