"""Parts of a batch with similar lengths: the same vectors, from less padding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

# Four parts of a batch from a pool of one topic have 15 % of padding, the whole batch 75 %. Smaller parts save no
# time: their products are too small for a CPU (tests/benchmarks/README.md).
_PARTS = 4
_LEAST = 16  # rows of a part


def split_by_length(features: Mapping[str, Any], size: int | None = None) -> list[Tensor]:
    """Split a batch into parts of similar lengths: the row numbers of each part, (R,), shortest texts first.

    The number of parts depends only on the number of rows, because all processes of a run need the same number.

    Args:
        features: the student's input, with an attention mask (B, T).
        size: rows of each part; None chooses it.
    """
    lengths = features["attention_mask"].sum(dim=1)
    size = size or max(_LEAST, -(-len(lengths) // _PARTS))
    return list(lengths.argsort(stable=True).split(size))


def take_rows(features: Mapping[str, Any], rows: Tensor) -> dict[str, Any]:
    """Return the features of some rows, without the positions at the end that are padding in all of them."""
    mask = features["attention_mask"]
    used = mask[rows].any(dim=0).nonzero()
    end = int(used[-1]) + 1 if len(used) else mask.shape[1]
    taken = {}
    for name, value in features.items():
        if isinstance(value, Tensor) and value.shape[:1] == mask.shape[:1]:
            value = value[rows]
            if value.shape[1:2] == mask.shape[1:]:
                value = value[:, :end]
        taken[name] = value
    return taken
