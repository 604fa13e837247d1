"""Tables for a paper, in LaTeX with booktabs; names in other scripts need XeLaTeX or LuaLaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bitext_bench.io.terminal import printable
from bitext_bench.results.tables import MOST_ROWS, name_languages, percent

from ..tables.columns import describe, table_languages
from ..tables.highlight import Mark, highlight_best
from ..tables.overview import Overview
from ..tables.ranking import RankingTable

_COMMANDS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_HEAD = r"""% needs \usepackage{booktabs}; percent, and correlations x 100
% $\dagger$: training may have seen the sentences

"""
_STYLE = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}

_Column = tuple[str, bool, list[float | None], list[Mark]]  # heading, lower is better, values of the models, marks


def render_latex(tables: Sequence[RankingTable], overview: Overview) -> str:
    """Return one tabular for the overview and one for each table, each with a comment as its title."""
    columns: list[_Column] = []
    for column in overview.columns:
        values = [column.values.get(row.key) for row in overview.rows]
        measured = [value if row.entry else None for row, value in zip(overview.rows, values, strict=True)]
        columns.append(
            (column.heading, column.lower_is_better, values, highlight_best(measured, column.lower_is_better))
        )
    names = [_escape(row.name) if row.entry else rf"\textit{{{_escape(row.name)}}}" for row in overview.rows]
    blocks = [_tabular("Overview; published models in italics", names, columns)]
    for table in tables:
        shown = table.subsets if len(table.subsets) <= MOST_ROWS else ()
        columns = []
        for name in [*(["mean"] if len(table.subsets) > 1 else []), *shown]:
            values = [row.value(table, name) for row in table.rows]
            heading = f"mean ({name_languages(table_languages(table))})" if name == "mean" else name
            columns.append((heading, table.lower_is_better, values, table.marks(values)))
        names = [_escape(row.entry.label) + (r"$^\dagger$" if row.entry.contamination else "") for row in table.rows]
        blocks.append(_tabular(f"{table.label}, {table.score}: {describe(table)}", names, columns))
    return _HEAD + "\n".join(blocks)


def _tabular(title: str, models: Sequence[str], columns: Sequence[_Column]) -> str:
    from pandas import DataFrame

    cells = {"model": list(models)}
    for heading, lower, values, found in columns:
        cells[_escape(heading) + (r" $\downarrow$" if lower else "")] = [
            _STYLE[mark] % ("--" if value is None else percent(value))
            for value, mark in zip(values, found, strict=True)
        ]
    body = DataFrame(cells).to_latex(index=False, escape=False, column_format="l" + "r" * len(columns))
    return f"% {printable(title)}\n{body}"


def _escape(text: str) -> str:
    """Escape text for LaTeX."""
    return re.sub(r"[\\~^&%$#_{}]", lambda found: _COMMANDS.get(found[0], f"\\{found[0]}"), printable(text))
