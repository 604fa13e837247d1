"""`bitext-bench leaderboard --paper-table`: a table of the paper with the measured rows that match its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bitext_bench.errors import UserError
from bitext_bench.io.terminal import say

from ..entries.read import Entry, select_comparable
from ..render.records import as_csv, as_json
from .arrange import arrange
from .figures import table_figures
from .markdown import render_paper_table
from .tables import PAPER_TABLES

_FORMATS = ("markdown", "csv", "json")


def paper_table(number: int, form: str, entries: Sequence[Entry], results: Path) -> str:
    """Return a table of the paper with the matching results; if there are none, print on stderr how to make one.

    Args:
        number: number of the table, 1 to 6.
        form: "markdown", "csv" or "json".
        entries: the results to choose from.
        results: their folder, for the message.

    Raises:
        UserError: the format is not supported.
    """
    if form not in _FORMATS:
        raise UserError(f"--paper-table cannot be written as {form}: pass --format {', '.join(_FORMATS)}")
    name = f"table{number}"
    layout = PAPER_TABLES[name]
    table = arrange(name, layout, select_comparable(entries))
    if not table.measured:
        say(
            f"no result in {results} belongs to a row of table {number}; make one: "
            f"bitext-bench train {layout.flags} --data DIR --output NAME, "
            "then bitext-bench run --model NAME"
        )
    if form == "markdown":
        return render_paper_table(table)
    return {"csv": as_csv, "json": as_json}[form](list(table_figures(table)))
