"""Compare a model with one that has only published scores. Without its sentences there is no paired test."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tabulate import tabulate

from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable
from bitext_bench.results.tables import name_languages, percent, signed_percent
from bitext_bench.tasks import TASKS, has_english_side

from .entries.select import ModelSelection
from .published.records import MEAN_OF_TATOEBA, Measure, Published, PublishedModel
from .stats.unpaired import Score, difference, mean_of_scores
from .tables.scores import ScoreRow, score_rows, subset_languages

_SHOWN = ("mteb_accuracy", "cosine_spearman")  # mteb_f1 follows mteb_accuracy
_NOTE = (
    "A - B in points of the score. Not paired: a published model has no sentences here, so the interval combines those "
    "of the two scores as if each model had its own sentences (Newcombe 1998, Zou 2007). A paired test on the same "
    "sentences would give a narrower one. An interval without 0 means p < 0.05; it is not corrected for several "
    "comparisons. mteb_accuracy is one direction, into English. MTEB's files do not record prompts."
)


@dataclass(frozen=True, slots=True)
class UnpairedRow:
    """The scores of two models on a subset, or on the mean of subsets ("mean of 2 (ja, ko)").

    Attributes:
        labels: the names of A and B.
        n: numbers of sentences of A and B; empty for a mean.
    """

    labels: tuple[str, str]
    measure: Measure
    n: tuple[int, ...]
    a: Score
    b: Score

    @property
    def difference(self) -> Score:
        """A minus B."""
        return difference(self.a, self.b)


def compare_unpaired(
    a: ModelSelection | PublishedModel,
    b: ModelSelection | PublishedModel,
    published: Published,
    languages: AbstractSet[str] | None = None,
    wanted: AbstractSet[str] = frozenset(),
) -> list[UnpairedRow]:
    """Compare two models, at least one published, on each common subset of the tasks in `wanted` (empty: all).

    Raises:
        UserError: a name selects several seeds.
    """
    ours, theirs = (_scores(side, published, languages) for side in (a, b))
    labels = (_label(a), _label(b))
    by_task: dict[str, list[UnpairedRow]] = {}
    for measure, own in ours.items():
        other = theirs.get(measure)
        if other and (not wanted or measure.task in wanted) and own.interval and other.interval:
            row = UnpairedRow(
                labels,
                measure,
                tuple(row.n for row in (own, other) if row.n),
                Score(own.value, own.interval),
                Score(other.value, other.interval),
            )
            by_task.setdefault(measure.task, []).append(row)
    return [row for task in sorted(by_task) for row in (*by_task[task], *_mean_row(by_task[task]))]


def _mean_row(rows: Sequence[UnpairedRow]) -> list[UnpairedRow]:
    rows = [row for row in rows if row.measure.subset != MEAN_OF_TATOEBA]
    if len(rows) < 2:
        return []
    task, _, metric = rows[0].measure
    independent = TASKS[task].kind == "bitext"
    a, b = (
        mean_of_scores(scores, independent=independent) for scores in ([row.a for row in rows], [row.b for row in rows])
    )
    found = {code for row in rows for code in subset_languages(task, row.measure.subset)}
    codes = sorted(code for code in found if code != "en" or not has_english_side(task))
    subset = f"mean of {len(rows)} ({name_languages(codes)})"
    return [UnpairedRow(rows[0].labels, Measure(task, subset, metric), (), a, b)]


def _scores(
    side: ModelSelection | PublishedModel, published: Published, languages: AbstractSet[str] | None
) -> dict[Measure, ScoreRow]:
    if isinstance(side, PublishedModel):
        rows = score_rows([], Published({side.name: side}, published.n), languages)
    elif len(side.runs) == 1:
        rows = score_rows([entry for own in side.runs.values() for entry in own.values()], Published({}, {}))
    else:
        raise UserError(f"{_label(side)}: a published model is compared with one model, not with several seeds")
    return {row.measure: row for row in rows if row.measure.metric in _SHOWN}


def _label(side: ModelSelection | PublishedModel) -> str:
    if isinstance(side, PublishedModel):
        return f"{side.name} (published)"
    return ", ".join(next(iter(own.values())).label for own in side.runs.values())


def render_unpaired(comparisons: Sequence[Sequence[UnpairedRow]]) -> str:
    """Return one table for each pair of models."""
    blocks = []
    head = ["task", "subset", "score", "n", "A", "B", "A - B", "95 % interval, not paired"]
    for rows in comparisons:
        a, b = rows[0].labels
        table = tabulate([_cells(row) for row in rows], headers=head, tablefmt="simple", disable_numparse=True)
        blocks.append(f"A: {printable(a)}\nB: {printable(b)}\n\n{table}")
    return "\n\n".join([*blocks, _NOTE])


def _cells(row: UnpairedRow) -> list[str]:
    found = row.difference
    low, high = found.interval
    return [
        *map(printable, row.measure),
        " and ".join(f"{n:,}" for n in dict.fromkeys(row.n)),
        percent(row.a.value),
        percent(row.b.value),
        signed_percent(found.value),
        f"{signed_percent(low)} to {signed_percent(high)}",
    ]
