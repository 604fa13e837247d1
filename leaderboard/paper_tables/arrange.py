"""A table of the paper with measured rows, in blocks; lines are compared within their block only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..entries.read import Entry
from .cells import Cell, measure_cell
from .measured import MeasuredRow, find_rows
from .paper import paper_figure
from .tables import ByGroup, PaperColumn, PaperRow, PaperTable


@dataclass(frozen=True, slots=True)
class TableLine:
    """A row of the table.

    Attributes:
        cells: one for each column of the table.
        measured: the measured row; None for a row of the paper.
    """

    row: PaperRow
    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    measured: MeasuredRow | None = None


@dataclass(frozen=True, slots=True)
class ArrangedTable:
    """A table of the paper with the measured rows.

    Attributes:
        columns: the paper's columns, then the additional ones.
        own: the number of additional columns.
        blocks: lines of one group that are compared with each other.
    """

    name: str
    layout: PaperTable
    columns: tuple[PaperColumn, ...]
    own: int
    blocks: tuple[tuple[TableLine, ...], ...]

    @property
    def measured(self) -> list[MeasuredRow]:
        """The measured rows."""
        return [line.measured for block in self.blocks for line in block if line.measured]


def arrange(name: str, layout: PaperTable, entries: Iterable[Entry]) -> ArrangedTable:
    """Return a table of the paper with the results that match its rows."""
    rows = find_rows(layout, entries)
    own = [column for shown in layout.columns if (column := _substitute(shown, rows))]
    columns = (*layout.columns, *own)
    blocks = []
    for group in layout.groups:
        blocks.append(tuple(_paper_line(name, row, columns) for row in layout.rows if row.group == group))
        for block in _comparison_groups(layout, [row for row in rows if row.row.group == group]):
            blocks.append(tuple(_measured_line(layout, row, columns) for row in block))
    return ArrangedTable(name, layout, columns, len(own), tuple(blocks))


def _comparison_groups(layout: PaperTable, rows: Sequence[MeasuredRow]) -> list[list[MeasuredRow]]:
    """Split the measured rows of a group into blocks that are compared."""
    if layout.by_student:
        students = sorted({row.student for row in rows})
        return [[row for row in rows if row.student == student] for student in students]
    return [list(rows)] if rows else []


def _paper_line(table: str, row: PaperRow, columns: Sequence[PaperColumn]) -> TableLine:
    cells = []
    for column in columns:
        printed = paper_figure(table, row.group, row.labels, column.name)
        unit = 100 if column.percent else 1
        cells.append(Cell(float(printed) / unit) if printed else Cell())
    return TableLine(row, row.labels, tuple(cells))


def _measured_line(layout: PaperTable, row: MeasuredRow, columns: Sequence[PaperColumn]) -> TableLine:
    labels = row.row.labels
    if layout.names_student and not row.row.registered:
        labels = (row.student.short, *labels[1:])
    return TableLine(row.row, labels, tuple(_cell(column, row) for column in columns), row)


def _cell(column: PaperColumn, row: MeasuredRow) -> Cell:
    return measure_cell(column.averages.get(row.row.group), row)


def _substitute(column: PaperColumn, rows: Sequence[MeasuredRow]) -> PaperColumn | None:
    """Return an alternative to a column that some rows lack: the one that most rows have, and more than half of them.

    None if all rows have the paper's column, or if there is no such alternative.
    """
    best, most = None, 0
    if all(_cell(column, row).value is not None for row in rows):
        return None
    for choice in column.instead:
        shown = PaperColumn("", choice)
        having = [row for row in rows if _cell(shown, row).value is not None]
        if len(having) > most and 2 * len(having) > sum(row.row.group in choice for row in rows):
            best, most = _named(choice, having), len(having)
    return best


def _named(choice: ByGroup, rows: Sequence[MeasuredRow]) -> PaperColumn:
    return PaperColumn(", ".join(dict.fromkeys(choice[row.row.group].name for row in rows)), choice)
