"""Build the model options from parsed arguments."""

from __future__ import annotations

import argparse
from dataclasses import fields

from ..encoders import ModelOptions


def model_options(arguments: argparse.Namespace) -> ModelOptions:
    """Return the model options, from the arguments that the command has."""
    given = {name.removeprefix("model_"): value for name, value in vars(arguments).items()}
    return ModelOptions(**{field.name: given[field.name] for field in fields(ModelOptions) if field.name in given})
