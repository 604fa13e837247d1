"""`bitext-bench leaderboard --layout`: a table of the paper with the results that belong to its rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bitext_bench.errors import UserError
from bitext_bench.io.terminal import say

from ..entries.read import Entry, of_comparable_data
from ..render.records import as_csv, as_json
from .arrange import arrange
from .figures import layout_figures
from .markdown import render_layout
from .tables import LAYOUTS

_FORMATS = ("markdown", "csv", "json")


def lay_out(arguments: argparse.Namespace, entries: Sequence[Entry]) -> str:
    """Return the table; where no result belongs to it the paper's alone, and say on stderr how to make one.

    Raises:
        UserError: options were given that a table of the paper cannot follow.
    """
    if arguments.tasks or arguments.languages or arguments.sort:
        raise UserError(
            "--layout has the tasks, languages and order of the paper: leave out --tasks, --languages and --sort"
        )
    if arguments.format not in _FORMATS:
        raise UserError(f"--layout cannot be written as {arguments.format}: pass --format {', '.join(_FORMATS)}")
    layout = LAYOUTS[arguments.layout]
    table = arrange(arguments.layout, layout, of_comparable_data(entries))
    if not table.measured:
        pair = f" --pair {layout.groups[0]}" if layout.groups[0] else ""
        say(
            f"no result in {arguments.results} belongs to a row of {arguments.layout}; make one: "
            f"bitext-bench train --recipe {layout.recipe}{pair} --data DIR --output NAME, "
            "then bitext-bench run --model NAME"
        )
    if arguments.format == "markdown":
        return render_layout(table)
    return {"csv": as_csv, "json": as_json}[arguments.format](list(layout_figures(table)))
