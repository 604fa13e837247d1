"""Tables for a paper, in LaTeX with booktabs; names in other scripts need XeLaTeX or LuaLaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bitext_bench.report import MOST_ROWS, percent, printable

from .board import Table
from .marks import marks
from .overview import Overview, describe

_COMMANDS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_STYLE = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}


def render_latex(tables: Sequence[Table], overview: Overview) -> str:
    """Return one tabular for the overview and one a task, each below a comment that says what it is."""
    columns = [
        (column.heading, [column.values.get(entry.model) for entry in overview.models], column.lower_is_better)
        for column in overview.columns
    ]
    blocks = [_tabular("Overview", [entry.label for entry in overview.models], columns)]
    for table in tables:
        shown = table.subsets if len(table.subsets) <= MOST_ROWS else ()
        names = [*(["mean"] if len(table.subsets) > 1 else []), *shown]
        columns = [(name, [row.value(table, name) for row in table.rows], table.lower_is_better) for name in names]
        title = f"{table.task}, {table.score}: {describe(table)}"
        blocks.append(_tabular(title, [row.entry.label for row in table.rows], columns))
    return "% needs \\usepackage{booktabs}; percent, and correlations x 100\n\n" + "\n".join(blocks)


def _tabular(title: str, models: Sequence[str], columns: Sequence[tuple[str, list[float | None], bool]]) -> str:
    from pandas import DataFrame

    cells = {"model": list(map(_escape, models))}
    for heading, values, lower in columns:
        cells[_escape(heading) + (r" $\downarrow$" if lower else "")] = [
            _STYLE[mark] % ("--" if value is None else percent(value))
            for value, mark in zip(values, marks(values, lower_is_better=lower), strict=True)
        ]
    body = DataFrame(cells).to_latex(index=False, escape=False, column_format="l" + "r" * len(columns))
    return f"% {printable(title)}\n{body}"


def _escape(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return re.sub(r"[\\~^&%$#_{}]", lambda found: _COMMANDS.get(found[0], f"\\{found[0]}"), printable(text))
