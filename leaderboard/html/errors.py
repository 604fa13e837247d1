"""What the error browser shows: of the leading models, the sentences that they miss by most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..entries.read import Entry
from ..errors.collect import ErrorCase, read_errors

# A page is to be opened: so many models, and of each so many misses a task. `compare MODEL --errors` has all.
_MODELS = 12
_EACH = 300


def error_records(models: Sequence[Entry], entries: Sequence[Entry], data: str) -> list[dict[str, Any]]:
    """Return a record a miss: task, subset, direction, row, model, source, gold, rival, margin, kinds.

    Those with a rival, which show what was taken in place of the gold, come first.

    Args:
        models: one entry of each model, the leading first.
        entries: the results of all.
        data: as run's --data, which the results were made with.

    Raises:
        UserError: the data are not those of a result, or not there at all.
    """
    found = []
    for model in models[:_MODELS]:
        own = {entry.task_and_data: entry for entry in entries if entry.model == model.model}
        misses, _ = read_errors([own], data, None)
        for task in dict.fromkeys(miss.task for miss in misses):
            worst = sorted((miss for miss in misses if miss.task == task), key=_lost_by)
            found += [_record(miss, model.label) for miss in worst[:_EACH]]
    return sorted(found, key=lambda record: record["rival"] is None)


def truncation_note() -> str:
    """Return what is left out."""
    return (
        f"Of the first {_MODELS} models of the overview, the {_EACH} misses of each task that lost by most; "
        "bitext-bench compare MODEL --errors lists all."
    )


def _lost_by(miss: ErrorCase) -> tuple[bool, float]:
    return miss.margin is None, miss.margin or 0.0


def _record(miss: ErrorCase, model: str) -> dict[str, Any]:
    return {
        "task": miss.task,
        "subset": miss.subset,
        "direction": miss.direction,
        "row": miss.row,
        "model": model,
        "source": miss.sentence,
        "gold": miss.gold,
        "rival": miss.rival,
        "margin": None if miss.margin is None else round(miss.margin, 4),
        "kinds": list(miss.kinds),
    }
