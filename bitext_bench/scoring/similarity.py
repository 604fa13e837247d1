"""Nearest candidates by the model's own similarity function, as MTEB finds them."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Similarity = Literal["cosine", "dot", "euclidean", "manhattan"]
SIMILARITIES: tuple[Similarity, ...] = get_args(Similarity)

# mteb 2.26 (`_evaluators/text/bitext_mining_evaluator.py`) uses this block size. It must match, since torch computes
# Euclidean distances of small blocks differently.
_BLOCK = 100


def most_similar(
    similarity: Similarity, queries: NDArray[np.float32], candidates: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return the row (N,) of the most similar candidate for each query.

    Args:
        similarity: name of the function in sentence-transformers; distances are negated.
        queries: (N, D) float32, as the model returned them, not normalized.
        candidates: (M, D) float32, not normalized.
    """
    import torch
    from sentence_transformers.util import SimilarityFunction

    similarities = SimilarityFunction.to_similarity_fn(similarity)
    one, other = torch.from_numpy(queries), torch.from_numpy(candidates)
    starts = range(0, len(one), _BLOCK)
    blocks = [similarities(one[i : i + _BLOCK], other).topk(1, dim=1).indices[:, 0] for i in starts]
    return torch.cat(blocks).numpy()
