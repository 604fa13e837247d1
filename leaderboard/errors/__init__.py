"""The sentences that a model misses, with the wrongly chosen sentence, the margin and the kind of error."""
