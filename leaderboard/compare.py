"""`bitext-bench compare A B`: the difference on each task and pair, with interval, p and the better model.

`unpaired` compares a model that has only published scores, without sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Literal

import numpy as np
from tabulate import tabulate

from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable
from bitext_bench.results.records import signature_fields
from bitext_bench.results.tables import list_languages, name_mean, paragraphs, percent, signed_percent
from bitext_bench.tasks.choices import parse_tasks

from .entries.read import Entry, chosen_languages
from .entries.select import (
    ModelSelection,
    NoSuchModel,
    close_names,
    name_some,
    read_entries,
    seeds_label,
    select_model,
)
from .published.file import read_published
from .published.find import find_published
from .published.records import IMPOSSIBLE, PublishedModel
from .stats.differences import common_subsets, difference, read_evidence
from .stats.paired import SIGNIFICANT, Difference, average, holm_correction, over_seeds
from .unpaired import compare_unpaired, render_unpaired


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One comparison: a subset of a task, or the mean of the subsets that both models have.

    Attributes:
        pairs: (entry of A, entry of B) on one task, one pair for each training run.
        subset: name of the subset, or of the mean, as `name_mean`.
        n: number of sentences; None for a mean.
        difference: A minus B.
    """

    pairs: Sequence[tuple[Entry, Entry]]
    subset: str
    n: int | None
    difference: Difference

    @property
    def labels(self) -> tuple[str, str]:
        """The names of A and of B."""
        ours, theirs = zip(*self.pairs, strict=True)
        return seeds_label(ours), seeds_label(theirs)

    @property
    def scores(self) -> tuple[float, float]:
        """The scores of A and B on the subset, averaged over runs."""
        found = [[entry.subsets[self.subset].scores[entry.score] for entry in pair] for pair in self.pairs]
        ours, theirs = np.mean(np.array(found, dtype=float), axis=0)
        return float(ours), float(theirs)

    @property
    def question(self) -> tuple[str, ...]:
        """The tested hypothesis: models, score, sentences and direction.

        Two tasks may share one (the English STS benchmark). The two directions of a pair have the same sentences.
        """
        entry = self.pairs[0][0]
        if self.n is None:
            return (*self.labels, entry.score, f"{entry.task} {self.subset}")
        pair = signature_fields(entry.subsets[self.subset].signature).get("pair", "")
        return (*self.labels, entry.score, entry.sentences(self.subset), pair)


def run_compare(
    results: Path, models: Sequence[str], tasks: Sequence[str] | None = None, languages: Sequence[str] | None = None
) -> int:
    """Print a comparison for every pair of models.

    Args:
        results: a folder of result files.
        models: two or more names, as in `choose_models`, or of models with published scores.
        tasks: names of tasks; None compares on all common tasks.
        languages: as in `run --languages`; None keeps all.

    Raises:
        UserError: a name matches no model or several, two names select the same model, or two models have no common
            task.
    """
    wanted = {task.name for task in parse_tasks(tasks)} if tasks else set()
    entries = read_entries(results, languages, optional=True)
    sides = [_choose(name, entries, results, restricted=bool(languages)) for name in models]
    lines = []
    unpaired = []
    for (first, a), (second, b) in combinations(zip(models, sides, strict=True), 2):
        if a == b:
            raise UserError(f"{printable(first)} and {printable(second)} are the same model: pass two different ones")
        if isinstance(a, ModelSelection) and isinstance(b, ModelSelection):
            lines += compare_models(a, b, wanted)
        elif rows := compare_unpaired(a, b, read_published(results), chosen_languages(languages), wanted):
            unpaired.append(rows)
    if not lines and not unpaired:
        among = f" among {', '.join(sorted(wanted))}" if wanted else ""
        raise UserError(f"the models have no common task{among} on the same data: run both on the same --data")
    tables = [*([render_comparison(lines)] if lines else []), *([render_unpaired(unpaired)] if unpaired else [])]
    print("\n\n".join(tables))
    return 0


def _choose(name: str, entries: Sequence[Entry], results: Path, *, restricted: bool) -> ModelSelection | PublishedModel:
    """Return the measured models that a name selects, or else the published model.

    With `restricted`, the entries are those in some languages.

    Raises:
        UserError: the name matches neither, or several models.
    """
    try:
        return select_model(name, entries)
    except NoSuchModel as error:
        published = read_published(results)
        if found := find_published(name, published):
            return found
        if restricted and not error.known:
            raise
        raise UserError(_unknown(error, published.models)) from error


def _unknown(error: NoSuchModel, published: Iterable[str]) -> str:
    """Return what to say about a name that is neither measured nor published."""
    left_out = [model for model in IMPOSSIBLE if error.given.casefold() in model.casefold()]
    if left_out:
        return f"{left_out[0]} has no scores here: {IMPOSSIBLE[left_out[0]]}"
    close = close_names(error.given, [*error.known, *published])
    said = f"{printable(error.given)} matches no model, measured or published"
    if close:
        return f"{said}: did you mean {name_some(close)}?"
    measured = f"measured are {name_some(sorted(error.known))}" if error.known else "none is measured"
    return f"{said}: {measured}; bitext-bench leaderboard --format csv has all names"


def compare_models(a: ModelSelection, b: ModelSelection, wanted: AbstractSet[str] = frozenset()) -> list[ComparisonRow]:
    """Compare two models on each common task in `wanted` (empty: on all), over the runs that have the task."""
    of_data: dict[tuple[str, ...], list[tuple[Entry, Entry]]] = {}
    for own, other in a.paired_runs(b):
        for ours, theirs in product(own.values(), other.values()):
            if ours.task != theirs.task or (wanted and ours.task not in wanted):
                continue
            if ours.task_and_data == theirs.task_and_data or common_subsets(ours, theirs):
                of_data.setdefault((*ours.task_and_data, *theirs.task_and_data), []).append((ours, theirs))
    return [line for pairs in of_data.values() for line in compare_task(pairs)]


def compare_task(pairs: Sequence[tuple[Entry, Entry]]) -> list[ComparisonRow]:
    """Return one line for each subset that all entries have on the same data, and their mean if there are several."""
    first, *others = (entry for pair in pairs for entry in pair)
    shared = [common_subsets(first, other) for other in others]
    subsets = [name for name in shared[0] if all(name in names for names in shared)]
    runs = [
        [
            difference(ours, theirs)
            for ours, theirs in zip(read_evidence(a, subsets), read_evidence(b, subsets), strict=True)
        ]
        for a, b in pairs
    ]
    differences = [over_seeds(of_subset) for of_subset in zip(*runs, strict=True)]
    lines = [ComparisonRow(pairs, name, first.subsets[name].n, d) for name, d in zip(subsets, differences, strict=True)]
    if len(subsets) > 1:
        lines.append(
            ComparisonRow(
                pairs, name_mean(first.task, [first.subsets[name] for name in subsets]), None, average(differences)
            )
        )
    return lines


def corrected_p(lines: Sequence[ComparisonRow]) -> list[float]:
    """Return each line's p, Holm-corrected over the distinct hypotheses of all lines."""
    asked = {line.question: line.difference.p for line in lines}
    corrected = dict(zip(asked, holm_correction(list(asked.values())), strict=True))
    return [corrected[line.question] for line in lines]


def format_p(p: float) -> str:
    """Format p for printing."""
    return f"{p:.2g}" if p >= 1e-4 else "< 0.0001"


def render_comparison(lines: Sequence[ComparisonRow], form: Literal["simple", "html"] = "simple") -> str:
    """Return one table for each pair of models, and notes."""
    corrected = corrected_p(lines)
    blocks = []
    labels = [line.labels for line in lines]
    for a, b in dict.fromkeys(labels):
        rows = [_row(line, p) for line, p, own in zip(lines, corrected, labels, strict=True) if own == (a, b)]
        head = ["task", "subset", "n", "A", "B", "A - B", "95 % interval", "only A", "only B", "p (Holm)", "better"]
        table = tabulate(rows, headers=head, tablefmt=form, disable_numparse=True)
        names = f"A: {a}\nB: {b}"
        blocks.append(f"{paragraphs(names)}\n{table}" if form == "html" else f"{names}\n\n{table}")
    note = (
        "A - B in points of the score. only A, only B: sentences on which only this model does better. p and the "
        "interval are from one paired test (McNemar's for shares): an interval without 0 means p < 0.05. p (Holm) is "
        "corrected for all comparisons above; the intervals are not."
    )
    if any(len(line.difference.runs) for line in lines):
        note += " Several seeds: scores are means; interval and p cover the choice of sentences and of seeds."
    first = {line.pairs[0][0].task: line.pairs[0][0] for line in lines if line.n is None}
    languages = [list_languages(task, list(entry.subsets.values())) for task, entry in first.items()]
    notes = "\n".join([*filter(None, languages), note])
    return "".join([*blocks, paragraphs(notes)]) if form == "html" else "\n\n".join([*blocks, notes])


def _row(line: ComparisonRow, p: float) -> list[str]:
    entry, found = line.pairs[0][0], line.difference
    low, high = found.interval
    positive_is_better = not entry.result.lower_is_better
    better = "A" if (found.value > 0) == positive_is_better else "B"
    return [
        printable(entry.result.label),
        printable(line.subset),
        *(["", "", ""] if line.n is None else [f"{line.n:,}", *map(percent, line.scores)]),
        signed_percent(found.value),
        f"{signed_percent(low)} to {signed_percent(high)}",
        *([str(found.wins), str(found.losses)] if found.wins + found.losses else ["", ""]),
        format_p(p),
        better if p < SIGNIFICANT else "",
    ]
