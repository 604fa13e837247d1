"""The directory of a checkpoint: its record, card, checksums and scores."""
