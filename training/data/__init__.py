"""Training pairs: find, read and clean them, and compare them with the benchmarks."""
