"""A table of the paper in GitHub's Markdown: the paper's rows in italics, measured rows with ranges and notes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence, Set
from decimal import ROUND_HALF_UP, Decimal
from string import ascii_lowercase

from ..escaping import escape, pipe_table
from .arrange import ArrangedTable, TableLine
from .cells import Cell
from .conditions import describe_conditions, source_note
from .tables import PaperColumn

_OTHER_DATA = "the rows of this block were scored on different data and are not compared"


def render_paper_table(table: ArrangedTable) -> str:
    """Return the table with its explanations and notes."""
    settings, reasons = _Notes(""), _Notes(ascii_lowercase)
    papers = {label for row in table.layout.rows for label in row.labels}
    rows = []
    for block in table.blocks:
        columns = [_rendered(block, i, column, reasons) for i, column in enumerate(table.columns)]
        for i, line in enumerate(block):
            cells = [column[i] for column in columns]
            if not line.measured:
                cells[len(cells) - table.own :] = [""] * table.own
            rows.append([*_labels(line, papers, first=i == 0), *cells, _source(line, settings)])
    head = [*table.layout.head, *(column.name for column in table.columns), "source"]
    notes = [*settings.lines(), *reasons.lines()]
    parts = [
        f"# Table {table.name.removeprefix('table')} of Park et al. 2024 (arXiv:2405.16155): {table.layout.title}\n",
        f"{textwrap.fill(_legend(table), 120, break_on_hyphens=False)}\n",
        pipe_table(head, rows, len(table.layout.head)),
        *(["\n".join(notes) + "\n"] if notes else []),
    ]
    return "\n".join(parts)


class _Notes:
    """Footnotes in order of first use, marked with letters, then numbers."""

    def __init__(self, names: str) -> None:
        self._names = names
        self._texts: list[str] = []

    def mark(self, text: str) -> str:
        """Return the mark that refers to a note."""
        if text not in self._texts:
            self._texts.append(text)
        return self._mark(self._texts.index(text))

    def lines(self) -> list[str]:
        """Return all notes."""
        return [f"- {self._mark(i)} {escape(text)}" for i, text in enumerate(self._texts)]

    def _mark(self, i: int) -> str:
        return f"<sup>{self._names[i] if i < len(self._names) else i + 1 - len(self._names)}</sup>"


def _legend(table: ArrangedTable) -> str:
    said = [
        "*In italics*: as the paper reports it; all other rows are measured.",
        "Accuracy is the mean of both directions, as in the paper's text (the authors' code scores xx-en only).",
        "The **best** and <ins>second</ins> of a column, as printed, are marked among the paper's rows of a group and, "
        "separately, in each block of measured rows.",
    ]
    if any(column.percent for column in table.columns):
        said.append("FLORES-200: error rate of xSIM in percent, lower is better.")
    if table.measured:
        said.append(
            "Ranges: (95 % interval) of one model; [smallest–largest] of several seeds after their mean, without the "
            "uncertainty from the choice of test sentences."
        )
        said.append("–: no score; a letter gives the reason if the paper has one.")
    if table.own:
        own = ", ".join(column.name for column in table.columns[-table.own :])
        said.append(f"Columns that the paper does not have, in place of averages that lack data: {own}.")
    return " ".join(said)


def _rendered(block: Sequence[TableLine], i: int, column: PaperColumn, reasons: _Notes) -> list[str]:
    """Return the i-th column of a block; without marks if its scores are on different data."""
    cells = [line.cells[i] for line in block]
    comparable = len({cell.data for cell in cells if cell.value is not None}) <= 1
    marks = _marks(cells, column) if comparable else {}
    rendered = []
    for line, cell in zip(block, cells, strict=True):
        if cell.value is None:
            rendered.append(f"–{reasons.mark(cell.why) if cell.why else ''}")
            continue
        printed = number(cell.value, column)
        shown = marks.get(printed, "{}").format(printed if line.measured else f"*{printed}*")
        rendered.append(f"{shown}{_range(line, cell, column)}{'' if comparable else reasons.mark(_OTHER_DATA)}")
    return rendered


def number(value: float, column: PaperColumn) -> str:
    """Format a score like the paper; halves, which are common in means of two directions, are rounded up."""
    scaled, step = (100 * value, "0.01") if column.percent else (value, "0.001")
    return str(Decimal(f"{scaled:.9f}").quantize(Decimal(step), ROUND_HALF_UP))


def _marks(cells: Sequence[Cell], column: PaperColumn) -> dict[str, str]:
    """Return the marks of the two best scores, as printed; none if there is nothing to compare."""
    printed = [number(cell.value, column) for cell in cells if cell.value is not None]
    if len(set(printed)) < 2:
        return {}
    lower = any(average.lower_is_better for average in column.averages.values())
    best = sorted(set(printed), key=float, reverse=not lower)[:2]
    return dict(zip(best, ("**{}**", "<ins>{}</ins>"), strict=False))


def _range(line: TableLine, cell: Cell, column: PaperColumn) -> str:
    few = ""
    if line.measured and cell.seeds < len(line.measured.models):
        few = f" {cell.seeds} seed{'s' if cell.seeds > 1 else ''}"
    if cell.low is None or cell.high is None:
        return few
    span = f"{number(cell.low, column)}–{number(cell.high, column)}"
    return (f" [{span}]" if cell.seeds > 1 else f" ({span})") + few


def _labels(line: TableLine, papers: Set[str], *, first: bool) -> list[str]:
    if line.measured:
        labels = [label if label in papers else escape(label) for label in line.labels]
    else:
        labels = [f"*{label}*" for label in line.labels]
    return [line.row.group if first else "", *labels] if line.row.group else labels


def _source(line: TableLine, settings: _Notes) -> str:
    if not line.measured:
        return "*paper*"
    return f"{escape(source_note(line.measured))}{settings.mark(describe_conditions(line.measured))}"
