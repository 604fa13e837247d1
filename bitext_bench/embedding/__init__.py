"""Encode texts, each only once: batches, the vector store, and distribution of the work."""
