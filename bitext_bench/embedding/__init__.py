"""From texts to vectors, each text once: batches, the store, and shares of the work."""
