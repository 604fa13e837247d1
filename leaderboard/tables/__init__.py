"""The content of the tables, independent of the output format."""
