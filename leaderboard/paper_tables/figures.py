"""A table of the paper as rows for scripts: one row for each score, or for the reason why it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .arrange import ArrangedTable, TableLine
from .cells import Cell
from .conditions import describe_conditions, describe_models
from .tables import PaperColumn


def table_figures(table: ArrangedTable) -> Iterator[dict[str, Any]]:
    """Yield one row for each score, in the paper's unit, not rounded."""
    for block in table.blocks:
        for line in block:
            for column, cell in zip(table.columns, line.cells, strict=True):
                if cell.value is not None or cell.why:
                    yield _figure(table.name, line, column, cell)


def _figure(name: str, line: TableLine, column: PaperColumn, cell: Cell) -> dict[str, Any]:
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
        "models": "; ".join(describe_models(line.measured)) if line.measured else "",
        "settings": describe_conditions(line.measured) if line.measured else "",
        "data": "; ".join(cell.data),
        "why": cell.why,
    }
