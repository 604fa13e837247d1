"""Misses as one self-contained HTML file, without scripts or fonts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from bitext_bench.io.terminal import show_controls

from .collect import ErrorCase
from .table import HEAD, case_texts, explanations, format_margin, group_cases, legend, summaries

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; }
table { border-collapse: collapse; margin: 1rem 0; }
table.misses { table-layout: fixed; width: 100%; min-width: 56rem; }
th, td { border-top: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: start; vertical-align: top; }
thead th { border-top: 0; font-size: .8rem; font-weight: 600; position: sticky; top: 0; background: Canvas; }
td { overflow-wrap: anywhere; } td.number, th.number { text-align: end; font-variant-numeric: tabular-nums; }
th.row { width: 3.5rem; } th.margin { width: 5rem; } th.kind { width: 11rem; } .note { font-size: .85rem; }
"""


def render_error_page(misses: Sequence[ErrorCase], labels: Sequence[str]) -> str:
    """Return an HTML document: the number of misses by kind and by subset, then every miss.

    Args:
        misses: misses from `read_errors`.
        labels: the models' names; `ErrorCase.missed_by` is an index into them.
    """
    title = escape(f"What {' and '.join(labels)} {'miss' if len(labels) == 2 else 'misses'}")
    lines = [
        "<!doctype html>",
        f'<html lang="en"><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width">',
        f"<style>{_STYLE}</style>",
        f"<h1>{title}</h1>",
        *(f"<div>{escape(line)}</div>" for line in legend(labels)),
    ]
    for head, rows in summaries(misses, labels):
        lines += _table("", [_head(name) for name in head], [list(_summary_cells(head, row)) for row in rows])
    lines += [f'<p class="note">{escape(note)}</p>' for note in explanations(misses)]
    for heading, block in group_cases(misses, len(labels)):
        lines.append(f"<h2>{escape(heading)}</h2>")
        lines += _table(' class="misses"', [_head(name) for name in HEAD], [_cells(miss) for miss in block])
    return "\n".join([*lines, "</html>"]) + "\n"


def _table(attributes: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"<table{attributes}><thead><tr>{''.join(head)}</tr></thead><tbody>"
    yield from (f"<tr>{''.join(row)}</tr>" for row in rows)
    yield "</tbody></table>"


def _head(name: str) -> str:
    classes = [name] if name in ("row", "margin", "kind") else []
    classes += ["number"] if name in ("row", "margin") or name.endswith("misses") else []
    return f'<th class="{" ".join(classes)}">{escape(name)}</th>'


def _summary_cells(head: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    for name, cell in zip(head, row, strict=True):
        number = ' class="number"' if name.endswith("misses") else ""
        yield f"<td{number}>{escape(cell)}</td>"


def _cells(miss: ErrorCase) -> list[str]:
    languages = (miss.languages[0], miss.languages[1], miss.languages[1])
    return [
        f'<td class="number">{miss.row:,}</td>',
        *(
            f'<td dir="auto" lang="{escape(str(language).replace("_", "-"))}">{escape(show_controls(text))}</td>'
            for text, language in zip(case_texts(miss), languages, strict=True)
        ),
        f'<td class="number">{escape(format_margin(miss))}</td>',
        f"<td>{escape(', '.join(miss.kinds))}</td>",
    ]
