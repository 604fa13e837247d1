"""Tables as GitHub's markdown, with names that cannot break out of their cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bitext_bench.baselines import find_baseline
from bitext_bench.report import MOST_ROWS, percent

from .board import Row, Table
from .escaping import escape, pipe_table
from .read import Entry, Found
from .reported import read_reported, render_reported

# Overview columns: heading, tasks of which the first that is there is shown.
_OVERVIEW = (
    ("Tatoeba accuracy", ("Tatoeba",)),
    ("BUCC mining F1", ("BUCC-mining", "BUCC-style-mining")),
    ("BUCC gold accuracy", ("BUCC.v2", "BUCC-style")),
    ("FLORES-200 xSIM", ("FLORES-200",)),
    ("STSBenchmark", ("STSBenchmark",)),
    ("KorSTS", ("KorSTS",)),
    ("JSTS", ("JSTS",)),
)
_HEAD = """# Leaderboard

Made by `bitext-bench leaderboard` from the result files in `results/`; do not edit it. Percent, and correlations x 100,
each with its 95 % interval. **Best** and <ins>second</ins> of a column. Models that a paired test on the same sentences
does not tell from the first of a rank share that rank (exact McNemar or paired bootstrap, 0.05 divided by the number of
tests). Rows of other data or n stand in tables of their own; a model in settings that are not its own (a prompt, a
dtype) is shown without a rank. *In italics*: figures that others published, by their own protocol, never ranked.
"""


def render(tables: Sequence[Table], found: Found, root: Path) -> str:
    """Return the whole file: overview, one section a task, and what was left out and why."""
    parts = [_HEAD, _overview(tables)]
    seen: set[str] = set()
    imported = read_reported(root)
    for table in tables:
        parts.append(_section(table))
        if table.task not in seen and (figures := render_reported(table.task, table.subsets, imported)):
            parts.append(figures)
        seen.add(table.task)
    if found.skipped:
        lines = [f"- {escape(str(file.relative_to(root)))}: {escape(reason)}" for file, reason in found.skipped]
        parts.append("## Left out\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _overview(tables: Sequence[Table]) -> str:
    """Return one row a model; of each task the table with most pairs, and nothing of others."""
    first: dict[str, Table] = {}
    for table in tables:
        first.setdefault(table.task, table)
    columns = [
        (f"{heading}{_lower(first[task])}", first[task])
        for heading, tasks in _OVERVIEW
        if (task := next((t for t in tasks if t in first), None))
    ]
    models: dict[tuple[str, str, str], Entry] = {
        row.entry.model: row.entry for _, table in columns for row in table.rows
    }
    head = ["model", *(heading for heading, _ in columns), "parameters", "dimensions"]
    cells = {
        (i, row.entry.model): cell
        for i, (_, table) in enumerate(columns)
        for row, cell in zip(table.rows, _marked(table, [row.mean for row in table.rows]), strict=True)
    }
    ordered = sorted(models, key=lambda model: _places(columns, model))
    rows = [
        [
            escape(models[model].label),
            *(cells.get((i, model), "–") for i in range(len(columns))),
            *_size(models[model]),
        ]
        for model in ordered
    ]
    return "## Overview\n\n" + pipe_table(head, rows, 1)


def _places(columns: Sequence[tuple[str, Table]], model: tuple[str, str, str]) -> tuple[float, tuple[str, str, str]]:
    """Sort by the mean place over the columns; a missing one counts as the last."""
    places = []
    for _, table in columns:
        order = [row.entry.model for row in table.rows]
        places.append((order.index(model) if model in order else len(order)) / len(order))
    return sum(places) / len(places), model


def _size(entry: Entry) -> list[str]:
    registered = entry.result.run["model"].get("registered")
    baseline = find_baseline(registered) if isinstance(registered, str) else None
    return [f"{baseline.parameters / 1e6:,.0f} M", str(baseline.dimensions)] if baseline else ["–", "–"]


def _section(table: Table) -> str:
    sizes = sorted(set(table.sizes))
    n = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    heading = f"## {escape(table.task)}: {escape(table.score)}{_lower(table)}"
    single = len(table.subsets) == 1
    shown = table.subsets if len(table.subsets) <= MOST_ROWS else ()
    said = f"{len(table.subsets)} subset{'' if single else 's'}, n = {n}" + ("" if single else " each")
    head = ["rank", "model", *([] if single else ["mean"]), *map(escape, shown)]
    columns = [] if single else [_marked(table, [row.mean for row in table.rows])]
    for name in shown:
        scores = [row.entry.subsets[name][table.score] for row in table.rows]
        intervals = [row.entry.subsets[name]["intervals"].get(table.score) for row in table.rows]
        columns.append(
            [
                f"{score} ({percent(interval[0])}–{percent(interval[1])})" if interval else score
                for score, interval in zip(_marked(table, scores), intervals, strict=True)
            ]
        )
    rows = [
        [_rank(table, row), escape(row.entry.label), *cells] for row, *cells in zip(table.rows, *columns, strict=True)
    ]
    return f"{heading}\n\n{said}\n\n{pipe_table(head, rows, 2)}"


def _rank(table: Table, row: Row) -> str:
    if row.rank is None:
        return "–"
    tied = sum(other.rank == row.rank for other in table.rows) > 1
    return f"{row.rank}{'=' if tied else ''}"


def _lower(table: Table) -> str:
    return " (lower is better)" if table.lower_is_better else ""


def _marked(table: Table, values: Sequence[float | None]) -> list[str]:
    """Return values in percent, the best in bold and the second-best underlined; equal values alike."""
    levels = sorted({v for v in values if v is not None}, reverse=not table.lower_is_better)[:2]
    marks = dict(zip(levels, ("**{}**", "<ins>{}</ins>"), strict=False))
    return [percent(v) if v is None else marks.get(v, "{}").format(percent(v)) for v in values]
