"""Where a result that was derived again differs from the one on file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .results import Outcomes, TaskResult

# Two machines round a float32 sum differently: a sentence whose two best candidates are closer than this may
# fall either way, and nothing else may.
NEAR_TIE = 1e-5
EXACT = 1e-6
# Read off all 10 to 16 neighbours kept, of which some are always nearly equal.
_DEEP = ("hub_skewness", "antihubs", "robin_hood", "recall_at", "mrr")
_DEEP_TOLERANCE = 2e-3
_NOT_SCORES = {"hf_subset", "languages", "n", "intervals", "signature", "details", "main_score"}


def differences(
    stored: TaskResult, stored_outcomes: Outcomes, derived: TaskResult, derived_outcomes: Outcomes
) -> list[str]:
    """Return one line for every signature field, count or score that differs, and for every outcome that flipped.

    Scores may differ by as many sentences as stand within NEAR_TIE of a tie, and by EXACT otherwise.
    """
    now = {entry["hf_subset"]: entry for entry in derived.subsets}
    lines: list[str] = []
    for entry in stored.subsets:
        subset = entry["hf_subset"]
        if subset not in now:
            lines.append(f"{subset}: on file, but not derived: the data have no such subset")
            continue
        lines += [f"{subset}: {line}" for line in _signature(entry["signature"], now[subset]["signature"])]
        if entry["n"] != now[subset]["n"]:
            lines.append(f"{subset}: n is {entry['n']} on file, {now[subset]['n']} derived")
            continue
        blocks = {key: columns for key, columns in stored_outcomes.items() if key[0] == subset}
        near = sum(_near_ties(columns) for columns in blocks.values())
        lines += [f"{subset}: {line}" for line in _scores(entry, now[subset], near)]
        for key, columns in blocks.items():
            if flipped := _flipped(columns, derived_outcomes.get(key, {})):
                lines.append(f"{subset} {key[1]}: other outcome in rows {flipped}")
    return lines


def _signature(stored: str, derived: str) -> list[str]:
    before, after = (dict(field.partition(":")[::2] for field in line.split("|")) for line in (stored, derived))
    return [
        f"{key} is {before.get(key, 'absent')} on file, {after.get(key, 'absent')} derived"
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _near_ties(columns: dict[str, NDArray[Any]]) -> int:
    return int((np.abs(columns["margin"]) < NEAR_TIE).sum()) if "margin" in columns else 0


def _scores(stored: dict[str, Any], derived: dict[str, Any], near_ties: int) -> list[str]:
    lines = []
    for name in stored.keys() - _NOT_SCORES:
        before, after = stored[name], derived.get(name)
        tolerance = EXACT + max(near_ties / stored["n"], _DEEP_TOLERANCE if name.startswith(_DEEP) else 0.0)
        if before is None or after is None:
            same = before is after
        else:
            # hub_skewness has no unit: its tolerance is relative.
            same = abs(before - after) <= tolerance * max(1.0, abs(before))
        if not same:
            lines.append(f"{name} is {before} on file, {after} derived")
    return sorted(lines)


def _flipped(stored: dict[str, NDArray[Any]], derived: dict[str, NDArray[Any]]) -> str:
    """Return the rows, from 0, whose hit or miss changed though they are no near tie; "" for none."""
    if "hit" not in stored or "margin" not in stored or "hit" not in derived:
        return ""
    changed = (stored["hit"] != derived["hit"]) & (np.abs(stored["margin"]) >= NEAR_TIE)
    rows = np.flatnonzero(changed).tolist()
    return ", ".join(map(str, rows[:10])) + (", …" if len(rows) > 10 else "")
