"""Linear layers in oneDNN, with weights in its own memory layout, for speed on CPUs.

PyTorch computes float32 products with MKL, which does not use the widest instructions on every vendor's CPUs; oneDNN
does. The vectors differ from PyTorch's in the last bits (tests/benchmarks/README.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import torch
from torch import Tensor, nn

from ..io.terminal import say
from ..scoring import onednn
from .probe import Forward, Probe

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# oneDNN chooses the layout for an expected number of rows: those of a full batch.
_ROWS = 1_024
_PROBE_WORDS = 24  # Linear layers process tokens independently, so short texts are enough.


class PackedLinear(nn.Linear):
    """`nn.Linear` for inference: (..., in) float32 to (..., out).

    Model code can read the same attributes as on `nn.Linear`: sizes, and the shape, dtype and device of `weight`, which
    T5 compares with its input's in every layer. Only arithmetic on `weight` fails, because of oneDNN's layout.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)  # nn.Linear would allocate new weights.
        self.in_features, self.out_features = linear.in_features, linear.out_features
        packed = onednn.pack(linear.weight.detach(), _ROWS)
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.bias = None if linear.bias is None else nn.Parameter(linear.bias.detach(), requires_grad=False)
        self.train(linear.training)

    def unpack(self) -> nn.Linear:
        """Return the original layer, with its weights in PyTorch's layout."""
        linear = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        linear.weight, linear.bias = nn.Parameter(self.weight.to_dense(), requires_grad=False), self.bias
        return linear.train(self.training)

    def forward(self, rows: Tensor) -> Tensor:
        """Return rows @ weight.T + bias."""
        return onednn.product(rows, self.weight, self.bias)


def pack_linear_layers(model: nn.Module) -> int:
    """Replace every float32 linear layer of a model on the CPU, and return their number.

    The model can no longer be trained or saved. Does nothing if PyTorch was built without oneDNN.
    """
    if not onednn.AVAILABLE:
        return 0
    packed = 0
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if _is_plain(child):
                setattr(parent, name, PackedLinear(child))
                packed += 1
    return packed


def _is_plain(module: nn.Module) -> TypeGuard[nn.Linear]:
    """Return whether a module is an unmodified `nn.Linear` in float32 on the CPU."""
    # Subclasses (quantized, low-rank) compute something else.
    if type(module) is not nn.Linear or module._forward_hooks or module._forward_pre_hooks:
        return False
    return module.weight.dtype == torch.float32 and module.weight.device.type == "cpu"


def unpack_linear_layers(model: nn.Module) -> None:
    """Undo `pack_linear_layers`."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, PackedLinear):
                setattr(parent, name, child.unpack())


def pack_where_equal(model: SentenceTransformer, forward: Forward) -> None:
    """Pack a model's linear layers if its vectors stay the same; otherwise leave it unchanged, with a note on stderr.

    Some architectures (Mamba) compute directly with a layer's weights, which works only with PyTorch's layers.
    """
    probe = Probe.from_model(model, _PROBE_WORDS)
    if pack_linear_layers(model) and (reason := probe.difference(forward)):
        unpack_linear_layers(model)
        say(f"this model runs with PyTorch's linear layers, which is slower: with oneDNN's, {reason}")
