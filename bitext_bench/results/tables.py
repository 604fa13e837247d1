"""The tables of scores and averages that `bitext-bench run` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from math import floor, isfinite
from typing import Literal

from tabulate import tabulate

from ..io.terminal import printable
from ..languages import find_language
from ..tasks import has_english_side
from .averages import PAPER_AVERAGES, Average, compute
from .records import SubsetResult, TaskResult

# For tasks with more subsets than this, tables show only the mean; the file has all subsets.
MOST_ROWS = 12
_MOST_LANGUAGES = 12  # a name of a mean has more languages only as a number


def group_by_reason(reasons: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield one line for each reason, with its first file and the number of other files."""
    for reason, files in reasons.items():
        first, *others = dict.fromkeys(files)
        yield f"{first}{f' and {len(others):,} more' if others else ''}: {reason}"


def render_scores(results: Sequence[TaskResult], form: Literal["simple", "html"] = "simple") -> str:
    """Return a table of the main scores, in percent (correlations times 100).

    The column `ceiling` appears if sentences that differ only in case or punctuation keep a score below 100.
    """
    rows = [row for result in results for row in _task_rows(result)]
    head = ["task", "subset", "n", "score", "value", "95 % interval", "ceiling"]
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    align = ["left", "left", "right", "left", "right", "left", "right"][: len(head)]
    table = tabulate(rows, headers=head, tablefmt=form, disable_numparse=True, colalign=align)
    lines = [*dict.fromkeys(filter(None, (list_languages(result.task, result.subsets) for result in results)))]
    return table + paragraphs("\n".join(lines)) if form == "html" else "\n".join([table, *lines])


def paragraphs(text: str) -> str:
    """Return lines of text as paragraphs of HTML."""
    return "".join(f"\n<p>{escape(line)}</p>" for line in text.splitlines())


def _task_rows(result: TaskResult) -> list[list[str]]:
    name = result.main_score
    shown = f"{name} (lower is better)" if result.lower_is_better else name
    entries = result.subsets
    mean = result.mean
    if len(entries) > MOST_ROWS and mean:
        n = f"{entries[0].n:,}" if len({entry.n for entry in entries}) == 1 else ""
        scored = mean.subsets  # those that have a score
        of = "" if scored == len(entries) else f" ({len(entries) - scored} without a score)"
        whole = [entry for entry in entries if entry.scores[name] is not None]
        subset, interval = f"{name_mean(result.task, whole)}{of}", percent_interval(mean.interval)
        return [[result.label, subset, n, shown, percent(mean.mean), interval, ""]]
    return [
        [
            result.label,
            printable(entry.subset),
            f"{entry.n:,}",
            shown,
            percent(entry.scores[name]),
            percent_interval(entry.intervals.get(name)),
            percent(ceiling) if (ceiling := entry.scores.get("ceiling") or 1.0) < 1.0 else "",
        ]
        for entry in entries
    ]


def mean_languages(task: str, subsets: Iterable[SubsetResult]) -> list[str]:
    """Return our codes of the languages of a mean over subsets, without English if it is a side of every subset."""
    given = dict.fromkeys(code for subset in subsets for code in subset.languages)
    codes = dict.fromkeys(str(find_language(code) or code) for code in given)
    return sorted(code for code in codes if code != "en" or not has_english_side(task))


def name_languages(codes: Sequence[str]) -> str:
    """Return the languages of a mean, or their number if there are many: `list_languages` has them all then."""
    return ", ".join(codes) if len(codes) <= _MOST_LANGUAGES else f"{len(codes)} languages"


def name_mean(task: str, subsets: Sequence[SubsetResult]) -> str:
    """Return the name of a mean over subsets, such as "mean of 4 (fr, ja, ko, ru)"."""
    return printable(f"mean of {len(subsets)} ({name_languages(mean_languages(task, subsets))})")


def list_languages(task: str, subsets: Sequence[SubsetResult]) -> str:
    """Return a line with all languages of a mean whose name has only their number; "" otherwise."""
    codes = mean_languages(task, subsets)
    return printable(f"{len(codes)} languages of {task}: {', '.join(codes)}") if len(codes) > _MOST_LANGUAGES else ""


def percent(value: float | None) -> str:
    """Return a score in percent; a dash if it does not exist.

    Halves are rounded up, as on the HTML page: 94.525 is 94.53, however the sum of a mean was rounded before.
    """
    return "–" if value is None else f"{_rounded(value):.2f}"


def signed_percent(value: float) -> str:
    """Return a difference of scores in percent, with its sign."""
    return f"{_rounded(value):+.2f}"


def _rounded(value: float) -> float:
    """Return a share in percent with two decimals; the inner rounding removes the error of binary fractions."""
    return floor(round(10_000 * value, 4) + 0.5) / 100 if isfinite(value) else value


def percent_interval(interval: Sequence[float] | None) -> str:
    """Return an interval in percent, as "94.20 to 96.20"; "" if there is none."""
    return f"{percent(interval[0])} to {percent(interval[1])}" if interval else ""


def render_averages(results: Sequence[TaskResult], averages: Sequence[Average] = PAPER_AVERAGES) -> str:
    """Return one line for each of the paper's averages over official data: value and languages.

    Averages without a score of every member are omitted.
    """
    lines = []
    subsets = {(result.task, subset.subset): subset for result in results for subset in result.subsets}
    for average in averages:
        value = compute(average, results).value
        if value is None:
            continue
        better = ", lower is better" if average.lower_is_better else ""
        found = {code for task, name, _ in average.members for code in mean_languages(task, [subsets[task, name]])}
        of = f"mean of {len(average.members)}: {name_languages(sorted(found))}"
        lines.append(f"{average.name}: {percent(value)} ({of}{better})")
    return "\n".join(lines)
