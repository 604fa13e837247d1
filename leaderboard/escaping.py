"""Text from outside where it is shown: one line, one cell, and nothing but itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from bitext_bench.io.terminal import printable

_JOINERS = "\u200c\u200d"  # which Persian and the scripts of India are written with


def show_controls(text: str) -> str:
    """Return a sentence with its controls, line ends and marks of direction spelled out; spaces stay as they are."""
    return "".join(c if c in _JOINERS or unicodedata.category(c) == "Zs" else printable(c) for c in text)


def escape(text: str) -> str:
    """Return text for GitHub's markdown that stays one line, one cell, and itself, whatever is in it."""
    shown = re.sub(r"([\\`*_{}\[\]()#+!|~$])", r"\\\1", printable(text))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in shown):
        shown += "&lrm;"  # what follows goes on from left to right
    return shown


def pipe_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a table of cells that are markdown already; the first `left` columns are aligned to the left."""
    rule = [":--" if i < left else "--:" for i in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)) + "\n"
