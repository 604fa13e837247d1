"""A model's record on the page: its size, speed and training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bitext_bench.io.terminal import printable
from bitext_bench.results.records import TIMED_SENTENCES
from bitext_bench.results.schema import TrainedFrom

from ..entries.read import Entry
from ..tables.overview import machine

# Training settings that the page shows next to the curve.
_FACTS = (
    "recipe",
    "student",
    "teacher",
    "pairs",
    "loss",
    "label",
    "tms",
    "num_hard_negatives",
    "batch_size",
    "seed",
    "steps",
)


def model_record(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the record of a model from its entries."""
    model = entries[0].result.model
    return {
        "name": printable(entries[0].label),
        "revision": printable(model.revision),
        "parameters": entries[0].size("parameters"),
        "dimensions": entries[0].size("dimensions"),
        "speed": _speed(entries),
        "training": _training(entries),
    }


def finite(value: object) -> float | None:
    """Return a number that can be drawn, or None; result files are untrusted input."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
        return None
    return float(value)


def _speed(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return the speed of the largest run."""
    timed = []
    for entry in entries:
        encoding = entry.result.encoding
        if encoding and encoding.sentences >= TIMED_SENTENCES and encoding.seconds:
            speed = float(f"{encoding.sentences / encoding.seconds:.3g}")
            timed.append((float(encoding.sentences), speed, printable(machine(encoding))))
    if not timed:
        return None
    sentences, per_second, where = max(timed)
    return {"sentences": sentences, "per_second": per_second, "machine": where}


def _training(entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Return a checkpoint's training settings, and (step, accuracy in percent) of each evaluation."""
    for entry in entries:
        training = entry.result.training
        if training is None or "curve" not in training.model_fields_set:
            continue
        curve = [(finite(step), finite(accuracy)) for step, accuracy in training.curve]
        drawn = [
            [step, round(100 * accuracy, 2)] for step, accuracy in curve if step is not None and accuracy is not None
        ]
        return {
            "facts": {name: _fact(getattr(training, name)) for name in _FACTS if name in training.model_fields_set},
            "curve": drawn,
        }
    return None


def _fact(value: object) -> str:
    if isinstance(value, TrainedFrom):
        return printable(value.name + (f' (prompt "{value.prompt}")' if value.prompt else ""))
    if isinstance(value, list):
        return printable(", ".join(map(str, value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value))
