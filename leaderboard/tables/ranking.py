"""The ranking tables: comparable rows with ranks, intervals and order, independent of the output format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean

from bitext_bench.errors import UserError
from bitext_bench.scoring.intervals import Interval

from ..entries.read import Entry
from ..stats.differences import Evidence, evidence_sha256, mean_of_differences, read_evidence
from ..stats.mean_interval import interval_of_mean
from ..stats.paired import SIGNIFICANT
from ..stats.stored import StoredStatistics
from .highlight import Mark, highlight_best


@dataclass(frozen=True, slots=True)
class RankingRow:
    """A model in a table.

    Attributes:
        rank: 1 for the best model and all that a paired test does not find different from it. None for a model without
            some score, or whose training may have seen the sentences (`Entry.contamination`): it is shown but not
            ranked. A model with user-chosen settings is ranked like any other.
        mean: the mean over the subsets of the table; None if a subset has no score.
        interval: 95 % interval of the mean.
    """

    entry: Entry
    rank: int | None
    mean: float | None
    interval: Interval | None

    def value(self, table: RankingTable, column: str) -> float | None:
        """Return the score of a subset, or the mean for "mean"."""
        return self.mean if column == "mean" else self.entry.subsets[column].scores[table.score]


@dataclass(frozen=True, slots=True)
class RankingTable:
    """Models on one task with identical data: the same subsets, n and sentences. Best first, unless sorted."""

    task: str
    score: str
    lower_is_better: bool
    subsets: tuple[str, ...]
    rows: tuple[RankingRow, ...]

    @property
    def label(self) -> str:
        """The task, with the name of the data if they are custom data in the task's layout."""
        return self.rows[0].entry.result.label

    @property
    def official(self) -> bool:
        """Whether published scores are comparable."""
        return self.rows[0].entry.result.official

    @property
    def sizes(self) -> list[int]:
        """The number of sentences of each subset."""
        entry = self.rows[0].entry
        return [entry.subsets[name].n for name in self.subsets]

    @property
    def languages(self) -> list[str]:
        """MTEB's codes of the languages of all subsets."""
        subsets = self.rows[0].entry.subsets
        return sorted({code for name in self.subsets for code in subsets[name].languages})

    def marks(self, values: Sequence[float | None]) -> list[Mark]:
        """Return the mark of each row's value; contaminated and unchecked rows get none."""
        clean = [None if row.entry.contamination else value for row, value in zip(self.rows, values, strict=True)]
        return highlight_best(clean, self.lower_is_better)

    def sorted_by(self, column: str) -> RankingTable:
        """Sort by a column ("model", "mean" or a subset), best first; another column changes nothing."""
        if column == "model":
            return replace(self, rows=tuple(sorted(self.rows, key=lambda row: row.entry.label.casefold())))
        if column != "mean" and column not in self.subsets:
            return self

        def place(row: RankingRow) -> tuple[bool, float]:
            value = row.value(self, column)
            return value is None, (value or 0) * (1 if self.lower_is_better else -1)

        return replace(self, rows=tuple(sorted(self.rows, key=place)))


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """All tables, and (file, reason) for files that could not be ranked."""

    tables: list[RankingTable]
    skipped: list[tuple[Path, str]]


def make_leaderboard(entries: Sequence[Entry], stored: StoredStatistics | None = None) -> Leaderboard:
    """Return one table for each task and dataset; per task, official data first, then most subsets and models.

    Statistics that are in `stored` are not computed again, and new ones are added.
    """
    stored = stored or StoredStatistics()
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        data = (f"{name} {entry.data(name)}" for name in entry.subsets)
        groups.setdefault((entry.task, entry.score, *sorted(data)), []).append(entry)

    def place(group: tuple[tuple[str, ...], list[Entry]]) -> tuple[object, ...]:
        (task, *data), entries = group
        return task, not entries[0].result.official, -len(data), -len(entries), data

    ordered = sorted(groups.items(), key=place)
    skipped: list[tuple[Path, str]] = []
    tables = [_table(group, skipped, stored) for _, group in ordered]
    return Leaderboard([table for table in tables if table.rows], skipped)


def _table(entries: Sequence[Entry], skipped: list[tuple[Path, str]], stored: StoredStatistics) -> RankingTable:
    first = entries[0]
    lower, subsets = first.result.lower_is_better, tuple(first.subsets)
    means = {entry.file: _mean(entry) for entry in entries}

    def place(entry: Entry) -> tuple[bool, float, str]:
        mean = means[entry.file]
        return mean is None, (mean or 0) * (1 if lower else -1), entry.label

    rows = list(_judged(sorted(entries, key=place), means, skipped, _Judge(subsets, stored)))
    return RankingTable(first.task, first.score, lower, subsets, tuple(rows))


def _mean(entry: Entry) -> float | None:
    values = [subset.scores[entry.score] for subset in entry.subsets.values()]
    present = [value for value in values if value is not None]
    return fmean(present) if len(present) == len(values) else None


class _Outcomes:
    """The outcomes of an entry, which are read only if a statistic of them is not stored."""

    def __init__(self, entry: Entry, subsets: Sequence[str]) -> None:
        self._entry = entry
        self._subsets = subsets
        self.sha256 = evidence_sha256(entry, subsets)

    @cached_property
    def evidence(self) -> list[Evidence]:
        return read_evidence(self._entry, self._subsets)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Computes the statistics of one table, or finds them in `stored`."""

    subsets: tuple[str, ...]
    stored: StoredStatistics

    def p(self, leading: _Outcomes, own: _Outcomes) -> float:
        """Return p of the difference between two entries."""
        hashes = (leading.sha256, own.sha256)
        (p,) = self.stored.get("p", hashes, 1, lambda: [mean_of_differences(leading.evidence, own.evidence).p])
        return p

    def interval(self, own: _Outcomes) -> Interval:
        """Return the interval of an entry's mean."""
        low, high = self.stored.get("interval", [own.sha256], 2, lambda: interval_of_mean(own.evidence))
        return low, high


def _judged(
    ordered: Sequence[Entry], means: dict[Path, float | None], skipped: list[tuple[Path, str]], judge: _Judge
) -> Iterator[RankingRow]:
    """Yield one row for each entry, best first; entries that do not differ from the leader of a rank share the rank.

    With M ranked entries there are at most M - 1 tests, so each uses level 0.05 / (M - 1) (Bonferroni). Outcomes are
    read one entry at a time and only the leader's are kept, so that memory does not grow with the number of models.
    """
    to_rank = {entry.file for entry in ordered if not entry.contamination and means[entry.file] is not None}
    bound = SIGNIFICANT / max(1, len(to_rank) - 1)
    leading: _Outcomes | None = None
    rank, place = 0, 0
    for entry in ordered:
        mean = means[entry.file]
        if mean is None:
            yield RankingRow(entry, None, None, None)
            continue
        try:
            own = _Outcomes(entry, judge.subsets)
            interval = judge.interval(own)
        except UserError as error:
            skipped.append((entry.file, str(error)))
            continue
        ranked = entry.file in to_rank
        if ranked:
            place += 1
            if leading is None or judge.p(leading, own) < bound:
                leading, rank = own, place
        # The mean of one subset is its score, with the same interval.
        single = entry.subsets[judge.subsets[0]].intervals.get(entry.score) if len(judge.subsets) == 1 else None
        yield RankingRow(entry, rank if ranked else None, mean, single or interval)
