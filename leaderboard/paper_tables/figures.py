"""A table of the paper as rows for a script or a spreadsheet: one a figure, or a reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .arrange import Arranged, Line
from .cells import Cell
from .conditions import describe, models
from .tables import Column


def layout_figures(table: Arranged) -> Iterator[dict[str, Any]]:
    """Yield a row a figure, in the unit in which the paper prints it and not rounded."""
    for block in table.blocks:
        for line in block:
            for column, cell in zip(table.columns, line.cells, strict=True):
                if cell.value is not None or cell.why:
                    yield _figure(table.name, line, column, cell)


def _figure(name: str, line: Line, column: Column, cell: Cell) -> dict[str, Any]:
    of_seeds = "seeds" if cell.seeds > 1 else "95 % interval"
    value, low, high = (x if x is None or not column.percent else 100 * x for x in (cell.value, cell.low, cell.high))
    return {
        "table": name,
        "group": line.row.group,
        "row": " / ".join(line.row.labels),
        "column": column.name,
        "source": "measured" if line.measured else "Park et al. 2024",
        "value": value,
        "low": low,
        "high": high,
        "range": None if low is None else of_seeds,
        "unit": "percent" if column.percent else "fraction",
        "seeds": cell.seeds if cell.value is not None and line.measured else None,
        "models": "; ".join(models(line.measured)) if line.measured else "",
        "settings": describe(line.measured) if line.measured else "",
        "data": "; ".join(cell.data),
        "why": cell.why,
    }
