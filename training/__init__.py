"""Soft contrastive learning (Park et al. 2024): align an encoder across languages with a teacher's similarities."""
