"""The models of a training, found and checked before anything is loaded."""

from __future__ import annotations

from bitext_bench.encoders import Model, ModelOptions, needs_hub, resolve_model
from bitext_bench.errors import UserError

from ..config import TrainConfig


def check_models(config: TrainConfig, *, of_hub: bool) -> None:
    """Find out whether student and teacher can be used: those of the hub, which are fetched, or all others.

    Raises:
        UserError: one cannot.
    """
    for name in dict.fromkeys((config.student, config.teacher or config.student)):
        if needs_hub(name) == of_hub:
            resolve_student(config) if name == config.student else resolve_model(name, ModelOptions())


def resolve_student(config: TrainConfig) -> Model:
    """Return the model to be trained, with the prompt that it is trained with.

    Raises:
        UserError: it cannot be used, or not be trained.
    """
    student = resolve_model(config.student, ModelOptions(prompt=config.student_prompt))
    if not student.trainable:
        raise UserError(
            f"{config.student} is no transformer checkpoint, which train needs: pass --model with the directory or the "
            "hub id of one"
        )
    return student
