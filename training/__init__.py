"""Soft contrastive learning (Park et al. 2024): align an encoder by the similarities that a teacher sees."""
