"""The columns of the overview: means over subsets, each over one set of subsets that its heading or note names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from bitext_bench.languages import resolve
from bitext_bench.results.tables import list_languages, mean_languages, name_languages
from bitext_bench.scoring.intervals import Interval

from ..published.records import MEAN_OF_TATOEBA, Measure
from ..stats.unpaired import Score, mean_of_scores
from .ranking import RankingTable
from .scores import ScoreRow, subset_languages

# The monolingual sets of the STS means. STS22 is left out: its articles are longer than many models read.
USUAL_STS = (
    ("STS12", "default"), ("STS13", "default"), ("STS14", "default"), ("STS15", "default"), ("STS16", "default"),
    ("STS17", "en-en"), ("STSBenchmark", "default"), ("JSTS", "default"), ("KorSTS", "default"),
    ("STSBenchmarkMultilingualSTS", "fr"), ("STSBenchmarkMultilingualSTS", "ru"),
)  # fmt: skip

ModelKey = tuple[str, str, str]
Member = tuple[str, str]  # task, subset


@dataclass(frozen=True, slots=True)
class OverviewColumn:
    """A column of means, for models that have all its subsets.

    Attributes:
        key: the name for --sort.
        task: the task; "STS" for means over several.
        note: a description of the tasks and subsets in the mean.
        intervals: 95 % intervals of some of the values.
        measures: the scores in the mean, if published models can have a value.
    """

    key: str
    task: str
    heading: str
    lower_is_better: bool
    values: Mapping[ModelKey, float]
    note: str
    intervals: Mapping[ModelKey, Interval] = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()

    @property
    def short_heading(self) -> str:
        """The heading without the languages."""
        return self.heading.partition(" (")[0]


def describe(table: RankingTable) -> str:
    """Describe a table's subsets, languages and n."""
    sizes = sorted(set(table.sizes))
    n = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    many = len(table.subsets)
    languages = name_languages(list(dict.fromkeys(str(resolve(code)) for code in table.languages)))
    return f"{many:,} subsets of {languages}, n = {n} each" if many > 1 else f"{languages}, n = {n}"


def table_languages(table: RankingTable) -> list[str]:
    """Return our codes of the languages of a table's mean, as `mean_languages`."""
    subsets = table.rows[0].entry.subsets
    return mean_languages(table.task, [subsets[name] for name in table.subsets])


def languages_note(table: RankingTable) -> str:
    """Return all languages of a table's mean if its headings have only their number; "" otherwise."""
    subsets = table.rows[0].entry.subsets
    return list_languages(table.task, [subsets[name] for name in table.subsets])


def task_column(key: str, heading: str, table: RankingTable) -> OverviewColumn:
    """Return the mean of a table as a column."""
    values = {row.entry.model: row.mean for row in table.rows if row.mean is not None and not row.entry.contamination}
    heading = f"{heading} ({name_languages(table_languages(table))})"
    note = "; ".join(filter(None, [f"{table.task}: {describe(table)}", languages_note(table)]))
    return OverviewColumn(key, table.task, heading, table.lower_is_better, values, note)


def common_column(key: str, heading: str, measures: Sequence[Measure], rows: Iterable[ScoreRow]) -> OverviewColumn:
    """Return the mean of some scores, measured or published, of subsets with different sentences."""
    wanted = dict.fromkeys(measures)
    found: dict[ModelKey, dict[Measure, ScoreRow]] = {}
    for row in rows:
        if row.measure in wanted:
            found.setdefault(row.key, {})[row.measure] = row
    whole = {key: list(own.values()) for key, own in found.items() if len(own) == len(wanted)}
    means = {
        key: mean_of_scores([Score(row.value, row.interval or (0.0, 1.0)) for row in own], independent=True)
        for key, own in whole.items()
    }
    codes = sorted({code for m in wanted for code in subset_languages(m.task, m.subset)} - {"en"})
    names = ", ".join(measure.subset for measure in wanted)
    names = f"mean of {names}" if len(wanted) > 1 else names
    return OverviewColumn(
        key,
        measures[0].task,
        f"{heading} ({name_languages(codes)})",
        False,
        {model: mean.value for model, mean in means.items()},
        f"{heading}: {measures[0].task}, {measures[0].metric}, {names}, measured and published",
        {model: mean.interval for model, mean in means.items()},
        tuple(wanted),
    )


def common_measures(
    task: str, table: RankingTable | None, rows: Iterable[ScoreRow], metric: str = "mteb_accuracy"
) -> list[Measure]:
    """Return the published measures of a task that form a mean.

    If the reader chose languages, these are all subsets in them; otherwise those measured here, or all if none was.
    """
    published = {row.measure for row in rows if row.kind == "published" and row.measure.subset != MEAN_OF_TATOEBA}
    if table is None or table.rows[0].entry.languages is not None:
        return sorted(measure for measure in published if (measure.task, measure.metric) == (task, metric))
    return [measure for name in table.subsets if (measure := Measure(task, name, metric)) in published]


def sts_column(
    tables: Sequence[RankingTable], *, english: bool, rows: Sequence[ScoreRow] = ()
) -> OverviewColumn | None:
    """Return the mean over the English subsets, or over all others, of the model that has the most of them.

    With published scores in `rows`, only subsets with published scores count, so that both kinds have the same mean.
    Without tables, the published ones in `USUAL_STS` are the members.
    The same sentences under two names (the STS benchmark and the English part of its translations) count once.
    """
    published = {row.measure for row in rows if row.kind == "published"}
    found: dict[ModelKey, dict[Member, float]] = {}
    languages = _usual_sts(published, english=english)
    if tables:
        found, languages = _measured_sts(tables, published, english=english)
    members = max(found.values(), key=len).keys() if found else languages.keys()
    if not members:
        return None
    for other in rows:
        if other.kind == "published" and (other.measure.task, other.measure.subset) in members:
            found.setdefault(other.key, {})[other.measure.task, other.measure.subset] = other.value
    values = {model: fmean(own[m] for m in members) for model, own in sorted(found.items()) if members <= own.keys()}
    side = "en" if english else "xx"
    codes = sorted({code for member in members for code in languages[member]})
    heading = f"STS {side}" if english else f"STS {side} ({name_languages(codes)})"
    names = ", ".join(task if subset == "default" else f"{task} {subset}" for task, subset in members)
    note = f"STS {side}: {'mean of ' if len(members) > 1 else ''}{names}"
    measures = tuple(Measure(*member, "cosine_spearman") for member in members)
    return OverviewColumn(f"sts-{side}", "STS", heading, False, values, note, measures=measures)


def _usual_sts(published: Collection[Measure], *, english: bool) -> dict[Member, list[str]]:
    """Return the languages of each set in `USUAL_STS` with published scores."""
    usual = [member for member in USUAL_STS if Measure(*member, "cosine_spearman") in published]
    languages = {(task, subset): list(subset_languages(task, subset)) for task, subset in usual}
    return {member: codes for member, codes in languages.items() if (codes == ["en"]) == english}


def _measured_sts(
    tables: Sequence[RankingTable], published: Collection[Measure], *, english: bool
) -> tuple[dict[ModelKey, dict[Member, float]], dict[Member, list[str]]]:
    """Return the scores of each model on the subsets that count, and their languages; see `sts_column`."""
    found: dict[ModelKey, dict[Member, float]] = {}
    first: dict[str, Member] = {}
    languages: dict[Member, list[str]] = {}
    for table in tables:
        for name in table.subsets:
            codes = table.rows[0].entry.subsets[name].languages
            if (set(codes) == {"eng-Latn"}) == english and (
                not published or Measure(table.task, name, table.score) in published
            ):
                member = first.setdefault(table.rows[0].entry.sentences(name), (table.task, name))
                languages[member] = [str(resolve(code)) for code in codes]
                for row in table.rows:
                    if (value := row.value(table, name)) is not None and not row.entry.contamination:
                        found.setdefault(row.entry.model, {})[member] = value
    return found, languages
