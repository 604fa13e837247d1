"""The most similar candidates by the similarity that a model names as its own, as MTEB finds them."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Similarity = Literal["cosine", "dot", "euclidean", "manhattan"]
SIMILARITIES: tuple[Similarity, ...] = get_args(Similarity)

# mteb 2.26 (`_evaluators/text/bitext_mining_evaluator.py`) compares this many queries at a time, and torch computes the
# Euclidean distances of a small block differently.
_BLOCK = 100


def most_similar(
    similarity: Similarity, queries: NDArray[np.float32], candidates: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return (N,) the row of the most similar candidate of each query.

    Args:
        similarity: sentence-transformers' name of it; distances count negative.
        queries: (N, D) float32, of the length that the model gave them.
        candidates: (M, D) likewise.
    """
    import torch
    from sentence_transformers.util import SimilarityFunction

    similarities = SimilarityFunction.to_similarity_fn(similarity)
    one, other = torch.from_numpy(queries), torch.from_numpy(candidates)
    starts = range(0, len(one), _BLOCK)
    blocks = [similarities(one[i : i + _BLOCK], other).topk(1, dim=1).indices[:, 0] for i in starts]
    return torch.cat(blocks).numpy()
