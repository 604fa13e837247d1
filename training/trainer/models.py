"""The student and the teacher of a run, resolved and checked before any weights are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bitext_bench.encoders import Model, ModelOptions, needs_download, resolve_model
from bitext_bench.errors import UserError

from ..config import TrainConfig


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a run, each resolved once.

    Attributes:
        student: the initial model; its prompts are the model's own, not those used in training.
        teacher: the model whose similarities become the labels; the student if the config names none.
        cache: the vector cache.
    """

    student: Model
    teacher: Model
    cache: Path

    @classmethod
    def from_resolved(cls, config: TrainConfig, resolved: Mapping[str, Model], cache: Path) -> Models:
        """Pick the student and the teacher from models that are resolved by name."""
        return cls(resolved[config.student], resolved[config.teacher or config.student], cache)


def resolve_models(config: TrainConfig, *, of_hub: bool, device: str | None = None) -> dict[str, Model]:
    """Resolve the student and the teacher by name: those from the hub, or all others; for a device, or a GPU if any.

    Raises:
        UserError: a model cannot be used, or the student cannot be trained.
    """
    names = dict.fromkeys((config.student, config.teacher or config.student))
    found = {name: resolve_model(name, ModelOptions(device=device)) for name in names if needs_download(name) == of_hub}
    if config.student in found and not found[config.student].trainable:
        raise UserError(
            f"{config.student} is not a transformer checkpoint, which train needs: pass --model with the directory or "
            "the hub id of one"
        )
    return found
