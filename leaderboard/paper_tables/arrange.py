"""A table of the paper with measured rows: blocks of lines, each compared with those of its own block only."""

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
        cells: one a column of the table.
        measured: what it is of; None for the paper's own.
    """

    row: PaperRow
    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    measured: MeasuredRow | None = None


@dataclass(frozen=True, slots=True)
class ArrangedTable:
    """A table.

    Attributes:
        columns: the paper's, and then ours.
        own: how many are ours.
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
    """Return the paper's table of this name with the results that belong to its rows."""
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
    """Return the measured rows of a group, those together that are compared with each other."""
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
    """Return a column of our own where the paper's cannot be formed: of what most rows have, and more than half."""
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
