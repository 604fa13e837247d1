"""The most similar candidates by the similarity that a model names as its own, as MTEB finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Similarity = Literal["cosine", "dot", "euclidean", "manhattan"]
SIMILARITIES: tuple[Similarity, ...] = get_args(Similarity)

# mteb 2.26 (`_evaluators/text/bitext_mining_evaluator.py`) compares so many queries at a time, and the Euclidean
# distance of a block is computed otherwise if it is small.
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

    one, other = torch.from_numpy(queries), torch.from_numpy(candidates)
    starts = range(0, len(one), _BLOCK)
    blocks = [_similarities(similarity, one[i : i + _BLOCK], other).topk(1, dim=1).indices[:, 0] for i in starts]
    return torch.cat(blocks).numpy()


def _similarities(similarity: Similarity, one: Tensor, other: Tensor) -> Tensor:
    """Return (N, M) as `sentence_transformers.util.similarity` computes them."""
    import torch

    if similarity == "cosine":
        one, other = (torch.nn.functional.normalize(side, dim=1) for side in (one, other))
    if similarity in ("cosine", "dot"):
        return one @ other.T
    return -torch.cdist(one, other, p=2.0 if similarity == "euclidean" else 1.0)
