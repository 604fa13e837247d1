"""The fastest number format on this machine."""

from __future__ import annotations

from .model import Dtype


def automatic_dtype(device: str | None) -> Dtype:
    """Return the dtype of `--dtype auto` on a device ("cpu", "cuda:1", ...; None for a GPU if available).

    bf16 if the hardware supports it, fp16 on other CUDA devices, otherwise fp32.
    """
    import torch

    on_gpu = torch.cuda.is_available() if device is None else device.startswith("cuda")
    if on_gpu:
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if device not in (None, "cpu") or torch.backends.mps.is_available():
        return "fp32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"
