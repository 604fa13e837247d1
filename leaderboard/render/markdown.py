"""Tables in GitHub's Markdown, with escaped names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from bitext_bench.io.terminal import printable
from bitext_bench.languages import resolve
from bitext_bench.results.tables import MOST_ROWS, name_languages, percent
from bitext_bench.scoring.intervals import Interval

from ..escaping import escape, pipe_table
from ..tables.columns import OverviewColumn, describe, languages_note, table_languages
from ..tables.highlight import Mark, highlight_best
from ..tables.overview import Overview
from ..tables.ranking import RankingTable

_HEAD = """# Leaderboard

`bitext-bench leaderboard` writes this file from the result files in {root}; do not edit it. Scores are in percent and
correlations x 100, each with its 95 % interval. The **best** and <ins>second</ins> of each column are marked. Models
share a rank if a paired test on the same sentences does not find them worse than its leader (McNemar's test for shares,
a normal test for other scores and means; level 0.05 divided by the number of tests). Results on different data, or with
a different n, are in separate tables. A model whose training may have seen the sentences (†) has no rank. Settings that
a user chose (a prompt, a dtype) are in parentheses after the name; these rows are ranked like all others. In the
overview, runs that differ only in the seed are averaged into one row. The HTML page and `--format csv` also have the
published scores of each task.
"""
_HEAD_PUBLISHED = """# Leaderboard

`bitext-bench leaderboard` writes this file from published scores only: {root} has no results to show. Scores are in
percent and correlations x 100. The HTML page and `--format csv` also have the published scores of each task.
"""
_MOST_PAIRS = 120  # maximum columns; with more subsets, one column for each language
_STYLE = {"best": "**{}**", "second": "<ins>{}</ins>", "": "{}"}


def render_markdown(
    tables: Sequence[RankingTable], overview: Overview, skipped: Sequence[tuple[Path, str]], root: Path
) -> str:
    """Return the whole file: overview, one section for each table, and the skipped files.

    Args:
        tables: the tables, in the order of their sections.
        overview: the overview of the same models.
        skipped: (file, reason) for files that are not shown.
        root: the results folder.
    """
    head = _HEAD if tables else _HEAD_PUBLISHED
    parts = [head.replace("{root}", _code(f"{root}/")), _overview(overview)]
    parts += map(_section, tables)
    if skipped:
        lines = [f"- {escape(str(file.relative_to(root)))}: {escape(reason)}" for file, reason in skipped]
        parts.append("## Left out\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _code(text: str) -> str:
    """Return text as a code span, or as plain text if it contains a backtick."""
    shown = printable(text)
    return escape(text) if "`" in shown else f"`{shown}`"


def _overview(overview: Overview) -> str:
    published = any(row.entry is None for row in overview.rows)
    where = sorted({speed.where for speed in overview.speed.values()})
    one_machine = f" ({escape(where[0])})" if len(where) == 1 else ""
    head = [
        "model",
        *(escape(column.heading) + _lower(column.lower_is_better) for column in overview.columns),
        *(["released", "license"] if published else []),
        "parameters",
        "dimensions",
        f"sentences/s{one_machine}",
    ]
    columns = [_overview_cells(overview, column) for column in overview.columns]
    if published:
        columns += [[escape(getattr(row, what)) or "–" for row in overview.rows] for what in ("released", "license")]
    for what, unit in (("parameters", 1e6), ("dimensions", 1)):
        sizes = [getattr(row, what) for row in overview.rows]
        columns.append([f"{size / unit:,.0f}{' M' if unit > 1 else ''}" if size else "–" for size in sizes])
    speeds = [overview.speed.get(row.key) for row in overview.rows]
    place = {speed.where: "" if one_machine else f" ({escape(speed.where)})" for speed in overview.speed.values()}
    columns.append([f"{speed.sentences:,.0f}{place[speed.where]}" if speed else "–" for speed in speeds])
    names = [escape(row.name) if row.entry else f"*{escape(row.name)}*" for row in overview.rows]
    table = pipe_table(head, list(zip(names, *columns, strict=True)), 1)
    notes = "\n".join([*(f"- {escape(column.note)}" for column in overview.columns), *_published_note(overview)])
    return f"## Overview\n\nSorted by {escape(overview.order)}.\n\n{table}\n{notes}\n"


def _overview_cells(overview: Overview, column: OverviewColumn) -> list[str]:
    """Return the cells of a column: measured values with marks, published ones in italics; intervals if it has any."""
    values = [column.values.get(row.key) for row in overview.rows]
    measured = [value if row.entry else None for row, value in zip(overview.rows, values, strict=True)]
    styled = _styled(measured, highlight_best(measured, column.lower_is_better))
    cells = []
    for row, value, shown in zip(overview.rows, values, styled, strict=True):
        cell = shown if row.entry or value is None else f"*{percent(value)}*"
        interval = column.intervals.get(row.key) if column.key == overview.columns[0].key else None
        cells.append(f"{cell} ({percent(interval[0])}–{percent(interval[1])})" if interval else cell)
    return cells


def _published_note(overview: Overview) -> list[str]:
    """Return notes on the published models: why each is shown, its prompts, and how many are not shown."""
    if not overview.choices:
        return []
    shown = [row for row in overview.rows if row.entry is None]
    others = sum(not choice.shown for choice in overview.choices.values())
    notes = [
        "- *In italics*: scores that MTEB published. They are not measured here and never marked as the best. MTEB "
        "does not record prompts; for E5, mteb's version decides. Each is shown for a reason:",
        *(f"  - {escape(row.name)}: {escape('; '.join(filter(None, [row.reason, row.prompts])))}" for row in shown),
    ]
    if overview.without_scores:
        notes.append(f"- Without a score in these columns: {', '.join(map(escape, overview.without_scores))}.")
    if others:
        notes.append(f"- {others} more models are in `--format csv`, on the HTML page, and here with `--models NAME`.")
    return notes


def _section(table: RankingTable) -> str:
    score = f"{escape(table.score)}{_lower(table.lower_is_better)}"
    said = f"## {escape(table.label)}: {score}, {escape(describe(table))}\n\n"
    if languages := languages_note(table):
        said += f"{escape(languages)}.\n\n"
    for row in table.rows:
        if row.entry.contamination:
            said += f"† {escape(row.entry.label)}: contamination: {escape(row.entry.contamination)}.\n\n"
    if len(table.subsets) <= MOST_ROWS:
        return said + _scores(table, table.subsets)
    whole = said + _scores(table, ())
    if len(table.subsets) <= _MOST_PAIRS:
        return whole + _collapsible(f"each of the {len(table.subsets)} subsets", _scores(table, table.subsets))
    return whole + _collapsible("the mean of each language", _by_language(table))


def _scores(table: RankingTable, subsets: Sequence[str]) -> str:
    single = len(table.subsets) == 1
    mean = f"mean ({escape(name_languages(table_languages(table)))})"
    head = ["rank", "model", *([] if single else [mean]), *map(escape, subsets)]
    columns = [] if single else [_with_intervals(table, "mean", [row.interval for row in table.rows])]
    for name in subsets:
        intervals = [row.entry.subsets[name].intervals.get(table.score) for row in table.rows]
        columns.append(_with_intervals(table, name, intervals))
    return pipe_table(head, list(zip(_ranks(table), _names(table), *columns, strict=True)), 2)


def _with_intervals(table: RankingTable, column: str, intervals: Sequence[Interval | None]) -> list[str]:
    values = [row.value(table, column) for row in table.rows]
    scores = _styled(values, table.marks(values))
    return [
        f"{score} ({percent(interval[0])}–{percent(interval[1])})" if interval else score
        for score, interval in zip(scores, intervals, strict=True)
    ]


def _by_language(table: RankingTable) -> str:
    """Return the means over the subsets of each language, for tables with too many subsets to show."""
    members = {
        code: [name for name in table.subsets if code in table.rows[0].entry.subsets[name].languages]
        for code in table.languages
    }
    columns = []
    for names in members.values():
        values = [[row.value(table, name) for name in names] for row in table.rows]
        means = [None if None in own else fmean(v for v in own if v is not None) for own in values]
        columns.append(_styled(means, table.marks(means)))
    head = ["rank", "model", *(str(resolve(code)) for code in members)]
    return pipe_table(head, list(zip(_ranks(table), _names(table), *columns, strict=True)), 2)


def _names(table: RankingTable) -> list[str]:
    return [escape(row.entry.label) + (" †" if row.entry.contamination else "") for row in table.rows]


def _collapsible(summary: str, table: str) -> str:
    return f"\n<details><summary>{summary}</summary>\n\n{table}\n</details>\n"


def _ranks(table: RankingTable) -> list[str]:
    shared = Counter(row.rank for row in table.rows)
    return ["–" if row.rank is None else f"{row.rank}{'=' if shared[row.rank] > 1 else ''}" for row in table.rows]


def _lower(lower_is_better: bool) -> str:
    return " (lower is better)" if lower_is_better else ""


def _styled(values: Sequence[float | None], found: Sequence[Mark]) -> list[str]:
    """Format values in percent, the best in bold and the second-best underlined."""
    return [_STYLE[mark].format(percent(value)) for value, mark in zip(values, found, strict=True)]
