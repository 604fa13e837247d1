"""Describe a measured row: its models, and every setting that is not in its labels."""

from __future__ import annotations

import json
from pathlib import PurePath

from bitext_bench.io.terminal import printable

from ..entries.training_runs import ModelRef, Training
from .measured import MeasuredRow

_DIGITS = 12  # of a revision


def source_note(row: MeasuredRow) -> str:
    """Name the source of the scores: the student and its seeds, or the model."""
    name = printable(row.student.short)
    if not row.seeds:
        return name
    return f"{name}, {len(row.seeds)} seeds" if len(row.seeds) > 1 else f"{name}, seed {row.seeds[0]}"


def describe_conditions(row: MeasuredRow) -> str:
    """Describe the settings in one line; rows with the same line differ only in their labels."""
    trainings = [model.training for model in row.models if model.training]
    first = row.models[0]
    if trainings:
        said = _trained(trainings)
        said += [f"scored with {first.settings}"] if first.settings else []
    else:
        said = [
            f"{_named(first.origin)}, not trained further",
            *([] if first.dtype == "fp32" else [f"scored in {first.dtype}"]),
        ]
    if contaminated := max(model.contaminated_rows for model in row.models):
        said.append(f"trained on {contaminated:,} contaminated rows")
    if not row.alone:
        said.append(f"results of {', '.join(describe_models(row))}")
    return printable("; ".join(said))


def describe_models(row: MeasuredRow) -> list[str]:
    """Return the name and revision of each model."""
    return [f"{model.origin.name} {model.origin.revision[:_DIGITS]}" for model in row.models]


def _trained(trainings: list[Training]) -> list[str]:
    first = trainings[0]
    steps = sorted({training.steps for training in trainings})
    span = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
    teacher = "the initial student" if first.teacher == first.student else _named(first.teacher)
    return [
        f"{_named(first.student)}, {f'teacher: {teacher}' if first.uses_teacher else 'no teacher'}",
        f"recipe {PurePath(first.recipe).name}, {span} steps of {first.batch_size}",
        *first.particulars,
        *(["data: " + ", ".join(f"{name} ({rows:,} rows)" for name, rows in first.data)] if first.data else []),
        f"seed{'s' if len(trainings) > 1 else ''} {', '.join(str(training.seed) for training in trainings)}",
    ]


def _named(model: ModelRef) -> str:
    return f"{model.name} {model.revision[:_DIGITS]}, prompt {json.dumps(model.prompt, ensure_ascii=False)}"
