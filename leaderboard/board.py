"""What the tables say: comparable rows, their ranks, the best and the second; how they look is markdown.py's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from .difference import Evidence, evidence, mean_of_differences
from .paired import SIGNIFICANT
from .read import Entry


@dataclass(frozen=True, slots=True)
class Row:
    """A model in a table.

    Attributes:
        rank: 1 for the best and all that a paired test does not tell from it; None for a model whose settings are
            not its own, which is shown among the others and not ranked with them.
        mean: over the subsets of the table; None where one of them has no score.
    """

    entry: Entry
    rank: int | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Models on one task with the very same data: the same subsets, n and sentences. Best row first."""

    task: str
    score: str
    lower_is_better: bool
    subsets: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def sizes(self) -> list[int]:
        """The n of each subset."""
        entry = self.rows[0].entry
        return [entry.subsets[name]["n"] for name in self.subsets]


def tables(entries: Sequence[Entry]) -> list[Table]:
    """Return one table a task and set of data; of one task, the one with most subsets and then models first."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        data = (f"{name} {entry.data(name)}" for name in entry.subsets)
        key = (entry.task, entry.score, *sorted(data))
        groups.setdefault(key, []).append(entry)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[0]), -len(item[1]), item[0]))
    return [_table(group) for _, group in ordered]


def _table(entries: Sequence[Entry]) -> Table:
    first = entries[0]
    score, lower = first.score, bool(first.result.run["lower_is_better"])
    means = {entry.model: _mean(entry, score) for entry in entries}

    def place(entry: Entry) -> tuple[bool, float, str]:
        mean = means[entry.model]
        return mean is None, (mean or 0) * (1 if lower else -1), entry.label

    ordered = sorted(entries, key=place)
    ranks = _ranks([e for e in ordered if not e.settings and means[e.model] is not None], tuple(first.subsets))
    rows = tuple(Row(entry, ranks.get(entry.model), means[entry.model]) for entry in ordered)
    return Table(first.task, score, lower, tuple(first.subsets), rows)


def _mean(entry: Entry, score: str) -> float | None:
    values = [subset[score] for subset in entry.subsets.values()]
    return None if None in values else fmean(values)


def _ranks(ordered: Sequence[Entry], subsets: tuple[str, ...]) -> dict[tuple[str, str, str], int]:
    """Return ranks of entries, best first; who is not told from the first of a rank shares it.

    With M entries there are at most M - 1 tests, so each is made at 0.05 / (M - 1) (Bonferroni).
    """
    if len(ordered) < 2:  # There is nothing to test, and no need of outcomes.
        return {entry.model: 1 for entry in ordered}
    ranks: dict[tuple[str, str, str], int] = {}
    leading: list[Evidence] | None = None
    rank, bound = 0, SIGNIFICANT / (len(ordered) - 1)
    for place, entry in enumerate(ordered, start=1):
        own = evidence(entry, subsets)
        if leading is None or mean_of_differences(leading, own).p < bound:
            leading, rank = own, place
        ranks[entry.model] = rank
    return ranks
