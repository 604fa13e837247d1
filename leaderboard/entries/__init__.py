"""Read result files as entries, and select entries by name."""
