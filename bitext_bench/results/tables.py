"""What a person reads on the terminal after a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from tabulate import tabulate

from ..io.terminal import printable
from .averages import PAPER_AVERAGES, Average, compute
from .records import TaskResult

# A task with more subsets than this shows their mean; each of them is in the file.
MOST_ROWS = 12


def group_by_reason(reasons: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a line for each reason, with the first of the files that it is about and how many others there are."""
    for reason, files in reasons.items():
        first, *others = dict.fromkeys(files)
        yield f"{first}{f' and {len(others):,} more' if others else ''}: {reason}"


def render_scores(results: Sequence[TaskResult], form: Literal["simple", "html"] = "simple") -> str:
    """Return a table of the main scores, in percent for fractions and x 100 for correlations, as papers print them.

    `ceiling` is shown where sentences that differ only in case or punctuation keep the score below 100.
    """
    rows = [row for result in results for row in _task_rows(result)]
    head = ["task", "subset", "n", "score", "value", "95 % interval", "ceiling"]
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    align = ["left", "left", "right", "left", "right", "left", "right"][: len(head)]
    return tabulate(rows, headers=head, tablefmt=form, disable_numparse=True, colalign=align)


def _task_rows(result: TaskResult) -> list[list[str]]:
    name = result.main_score
    shown = f"{name} (lower is better)" if result.lower_is_better else name
    entries = result.subsets
    mean = result.mean
    if len(entries) > MOST_ROWS and mean:
        n = f"{entries[0].n:,}" if len({entry.n for entry in entries}) == 1 else ""
        scored = mean.subsets  # those that have a score
        of = "" if scored == len(entries) else f" ({len(entries) - scored} without a score)"
        subset, interval = f"mean of {scored}{of}", _interval(mean.interval)
        return [[result.label, subset, n, shown, percent(mean.mean), interval, ""]]
    return [
        [
            result.label,
            printable(entry.subset),
            f"{entry.n:,}",
            shown,
            percent(entry.scores[name]),
            _interval(entry.intervals.get(name)),
            percent(ceiling) if (ceiling := entry.scores.get("ceiling") or 1.0) < 1.0 else "",
        ]
        for entry in entries
    ]


def percent(value: float | None) -> str:
    """Return a score as it is printed; a score that does not exist is a dash, never 0."""
    return "–" if value is None else f"{100 * value:.2f}"


def _interval(interval: Sequence[float] | None) -> str:
    return f"{percent(interval[0])} to {percent(interval[1])}" if interval else ""


def render_averages(results: Sequence[TaskResult], averages: Sequence[Average] = PAPER_AVERAGES) -> str:
    """Return the paper's averages over official data; one with missing members is named with them and has no value.

    An average of which nothing at all was run on official data is left out.
    """
    lines = []
    for average in averages:
        value = compute(average, results)
        if len(value.missing) == len(average.members):
            continue
        better = ", lower is better" if average.lower_is_better else ""
        if value.value is None:
            missing = ", ".join(value.missing[:3]) + (", …" if len(value.missing) > 3 else "")
            lines.append(
                f"{average.name}: not formed, {len(value.missing)} of {len(average.members)} missing ({missing})"
            )
        else:
            lines.append(f"{average.name}: {percent(value.value)} (mean of {len(average.members)}{better})")
    return "\n".join(lines)
