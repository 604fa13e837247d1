"""Training pairs: found, read, cleaned, compared with the benchmarks."""
