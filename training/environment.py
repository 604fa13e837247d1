"""What a run finds before it begins: installed packages, other processes, and how they were started."""

from __future__ import annotations

import os
import platform
import re
from importlib.util import find_spec
from pathlib import Path

from bitext_bench.errors import UserError, install_hint
from bitext_bench.io.terminal import say

from .config import TrainConfig


def is_first() -> bool:
    """Return whether this process writes and prints; under torchrun only rank 0 does."""
    return os.environ.get("RANK", "0") == "0"


def say_first(message: str) -> None:
    """Print a line on stderr, in the first process only."""
    if is_first():
        say(message)


def machine_name(device: str) -> str:
    """Return the hardware of a torch device, for the record of a run: "AMD EPYC, 2 threads", "NVIDIA A100"."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    found = None
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        found = re.search(r"model name\s*: (.*)", cpuinfo.read_text(encoding="utf-8", errors="replace"))
    name = found[1].strip() if found else platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads"


def check_environment(config: TrainConfig) -> None:
    """Check that a run can begin, before the teacher encodes, which may take long.

    Raises:
        UserError: a package is missing, or the processes were started for FSDP or DeepSpeed.
    """
    if find_spec("accelerate") is None:
        raise UserError(f"training needs the package accelerate: {install_hint('train')}")
    if config.lora_rank is not None and find_spec("peft") is None:
        raise UserError(f"lora_rank is {config.lora_rank}, which needs the package peft: {install_hint('lora')}")
    # `accelerate launch` announces both in the environment.
    for name, variable in (("FSDP", "ACCELERATE_USE_FSDP"), ("DeepSpeed", "ACCELERATE_USE_DEEPSPEED")):
        if os.environ.get(variable, "").lower() in ("1", "true", "yes"):
            raise UserError(
                f"{name} is not supported: it splits weights or optimizer state between processes, and evaluations and "
                "checkpoints need them whole; start with torchrun, and save memory with --lora, mini_batch_size or "
                "gradient_checkpointing"
            )
