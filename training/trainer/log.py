"""What the trainer logged, as train_config.json has it: the curve on the held-out rows, and means of ten steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_WINDOW = 10
_NOT_LOGGED = ("epoch", "step")


def dev_curve(history: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Return "step", "dev_accuracy" and "dev_accuracy_PAIR" of each evaluation; step 0 is the initial model."""
    return [
        {
            "step": entry["step"],
            **{k.removeprefix("eval_"): v for k, v in entry.items() if k.startswith("eval_dev_accuracy")},
        }
        for entry in history
        if "eval_dev_accuracy" in entry
    ]


def window_means(history: Sequence[Mapping[str, float]]) -> list[dict[str, Any]]:
    """Return the last step and the mean of each value in windows of ten steps; the last window may be shorter.

    A gradient norm can be infinite under fp16, which JSON does not have: its mean is then None.
    """
    steps = [entry for entry in history if "loss" in entry]
    windows = [steps[start : start + _WINDOW] for start in range(0, len(steps), _WINDOW)]
    return [
        {"step": number * _WINDOW + len(window), **{name: _mean(name, window) for name in _names(window)}}
        for number, window in enumerate(windows)
    ]


def _names(window: Sequence[Mapping[str, float]]) -> list[str]:
    return [name for name in window[0] if name not in _NOT_LOGGED]


def _mean(name: str, window: Sequence[Mapping[str, float]]) -> float | None:
    mean = sum(entry[name] for entry in window) / len(window)
    return mean if math.isfinite(mean) else None
