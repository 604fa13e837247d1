"""Float32 products by oneDNN, with one side in its own memory layout, through PyTorch's private operators."""

from __future__ import annotations

import torch
from torch import Tensor

AVAILABLE = bool(torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_reorder_linear_weight"))


def pack(columns: Tensor, n_rows: int) -> Tensor:
    """Return columns (M, D) in the layout that is fastest for products with `n_rows` rows."""
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(columns, n_rows)
    return packed


def product(rows: Tensor, packed: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return rows (..., D) @ columns.T + bias, (..., M), for packed columns."""
    found: Tensor = torch.ops.mkldnn._linear_pointwise(rows, packed, bias, "none", [], "")
    return found
