"""The tables of Park et al. 2024 (arXiv:2405.16155), with measured rows next to the paper's."""
