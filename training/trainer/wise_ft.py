"""Weight interpolation between the initial and the trained model (WiSE-FT, Wortsman et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def copy_trainable(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the trainable weights, by name.

    Under LoRA, only one matrix of each product is interpolated. The other one, B, is 0 in the initial model, so that
    the product becomes (1 - share) times its trained value.
    """
    return {
        name: weight.detach().clone()
        for name, weight in model.named_parameters()
        if weight.requires_grad and ".lora_A." not in name
    }


def interpolate_weights(model: nn.Module, initial: dict[str, Tensor], share: float) -> None:
    """Set each weight to share * initial + (1 - share) * trained: 0 changes nothing, 1 restores the initial model."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in initial:
                weight.lerp_(initial[name].to(weight.device), share)
