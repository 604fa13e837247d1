"""Nearest neighbors, margin scores, mined pairs, metrics and confidence intervals."""
