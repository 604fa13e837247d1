"""The training loop around sentence-transformers' trainer."""
