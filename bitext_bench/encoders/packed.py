"""Linear layers by oneDNN, with weights in its own order: what a CPU multiplies fastest.

PyTorch gives float32 products to MKL, which does not use the widest instructions of every maker's CPUs; oneDNN does.
The vectors differ from PyTorch's own in the last bits (README, performance).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# oneDNN chooses the order of the weights by the rows that it is told to expect: those of a full batch.
_ROWS = 1_024


class PackedLinear(nn.Module):
    """`nn.Linear` for inference: (..., in) float32 to (..., out)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _ROWS)
        self._bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, rows: Tensor) -> Tensor:
        """Return rows @ weight.T + bias."""
        result: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, "none", [], "")
        return result


def pack_linear_layers(model: nn.Module) -> None:
    """Replace every float32 linear layer of a model on the CPU; it cannot be trained or saved any more.

    Does nothing where PyTorch was built without oneDNN.
    """
    if not (torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")):
        return
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            # The very class: its children (quantised, low-rank) compute something else.
            if type(child) is nn.Linear and child.weight.dtype == torch.float32 and child.weight.device.type == "cpu":
                setattr(parent, name, PackedLinear(child))
