"""Scores that others published with MTEB: one row for each model, beside the measured ones."""
