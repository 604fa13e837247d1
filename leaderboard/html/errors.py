"""Data of the error browser: for each leading model, the sentences that it misses by most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..entries.read import Entry
from ..errors.collect import ErrorCase, read_errors

# Limits that keep the page small; `compare MODEL --errors` lists every miss.
_MODELS = 12
_EACH = 300  # misses for each model and task


def error_records(models: Sequence[Entry], entries: Sequence[Entry], data: str) -> list[dict[str, Any]]:
    """Return a record for each miss: task, subset, direction, row, model, source, gold, rival, margin, kinds.

    Misses with a rival, the sentence that was chosen instead of the gold, come first.

    Args:
        models: one entry for each model, best first.
        entries: the results of all models.
        data: the data of the results, as in `run --data`.

    Raises:
        UserError: the data are missing, or differ from those of a result.
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
    """Return a note on the limits."""
    return (
        f"At most {_EACH} misses for each task and model, those with the largest loss first, from the first {_MODELS} "
        "models of the overview; bitext-bench compare MODEL --errors lists all."
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
