"""Escape untrusted text for display, so that it stays in one line and one cell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from bitext_bench.io.terminal import printable


def escape(text: str) -> str:
    """Escape any text for a table cell in GitHub's Markdown."""
    shown = re.sub(r"([\\`*_{}\[\]()#+!|~$])", r"\\\1", printable(text))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in shown):
        shown += "&lrm;"  # return to left-to-right
    return shown


def pipe_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a Markdown table of escaped cells; the first `left` columns are left-aligned, the others right-aligned."""
    rule = [":--" if i < left else "--:" for i in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)) + "\n"
