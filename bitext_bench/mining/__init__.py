"""Mine translation pairs from two text files of any size."""
