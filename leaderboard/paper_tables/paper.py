"""The scores of Park et al. 2024 (arXiv:2405.16155), Tables 1 to 6, as printed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("paper.tsv")


def paper_figure(table: str, group: str, labels: tuple[str, ...], column: str) -> str:
    """Return a score as printed: xSIM in percent, others as fractions; "" if there is none."""
    return _figures().get((table, group, " / ".join(labels), column), "")


@cache
def _figures() -> dict[tuple[str, str, str, str], str]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()[1:]
    fields = (line.split("\t") for line in lines)
    return {(table, group, row, column): value for table, group, row, column, value in fields}
