"""The overview: one row for each model, with the means that papers report, size and speed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bitext_bench.io.terminal import printable
from bitext_bench.languages import resolve
from bitext_bench.results.records import TIMED_SENTENCES
from bitext_bench.results.schema import EncodingRecord

from ..entries.read import Entry
from ..entries.select import seed, seeds_label
from ..entries.training_runs import parse_training
from .ranking import RankingTable

ModelKey = tuple[str, str, str]
Member = tuple[str, str]  # task, subset


@dataclass(frozen=True, slots=True)
class OverviewColumn:
    """A column of means, for models that have all its subsets.

    Attributes:
        key: the name for --sort.
        note: a description of the tasks and subsets in the mean.
    """

    key: str
    heading: str
    lower_is_better: bool
    values: Mapping[ModelKey, float]
    note: str


@dataclass(frozen=True, slots=True)
class Speed:
    """Sentences per second, as recorded in a model's results, and the machine."""

    sentences: float
    where: str


# Key, heading, tasks; the first task that has results is shown.
_TASKS = (
    ("tatoeba", "Tatoeba accuracy", ("Tatoeba",)),
    ("bucc-mining", "BUCC mining F1", ("BUCC-mining", "BUCC-style-mining")),
    ("bucc", "BUCC gold accuracy", ("BUCC.v2", "BUCC-style")),
    ("flores", "FLORES-200 xSIM", ("FLORES-200",)),
)
_MOST_LANGUAGES = 12  # with more, the languages are counted instead of listed


@dataclass(frozen=True, slots=True)
class Overview:
    """Models in display order, with their columns and speed.

    Attributes:
        models: one entry for each model; for several seeds of one training, the first run's, with means as values.
        names: display names, with the seeds.
    """

    models: tuple[Entry, ...]
    names: Mapping[ModelKey, str]
    columns: tuple[OverviewColumn, ...]
    speed: Mapping[ModelKey, Speed]

    def sorted_by(self, key: str) -> Overview:
        """Sort by a column, or by model, parameters, dimensions or speed; another key changes nothing."""
        column = next((column for column in self.columns if column.key == key), None)
        values: Mapping[ModelKey, float | None]
        if key == "model":
            return replace(
                self, models=tuple(sorted(self.models, key=lambda entry: self.names[entry.model].casefold()))
            )
        if column:
            values = column.values
        elif key == "speed":
            values = {model: speed.sentences for model, speed in self.speed.items()}
        elif key in ("parameters", "dimensions"):
            values = {entry.model: entry.size(key) for entry in self.models}
        else:
            return self
        sign = -1 if key == "speed" or (column and not column.lower_is_better) else 1

        def place(entry: Entry) -> tuple[bool, float]:
            value = values.get(entry.model)
            return value is None, sign * (value or 0)

        return replace(self, models=tuple(sorted(self.models, key=place)))


def make_overview(tables: Sequence[RankingTable], entries: Iterable[Entry]) -> Overview:
    """Return the overview, sorted by mean place over the columns; a missing value counts as the last place.

    Each task contributes its table with the most subsets. Contaminated results and custom data are left out, and so are
    models without any mean.
    """
    first: dict[str, RankingTable] = {}
    for table in tables:
        first.setdefault(table.label, table)
    columns = [
        _task_column(key, heading, first[task])
        for key, heading, tasks in _TASKS
        if (task := next((t for t in tasks if t in first), None))
    ]
    sts = [table for name, table in first.items() if table.score == "cosine_spearman" and name == table.task]
    columns += [column for column in (_sts_column(sts, english=True), _sts_column(sts, english=False)) if column]
    shown = {model for column in columns for model in column.values}
    rows = [row.entry for table in first.values() for row in table.rows]
    models = {entry.model: entry for entry in rows if entry.model in shown or not columns}
    trainings = _trainings(columns, models.values())
    columns = [replace(column, values=_means(column, trainings)) for column in columns]
    names = {runs[0].model: seeds_label(runs) for runs in trainings}
    places = _mean_places(columns, names)
    ordered = sorted(names, key=lambda model: (places[model], model))
    return Overview(tuple(models[model] for model in ordered), names, tuple(columns), _speeds(entries))


def _trainings(columns: Sequence[OverviewColumn], models: Iterable[Entry]) -> list[list[Entry]]:
    """Group runs that differ only in the seed and have values in the same columns; each group is sorted by seed."""
    found: dict[tuple[object, ...], list[Entry]] = {}
    for entry in sorted(models, key=seed):
        training = None if entry.settings else parse_training(entry.result.training)
        has = tuple(entry.model in column.values for column in columns)
        found.setdefault((training.shared, has) if training else entry.model, []).append(entry)
    return list(found.values())


def _means(column: OverviewColumn, trainings: Iterable[Sequence[Entry]]) -> dict[ModelKey, float]:
    return {
        runs[0].model: fmean(column.values[entry.model] for entry in runs)
        for runs in trainings
        if runs[0].model in column.values
    }


def describe(table: RankingTable) -> str:
    """Describe a table's subsets, languages and n."""
    sizes = sorted(set(table.sizes))
    n = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    many = len(table.subsets)
    codes = dict.fromkeys(str(resolve(code)) for code in table.languages)
    languages = ", ".join(codes) if len(codes) <= _MOST_LANGUAGES else f"{len(codes)} languages"
    return f"{many:,} subsets of {languages}, n = {n} each" if many > 1 else f"{languages}, n = {n}"


def _task_column(key: str, heading: str, table: RankingTable) -> OverviewColumn:
    values = {row.entry.model: row.mean for row in table.rows if row.mean is not None and not row.entry.contamination}
    return OverviewColumn(key, heading, table.lower_is_better, values, f"{table.task}: {describe(table)}")


def _sts_column(tables: Sequence[RankingTable], *, english: bool) -> OverviewColumn | None:
    """Return the mean over the English subsets, or over all others, of the model that has the most of them.

    The same sentences under two names (the STS benchmark and the English part of its translations) count once.
    """
    found: dict[ModelKey, dict[Member, float]] = {}
    first: dict[str, Member] = {}
    for table in tables:
        for name in table.subsets:
            if (set(table.rows[0].entry.subsets[name].languages) == {"eng-Latn"}) == english:
                member = first.setdefault(table.rows[0].entry.sentences(name), (table.task, name))
                for row in table.rows:
                    if (value := row.value(table, name)) is not None and not row.entry.contamination:
                        found.setdefault(row.entry.model, {})[member] = value
    if not found:
        return None
    members = max(found.values(), key=len).keys()
    values = {model: fmean(own[m] for m in members) for model, own in sorted(found.items()) if members <= own.keys()}
    side = "en" if english else "xx"
    names = ", ".join(task if subset == "default" else f"{task} {subset}" for task, subset in members)
    return OverviewColumn(f"sts-{side}", f"STS {side}", False, values, f"STS {side}: mean of {names}")


def _mean_places(columns: Sequence[OverviewColumn], models: Iterable[ModelKey]) -> dict[ModelKey, float]:
    totals = dict.fromkeys(models, 0.0)
    for column in columns:
        ordered = sorted(column.values, key=column.values.__getitem__, reverse=not column.lower_is_better)
        place = {model: i / len(ordered) for i, model in enumerate(ordered)}
        for model in totals:
            totals[model] += place.get(model, 1.0)
    return totals


def _speeds(entries: Iterable[Entry]) -> dict[ModelKey, Speed]:
    """Return the speed of each model in its largest run."""
    most: dict[ModelKey, EncodingRecord] = {}
    for entry in entries:
        encoding = entry.result.encoding
        if not encoding or encoding.sentences < TIMED_SENTENCES or not encoding.seconds:
            continue
        if entry.model not in most or encoding.sentences > most[entry.model].sentences:
            most[entry.model] = encoding
    return {model: Speed(x.sentences / x.seconds, machine(x)) for model, x in most.items()}


def machine(encoding: EncodingRecord) -> str:
    """Describe the device and the number of cores of a run."""
    return f"{printable(encoding.device)}, {encoding.cores} core{'' if encoding.cores == 1 else 's'}"
