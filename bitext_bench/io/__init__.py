"""Reading, writing and printing: files that are written whole, checksums, messages, progress."""
