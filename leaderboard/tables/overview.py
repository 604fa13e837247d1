"""The overview: one row for each model, measured or published, with the means that papers report, size and speed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from bitext_bench.io.terminal import printable
from bitext_bench.results.records import TIMED_SENTENCES
from bitext_bench.results.schema import EncodingRecord

from ..entries.read import Entry
from ..entries.select import seed, seeds_label
from ..entries.training_runs import parse_training
from ..published.records import UNKNOWN_PROMPT
from .columns import ModelKey, OverviewColumn, common_column, common_measures, sts_column, task_column
from .ranking import RankingTable
from .scores import ScoreRow, common_prompt, measured_license
from .shown import Choice, choose_published, missing_baselines

# Key, heading, tasks; the first task that has results is shown.
_TASKS = (
    ("tatoeba", "Tatoeba accuracy", ("Tatoeba",)),
    ("bucc-mining", "BUCC mining F1", ("BUCC-mining", "BUCC-style-mining")),
    ("bucc", "BUCC gold accuracy", ("BUCC.v2", "BUCC-style")),
    ("flores", "FLORES-200 xSIM", ("FLORES-200",)),
)
_COMMON = (("tatoeba-en", "Tatoeba xx-en accuracy", "Tatoeba"), ("bucc", "BUCC.v2 xx-en accuracy", "BUCC.v2"))
_MOST_OWN = 8  # columns, if no task above has results
_ORDER = ("tatoeba-en", "tatoeba", "bucc-mining", "bucc", "flores", "sts-en", "sts-xx")


@dataclass(frozen=True, slots=True)
class Speed:
    """Sentences per second, as recorded in a model's results, and the machine."""

    sentences: float
    where: str


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """A model in the overview.

    Attributes:
        name: the name; for several seeds of one training, with the seeds.
        entry: a result of a measured model; for several seeds, of the first run. None for other models.
        parameters: number of parameters; None if unknown.
        dimensions: dimensions of the vectors; None if unknown.
        license: "" if unknown.
        released: ISO 8601; "" if unknown.
        reason: why the model is shown, such as "the best under 50 M".
        prompts: the known prompts of published scores, by column: 'no prompt in BUCC.v2 xx-en accuracy'.
    """

    key: ModelKey
    name: str
    entry: Entry | None
    parameters: int | None
    dimensions: int | None
    license: str
    released: str
    reason: str
    prompts: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """Models in display order, with their columns and speed.

    Attributes:
        order: the heading of the column that the rows are sorted by, or another description of the order.
        choices: why each published model is shown or left out.
        without_scores: names of models that belong in the overview but have no score in its columns.
    """

    rows: tuple[OverviewRow, ...]
    columns: tuple[OverviewColumn, ...]
    speed: Mapping[ModelKey, Speed]
    order: str
    choices: Mapping[ModelKey, Choice] = field(default_factory=dict)
    without_scores: tuple[str, ...] = ()

    @property
    def models(self) -> list[Entry]:
        """One entry for each measured model, in display order."""
        return [row.entry for row in self.rows if row.entry]

    def sorted_by(self, key: str) -> Overview:
        """Sort by a column, or by model, parameters, dimensions or speed; another key changes nothing."""
        column = next((column for column in self.columns if column.key == key), None)
        values: Mapping[ModelKey, float | None]
        if key == "model":
            return replace(self, rows=tuple(sorted(self.rows, key=lambda row: row.name.casefold())), order="model")
        if column:
            values = column.values
        elif key == "speed":
            values = {model: speed.sentences for model, speed in self.speed.items()}
        elif key in ("parameters", "dimensions"):
            values = {row.key: getattr(row, key) for row in self.rows}
        else:
            return self
        sign = -1 if key == "speed" or (column and not column.lower_is_better) else 1

        def place(row: OverviewRow) -> tuple[bool, float]:
            value = values.get(row.key)
            return value is None, sign * round(value or 0, 10)  # sums of equal scores may differ in the last bit

        return replace(self, rows=tuple(sorted(self.rows, key=place)), order=column.heading if column else key)


def make_overview(
    tables: Sequence[RankingTable],
    entries: Iterable[Entry],
    common: Sequence[ScoreRow] = (),
    wanted: Collection[str] | None = None,
) -> Overview:
    """Return the overview.

    Each task contributes its table with the most subsets. Contaminated results are left out, and so are measured models
    without any mean. Tasks that are not usual, such as custom data, have columns only if no usual task has results.

    With published scores the rows are sorted by accuracy on Tatoeba into English, if that is a column; otherwise by the
    mean place over the columns, where a missing value counts as the last place.

    Args:
        tables: the tables of `make_leaderboard`.
        entries: the results in the tables.
        common: scores on common measures; without published ones among them, only measured models are shown.
        wanted: parts of the names of the published models to show; None shows the usual choice.
    """
    first: dict[str, RankingTable] = {}
    for table in tables:
        first.setdefault(table.label, table)
    columns = _columns(first, common)
    measured = {row.entry.model: row.entry for table in first.values() for row in table.rows}
    shown = {model for column in columns for model in column.values if model in measured}
    trainings = _trainings(columns, [entry for model, entry in measured.items() if model in shown or not columns])
    columns = [_over_seeds(column, trainings) for column in columns]
    rows = [_measured_row(runs) for runs in trainings]
    choices: Mapping[ModelKey, Choice] = {}
    absent: list[str] = []
    if columns and any(row.kind == "published" for row in common):
        registered = {str(entry.result.model.registered) for entry in measured.values()}
        deciding = next((column for column in columns if column.key == "tatoeba-en"), columns[0])
        choices = choose_published(common, deciding, registered, wanted)
        published = list(_published_rows(common, choices, columns))
        with_scores = {key for column in columns for key in column.values}
        rows += [row for row in published if row.key in with_scores]
        absent = [row.name for row in published if row.key not in with_scores]
        absent += [baseline.name for baseline in missing_baselines(common, registered)] if wanted is None else []
    ordered = tuple(sorted(rows, key=lambda row: row.key))
    overview = Overview(ordered, tuple(columns), _speeds(entries), "", choices, tuple(absent))
    if choices and deciding.values:
        return overview.sorted_by(deciding.key)
    places = _mean_places(columns, [row.key for row in rows])
    ordered = tuple(sorted(rows, key=lambda row: (places[row.key], row.key)))
    return replace(overview, rows=ordered, order="the mean place over the columns")


def _columns(first: Mapping[str, RankingTable], common: Sequence[ScoreRow]) -> list[OverviewColumn]:
    columns = {
        key: task_column(key, heading, first[task])
        for key, heading, tasks in _TASKS
        if (task := next((t for t in tasks if t in first), None))
    }
    published = [row for row in common if row.kind == "published"]
    for key, heading, task in _COMMON if published else ():
        columns.pop(key, None)
        if measures := common_measures(task, first.get(task), common):
            columns[key] = common_column(key, heading, measures, common)
    sts = [table for name, table in first.items() if table.score == "cosine_spearman" and name == table.task]
    for english in (True, False):
        if column := sts_column(sts, english=english, rows=published):
            columns[column.key] = column
    if not columns and not published:
        own = list(first.values())[:_MOST_OWN]
        return [task_column(table.task, f"{table.label} {table.score}", table) for table in own]
    return [columns[key] for key in _ORDER if key in columns]


def _trainings(columns: Sequence[OverviewColumn], models: Iterable[Entry]) -> list[list[Entry]]:
    """Group runs that differ only in the seed and have values in the same columns; each group is sorted by seed."""
    found: dict[tuple[object, ...], list[Entry]] = {}
    for entry in sorted(models, key=seed):
        training = None if entry.settings else parse_training(entry.result.training)
        has = tuple(entry.model in column.values for column in columns)
        found.setdefault((training.shared, has) if training else entry.model, []).append(entry)
    return list(found.values())


def _over_seeds(column: OverviewColumn, trainings: Iterable[Sequence[Entry]]) -> OverviewColumn:
    """Return a column with the mean of the seeds as the first run's value, without an interval."""
    values, intervals = dict(column.values), dict(column.intervals)
    for runs in trainings:
        if len(runs) > 1 and runs[0].model in values:
            values[runs[0].model] = fmean(column.values[entry.model] for entry in runs)
            intervals.pop(runs[0].model, None)
    return replace(column, values=values, intervals=intervals)


def _measured_row(runs: Sequence[Entry]) -> OverviewRow:
    entry = runs[0]
    size = {what: entry.size(what) for what in ("parameters", "dimensions")}
    return OverviewRow(
        key=entry.model,
        name=seeds_label(runs),
        entry=entry,
        parameters=size["parameters"],
        dimensions=size["dimensions"],
        license=measured_license(entry),
        released="",
        reason="measured here",
    )


def _published_rows(
    common: Iterable[ScoreRow], choices: Mapping[ModelKey, Choice], columns: Sequence[OverviewColumn]
) -> Iterator[OverviewRow]:
    found: dict[ModelKey, list[ScoreRow]] = {}
    for row in common:
        if row.kind == "published":
            found.setdefault(row.key, []).append(row)
    for key, own in found.items():
        row = own[0]
        if choices[key].shown:
            yield OverviewRow(
                key=key,
                name=row.model,
                entry=None,
                parameters=row.parameters,
                dimensions=row.dimensions,
                license=row.license,
                released=row.released,
                reason=choices[key].reason,
                prompts=_prompts(own, [column for column in columns if key in column.values]),
            )


def _prompts(own: Sequence[ScoreRow], columns: Iterable[OverviewColumn]) -> str:
    """Return the known prompts of a model's scores in each column; scores of several versions of mteb may differ."""
    found: dict[str, list[str]] = {}
    for column in columns:
        prompts = {row.prompt for row in own if row.measure in column.measures}
        found.setdefault(common_prompt(prompts), []).append(column.short_heading)
    known = {prompt: names for prompt, names in found.items() if prompt not in ("", UNKNOWN_PROMPT)}
    if len(found) == len(known) == 1:
        return next(iter(known))
    return "; ".join(f"{prompt} in {', '.join(names)}" for prompt, names in known.items())


def _mean_places(columns: Sequence[OverviewColumn], models: Iterable[ModelKey]) -> dict[ModelKey, float]:
    totals = dict.fromkeys(models, 0.0)
    for column in columns:
        values = {model: value for model, value in column.values.items() if model in totals}
        ordered = sorted(values, key=values.__getitem__, reverse=not column.lower_is_better)
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
