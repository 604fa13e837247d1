"""The sentences that a model misses: what was taken instead, by how much, and of what kind the miss is."""
