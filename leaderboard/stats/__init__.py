"""Differences of two models on the same sentences, and their intervals."""
