"""The soft contrastive loss and its labels."""
