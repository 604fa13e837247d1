"""Sentence encoders: finding them by name, loading them and encoding sentences."""

from .model import BatchesEncoder, Encoder, Model, ModelOptions, Prompts
from .mteb_registry import MTEB
from .record import ContaminationAudit
from .resolve import needs_download, resolve_model, without_prefix

__all__ = [
    "MTEB",
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
