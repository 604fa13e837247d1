"""One row a model over all tasks: the means that papers quote, size and speed."""

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
    """One mean of every model that has all its members.

    Attributes:
        key: what --sort calls it.
        note: what the mean is over.
    """

    key: str
    heading: str
    lower_is_better: bool
    values: Mapping[ModelKey, float]
    note: str


@dataclass(frozen=True, slots=True)
class Speed:
    """Sentences a second, as a model's own results measured it, and on what."""

    sentences: float
    where: str


# Key, heading, tasks of which the first that is there is shown.
_TASKS = (
    ("tatoeba", "Tatoeba accuracy", ("Tatoeba",)),
    ("bucc-mining", "BUCC mining F1", ("BUCC-mining", "BUCC-style-mining")),
    ("bucc", "BUCC gold accuracy", ("BUCC.v2", "BUCC-style")),
    ("flores", "FLORES-200 xSIM", ("FLORES-200",)),
)
_MOST_LANGUAGES = 12  # named one by one up to here


@dataclass(frozen=True, slots=True)
class Overview:
    """Models in the order in which they are shown, with their columns, size and speed.

    Attributes:
        models: of several runs of one training, which differ in the seed, the first; its values are their means.
        names: how a model is called, with the seeds that it stands for.
    """

    models: tuple[Entry, ...]
    names: Mapping[ModelKey, str]
    columns: tuple[OverviewColumn, ...]
    speed: Mapping[ModelKey, Speed]

    def sorted_by(self, key: str) -> Overview:
        """Return it in the order of a column, of model, parameters, dimensions or speed; for any other as it is."""
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
    """Return the overview, sorted by the mean place over the columns; a missing one counts as the last.

    Of each task the table with most subsets counts, and nothing of others, of sentences that a model's training may
    have seen, or of data that only have a benchmark's layout. Models that no mean is left of are not in it.
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
    """Return together, by rising seed, runs that differ in the seed alone and have values in the same columns."""
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
    """Return what a table is over: subsets, languages, n."""
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
    """Return the mean over the English subsets, or all others, that the model with most of them has.

    The same sentences under two names (the STS benchmark, and the English of its translations) count once.
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
    """Return the speed of each model by the run that encoded most."""
    most: dict[ModelKey, EncodingRecord] = {}
    for entry in entries:
        encoding = entry.result.encoding
        if not encoding or encoding.sentences < TIMED_SENTENCES or not encoding.seconds:
            continue
        if entry.model not in most or encoding.sentences > most[entry.model].sentences:
            most[entry.model] = encoding
    return {model: Speed(x.sentences / x.seconds, machine(x)) for model, x in most.items()}


def machine(encoding: EncodingRecord) -> str:
    """Return the device and the number of cores of a run."""
    return f"{printable(encoding.device)}, {encoding.cores} core{'' if encoding.cores == 1 else 's'}"
