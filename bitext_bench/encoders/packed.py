"""Linear layers by oneDNN, with weights in its own order: what a CPU multiplies fastest.

PyTorch gives float32 products to MKL, which does not use the widest instructions of every maker's CPUs; oneDNN does.
The vectors differ from PyTorch's own in the last bits (README, performance).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .probe import Forward, Probe

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# oneDNN chooses the order of the weights by the rows that it is told to expect: those of a full batch.
_ROWS = 1_024
_PROBE_WORDS = 24  # Each layer sees tokens one by one, however long the text.


class PackedLinear(nn.Module):
    """`nn.Linear` for inference: (..., in) float32 to (..., out)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _ROWS)
        self._bias = None if linear.bias is None else linear.bias.detach()

    def unpacked(self) -> nn.Linear:
        """Return the layer as it was, its weights in PyTorch's order again."""
        weight = self._weight.to_dense()
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=self._bias is not None, device="meta")
        linear.weight = nn.Parameter(weight, requires_grad=False)
        if self._bias is not None:
            linear.bias = nn.Parameter(self._bias, requires_grad=False)
        return linear

    def forward(self, rows: Tensor) -> Tensor:
        """Return rows @ weight.T + bias."""
        result: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, "none", [], "")
        return result


def pack_linear_layers(model: nn.Module) -> int:
    """Replace every float32 linear layer of a model on the CPU, and return how many there were.

    It cannot be trained or saved any more. Does nothing where PyTorch was built without oneDNN.
    """
    if not (torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")):
        return 0
    packed = 0
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            # The very class: its children (quantised, low-rank) compute something else.
            if type(child) is nn.Linear and child.weight.dtype == torch.float32 and child.weight.device.type == "cpu":
                setattr(parent, name, PackedLinear(child))
                packed += 1
    return packed


def unpack_linear_layers(model: nn.Module) -> None:
    """Undo `pack_linear_layers`."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, PackedLinear):
                setattr(parent, name, child.unpacked())


def pack_where_equal(model: SentenceTransformer, forward: Forward) -> None:
    """Pack a model's linear layers if its vectors stay what they are; if not, leave it as it is, with a note.

    Some architectures look at a layer's weights while they compute (T5), which only PyTorch's own layers show.
    """
    probe = Probe.of(model, _PROBE_WORDS)
    if pack_linear_layers(model) and (reason := probe.difference(forward)):
        unpack_linear_layers(model)
        note = f"this model runs by PyTorch's own linear layers, which is slower: by oneDNN's {reason}"
        print(f"bitext-bench: {note}", file=sys.stderr)
