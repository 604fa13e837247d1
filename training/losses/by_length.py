"""Parts of a batch with similar lengths: the same vectors, from less padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# Both sides of a batch from a pool of one topic have 49 % of padding, and four parts of it 13 %. Smaller parts save no
# time: their products are too small for a CPU (tests/benchmarks/README.md).
_PARTS = 4
_LEAST = 16  # rows of a part


def join_sides(sides: Sequence[Mapping[str, Any]], pad_token: int) -> dict[str, Any] | None:
    """Return the rows of all sides as one batch, padded at the end; None if that would change their vectors.

    Args:
        sides: the student's input for each side, with an attention mask (B, T).
        pad_token: the token id for padding.
    """
    first, *others = sides
    if any(side.keys() != first.keys() for side in others):
        return None
    width = max(side["attention_mask"].shape[1] for side in sides)
    joined: dict[str, Any] = {}
    for name, value in first.items():
        if isinstance(value, Tensor) and value.shape == first["attention_mask"].shape:
            fill = pad_token if name == "input_ids" else 0
            joined[name] = torch.cat([_widen(side[name], width, fill) for side in sides])
        elif all(_is_equal(value, side[name]) for side in others):
            joined[name] = value
        else:
            return None  # such as the lengths of two prompts that pooling leaves out
    return joined


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


def _widen(value: Tensor, width: int, fill: int) -> Tensor:
    """Pad (B, T) to (B, width)."""
    return functional.pad(value, (0, width - value.shape[1]), value=fill)


def _is_equal(one: object, other: object) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    return type(one) is type(other) and one == other
