"""The fastest number format on this machine."""

from __future__ import annotations

from .model import Dtype


def automatic_dtype(device: str | None) -> Dtype:
    """Return the dtype of `--dtype auto` on a device ("cpu", "cuda:1", ...; None for a GPU if available).

    bf16 if the hardware supports it, fp16 on other CUDA devices, otherwise fp32.
    """
    import torch

    on_gpu = torch.cuda.is_available() if device is None else device.startswith("cuda")
    if not on_gpu and (device not in (None, "cpu") or torch.backends.mps.is_available()):
        return "fp32"
    if has_bf16_hardware(on_gpu=on_gpu):
        return "bf16"
    return "fp16" if on_gpu else "fp32"


def has_bf16_hardware(*, on_gpu: bool) -> bool:
    """Return whether the current CUDA device, or the CPU, computes in bf16 in hardware."""
    import torch

    from ..scoring import bf16

    return torch.cuda.is_bf16_supported(including_emulation=False) if on_gpu else bf16.has_bf16_hardware()
