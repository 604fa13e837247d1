"""Weights between a model's start and its end (Wortsman et al. 2022, WiSE-FT): what is learnt, less of what is lost."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def copy_trainable(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the weights that training would change, by name."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}


def interpolate_weights(model: nn.Module, initial: dict[str, Tensor], share: float) -> None:
    """Move each weight of `start` a share of the way back to it: 0 leaves the model as it is, 1 makes it the start."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in initial:
                weight.lerp_(initial[name].to(weight.device), share)
