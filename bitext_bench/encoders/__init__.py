"""Sentence encoders: from a name to something that turns sentences into vectors."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checked import Checked
    from .model import BatchesEncoder, Encoder, Model, ModelOptions, Prompts
    from .resolve import needs_hub, resolve_model, without_prefix

__all__ = [
    "BatchesEncoder",
    "Checked",
    "Encoder",
    "Model",
    "ModelOptions",
    "Prompts",
    "needs_hub",
    "resolve_model",
    "without_prefix",
]

# Where each name is: the registry beside them is read without loading numpy.
_HOME = {
    "checked": ("Checked",),
    "model": ("BatchesEncoder", "Encoder", "Model", "ModelOptions", "Prompts"),
    "resolve": ("needs_hub", "resolve_model", "without_prefix"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            globals()[name] = found = getattr(import_module(f".{module}", __name__), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
