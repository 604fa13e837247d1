"""Sentence encoders: finding them by name, loading them and encoding sentences."""

from .model import BatchesEncoder, Encoder, Model, ModelOptions, Prompts
from .mteb_registry import MTEB
from .mteb_search import needs, parse_size, search_mteb
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
    "needs",
    "needs_download",
    "parse_size",
    "resolve_model",
    "search_mteb",
    "without_prefix",
]
