"""Sentence encoders: finding them by name, loading them and encoding sentences."""

from .model import BatchesEncoder, Encoder, Model, ModelOptions, Prompts
from .record import ContaminationAudit
from .resolve import needs_download, resolve_model, without_prefix

__all__ = [
    "BatchesEncoder",
    "ContaminationAudit",
    "Encoder",
    "Model",
    "ModelOptions",
    "Prompts",
    "needs_download",
    "resolve_model",
    "without_prefix",
]
