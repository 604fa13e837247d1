"""Saved results and comparisons for Python: `bitext_bench.load_results` and `bitext_bench.compare`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bitext_bench.api.paths import as_path
from bitext_bench.api.reports import Report
from bitext_bench.errors import UserError

from .compare import ComparisonRow, compare_models, corrected_p, render_comparison
from .entries.read import Entry, read_results, say_skipped
from .entries.select import ModelSelection
from .stats.paired import SIGNIFICANT

if TYPE_CHECKING:
    from pandas import DataFrame


def load_results(folder: str | Path) -> dict[str, Report]:
    """Read the result files below a folder; return one report for each model, by its name and settings.

    If models share a name, the revision follows it: "local/letters [1c0f9d2e4b7a]".

    Files that cannot be read are skipped, with a line on stderr for each.

    Raises:
        UserError: `folder` is not a directory.

    >>> import bitext_bench as bb
    >>> from tempfile import TemporaryDirectory
    >>> def letters(sentences):
    ...     return [[text.count(c) + 0.01 for c in "abcdefghijklmnopqrstuvwxyz"] for text in sentences]
    >>> with TemporaryDirectory() as folder:
    ...     files = bb.evaluate(letters, ["Mini-Tatoeba"], "en,fr", data="mini").save(folder)
    ...     reports = load_results(folder)
    >>> list(reports), reports["local/letters"]["Mini-Tatoeba"]["fr-en"].accuracy.n
    (['local/letters'], 360)
    """
    found = read_results(as_path("folder", folder))
    say_skipped(found.skipped)
    models: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in found.entries:
        models.setdefault(entry.model, []).append(entry)
    shared = Counter(entries[0].label for entries in models.values())
    named = {_unique_name(entries[0], shared): entries for entries in models.values()}
    return {
        # The working directory may change before the outcomes are read.
        name: Report([e.result for e in entries], [e.file.absolute() for e in entries], [None] * len(entries))
        for name, entries in sorted(named.items())
    }


def _unique_name(entry: Entry, shared: Counter[str]) -> str:
    if shared[entry.label] == 1:
        return entry.label
    _, revision, settings = entry.model
    return f"{entry.label} [{' '.join(filter(None, (revision, settings)))}]"


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two models compared on the same sentences; prints like `bitext-bench compare`.

    Attributes:
        rows: one for each subset that both models have on the same data, and one for the mean of a task's subsets.
    """

    rows: Sequence[ComparisonRow]

    def __str__(self) -> str:
        """Return the table."""
        return render_comparison(self.rows)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return render_comparison(self.rows, "html")

    def __repr__(self) -> str:
        """Return the table, for display in an interactive session."""
        return str(self)

    def to_pandas(self) -> DataFrame:
        """Return a frame of the rows.

        Columns: task, subset, n (missing for a mean), score, a, b, difference (a - b), ci_low, ci_high, only_a and
        only_b (sentences on which only this model does better; missing for correlations), p, p_holm (corrected over all
        rows) and better ("a", "b" or ""). Shares are fractions in [0, 1]; correlations are in [-1, 1].
        """
        from pandas import DataFrame

        found = [_row(row, p) for row, p in zip(self.rows, corrected_p(self.rows), strict=True)]
        return DataFrame(found).astype({"n": "Int64", "only_a": "Int64", "only_b": "Int64"})


def _row(row: ComparisonRow, p_holm: float) -> dict[str, object]:
    entry, found = row.pairs[0][0], row.difference
    counted = found.step > 0  # a correlation is no count of sentences
    a, b = (None, None) if row.n is None else row.scores
    better = "a" if (found.value > 0) != entry.result.lower_is_better else "b"
    return {
        "task": entry.result.label,
        "subset": row.subset,
        "n": row.n,
        "score": entry.score,
        "a": a,
        "b": b,
        "difference": found.value,
        "ci_low": found.interval[0],
        "ci_high": found.interval[1],
        "only_a": found.wins if counted else None,
        "only_b": found.losses if counted else None,
        "p": found.p,
        "p_holm": p_holm,
        "better": better if p_holm < SIGNIFICANT else "",
    }


def compare(a: Report, b: Report) -> Comparison:
    """Compare two models on every subset that both were scored on with the same data.

    A difference is a - b in the unit of the score: positive if `a` has the higher score, which is worse for error
    rates. p and the 95 % interval of a difference come from one paired test over the sentences (McNemar's for shares of
    hits).

    Args:
        a: the report of one model, from `evaluate` or `load_results`.
        b: the report of the other.

    Raises:
        UserError: a report has several models, the models have no common task on the same data, or outcomes are
            missing or damaged.

    >>> import bitext_bench as bb
    >>> def letters(sentences):
    ...     return [[text.count(c) + 0.01 for c in "abcdefghijklmnopqrstuvwxyz"] for text in sentences]
    >>> def vowels(sentences):
    ...     return [[text.count(c) + 0.01 for c in "aeiou"] for text in sentences]
    >>> a, b = (bb.evaluate(model, ["Mini-Tatoeba"], "en,fr", data="mini") for model in (letters, vowels))
    >>> frame = compare(a, b).to_pandas()
    >>> frame.subset.tolist(), frame.better.tolist()
    (['fr-en'], ['a'])
    """
    rows = compare_models(_as_selection("a", a), _as_selection("b", b))
    if not rows:
        raise UserError(f"{a.name} and {b.name} have no common task on the same data: score both on the same data")
    return Comparison(rows)


def _as_selection(name: str, report: Report) -> ModelSelection:
    if not isinstance(report, Report):
        raise UserError(f"{name} is a {type(report).__name__}: expected a Report, from evaluate or load_results")
    scored = zip(report.files, report.results, report.outcomes, strict=True)
    entries = sorted(
        (Entry(file, result, scored=own) for file, result, own in scored), key=lambda entry: entry.task_and_data
    )
    if len(models := {entry.model for entry in entries}) > 1:
        names = "; ".join(sorted(" ".join(filter(None, model)) for model in models))
        raise UserError(f"{report.name} has the results of several models ({names}): expected a report of one")
    return ModelSelection({-1: {entry.task_and_data: entry for entry in entries}})
