"""Filters for sentence pairs. Each gives the reason for a pair that it drops."""
