"""The figures of Park et al. 2024 (arXiv:2405.16155), Tables 1 to 6, as they are printed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("paper.tsv")


def paper_figure(table: str, group: str, labels: tuple[str, ...], column: str) -> str:
    """Return a figure as it is printed: xSIM in percent, the others as fractions; "" where there is none."""
    return _figures().get((table, group, " / ".join(labels), column), "")


@cache
def _figures() -> dict[tuple[str, str, str, str], str]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()[1:]
    fields = (line.split("\t") for line in lines)
    return {(table, group, row, column): value for table, group, row, column, value in fields}
