"""Soft contrastive learning (Park et al. 2024): align an encoder across languages with a teacher's similarities.

    from training import TrainConfig, train

    checkpoint = train(TrainConfig(student="my-model", pairs=("en-fr",)), "path/to/train", output="my-checkpoint")

- `train` trains a checkpoint as `bitext-bench train` does. `TrainConfig` holds its settings.
- `SoftContrastiveLoss` is the loss, for your own trainer. `Objective` holds its settings.

Invalid input raises `bitext_bench.UserError`, a ValueError.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import TrainConfig
    from .from_python import train
    from .losses.objective import Objective
    from .losses.soft_contrastive import SoftContrastiveLoss

__all__ = ["Objective", "SoftContrastiveLoss", "TrainConfig", "train"]

# The module of each name, imported on first use so that `import training` stays fast.
_HOME = {
    "Objective": "losses.objective",
    "SoftContrastiveLoss": "losses.soft_contrastive",
    "TrainConfig": "config",
    "train": "from_python",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        globals()[name] = found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        from bitext_bench.errors import install_hint

        message = f"training.{name} needs the package {error.name}: {install_hint('train')}"
        raise ImportError(message, name=error.name) from error
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
