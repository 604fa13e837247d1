"""The tables of Park et al. 2024 (arXiv:2405.16155) in their own shape, with the measured rows beside them."""
