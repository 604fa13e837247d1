"""Sentence encoders: from a name to something that turns sentences into vectors."""

from .checked import Checked
from .model import BatchesEncoder, Encoder, Model, ModelOptions, Prompts
from .resolve import resolve_model, without_prefix

__all__ = [
    "BatchesEncoder",
    "Checked",
    "Encoder",
    "Model",
    "ModelOptions",
    "Prompts",
    "resolve_model",
    "without_prefix",
]
