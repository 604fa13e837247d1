"""The score of a measured row in a column, for one model or for several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from bitext_bench.errors import list_some
from bitext_bench.results.averages import Average, compute

from .measured import MeasuredRow, ScoredModel

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """A score, as a fraction.

    Attributes:
        value: the score of one model, or the mean over seeds; None if there is no score.
        low, high: the 95 % interval for one model, the smallest and largest value for several seeds; None if unknown.
        seeds: the number of models.
        data: the data of each member of the average.
        why: the reason for a missing score; "" if the paper has no score either.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    seeds: int = 1
    data: tuple[str, ...] = ()
    why: str = ""


def measure_cell(average: Average | None, row: MeasuredRow) -> Cell:
    """Return the cell of a row; if a member of the average is missing, the cell has a reason instead of a value."""
    if average is None:
        return Cell()
    tasks = {task for task, _, _ in average.members}
    found = [
        (model, compute(average, [result for result in model.results if result.task in tasks])) for model in row.models
    ]
    complete = [(model, value.value) for model, value in found if value.value is not None]
    if not complete:
        missing = min((value.missing for _, value in found), key=len)
        return Cell(why=_missing(average, missing))
    data = {_data(average, model) for model, _ in complete}
    if len(data) > 1:
        return Cell(why="the seeds were scored on different data")
    values = [value for _, value in complete]
    spread = (min(values), max(values)) if len(values) > 1 else _interval(average, complete[0][0])
    low, high = spread or (None, None)
    return Cell(fmean(values), low, high, len(values), data.pop())


def _missing(average: Average, missing: tuple[str, ...]) -> str:
    names = [name.removesuffix(" default") for name in missing]
    needed = f" needs all {len(average.members)} scores" if len(average.members) > 1 else ""
    return f"{average.name}{needed}: no {list_some(names, 3)}"


def _data(average: Average, model: ScoredModel) -> tuple[str, ...]:
    by_task = {entry.task: entry for entry in model.entries}
    return tuple(f"{task} {by_task[task].data(subset)}" for task, subset, _ in average.members)


def _interval(average: Average, model: ScoredModel) -> Interval | None:
    """Return the 95 % interval of a model's average; None if a member has no interval.

    Subsets that share their sentences (FLORES-200) have one interval for their mean in the result file, which is used
    if the average has all of the file's subsets. Other members are independent samples: their intervals are combined by
    the distances of the bounds from the scores (Zou and Donner 2008).
    """
    results = {result.task: result for result in model.results}
    task, _, score = average.members[0]
    mean = results[task].mean if results[task].main_score == score else None
    if mean and mean.interval:
        return mean.interval if mean.subsets == len(average.members) else None
    parts = []
    for task, subset, score in average.members:
        entry = next(entry for entry in results[task].subsets if entry.subset == subset)
        value, interval = entry.scores[score], entry.intervals.get(score)
        if value is None or not interval:
            return None
        parts.append((value, *interval))
    return _combine(parts)


def _combine(parts: Sequence[tuple[float, float, float]]) -> Interval:
    mean, n = fmean(value for value, _, _ in parts), len(parts)
    below = sqrt(sum((value - low) ** 2 for value, low, _ in parts)) / n
    above = sqrt(sum((high - value) ** 2 for value, _, high in parts)) / n
    return mean - below, mean + above
