"""Input and output: atomic file writes, checksums, messages, progress bars."""
