"""How a model is loaded, from parsed arguments."""

from __future__ import annotations

import argparse
from dataclasses import fields

from ..encoders import ModelOptions


def model_options(arguments: argparse.Namespace) -> ModelOptions:
    """Return how to load the model, from those options that the command has."""
    given = {name.removeprefix("model_"): value for name, value in vars(arguments).items()}
    return ModelOptions(**{field.name: given[field.name] for field in fields(ModelOptions) if field.name in given})
