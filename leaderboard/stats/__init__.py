"""Differences between two models on the same sentences, with intervals and p-values."""
