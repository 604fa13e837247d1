"""Sentence encoders: from a name to something that turns sentences into vectors."""

from .model import Encoder, Model, ModelOptions, Prompts
from .resolve import resolve_model

__all__ = ["Encoder", "Model", "ModelOptions", "Prompts", "resolve_model"]
