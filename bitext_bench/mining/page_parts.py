"""Parts of the page: tables, bars and samples, as HTML. All texts are escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import count_of
from ..io.page import plain
from .pool import Histogram
from .sides import SIDES

Cell = str | int | float


def section(name: str, title: str, content: str) -> str:
    """Return a section with a heading."""
    heading = f'<h2 id="{name}-h">{plain(title)}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-h">\n{heading}\n{content}</section>\n'


def facts(pairs: Iterable[tuple[str, str, str]]) -> str:
    """Return names and values, large, each with a detail that may be empty."""
    items = "".join(
        f'<div><dt>{plain(name)}</dt><dd>{plain(value)}<span class="detail">{plain(detail)}</span></dd></div>\n'
        for name, value, detail in pairs
    )
    return f'<dl class="facts">\n{items}</dl>\n'


def table(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table in a box that scrolls on narrow screens; numbers have separators."""
    head = "".join(f'<th scope="col">{plain(one)}</th>' for one in heads)
    body = "".join(f"<tr>{_heading(first)}{''.join(map(_cell, rest))}</tr>\n" for first, *rest in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{plain(name)}"><table>'
        f"{f'<thead><tr>{head}</tr></thead>' if any(heads) else ''}\n<tbody>\n{body}</tbody></table></div>\n"
    )


def bars(histogram: Histogram, mark: tuple[float, str] | None) -> str:
    """Return a histogram as stacked bars, with the numbers in a table below.

    Args:
        histogram: edges and layers.
        mark: a score to mark, with its name; None for no mark.
    """
    edges, layers = histogram.edges, histogram.layers
    totals = [sum(counts) for counts in zip(*(counts for _, counts in layers), strict=True)]
    most = max(1, *totals)
    columns = []
    for at in range(len(totals)):
        stack = "".join(
            f'<i class="layer-{number}" style="height:{100 * counts[at] / most:.3f}%"></i>'
            for number, (_, counts) in reversed(list(enumerate(layers)))
        )
        columns.append(
            f'<div title="{edges[at]:.4f} to {edges[at + 1]:.4f}: {count_of(round(totals[at]), "pair")}">{stack}</div>'
        )
    ticks = [edges[0] + (edges[-1] - edges[0]) * step / 4 for step in range(5)]
    key = "".join(
        f'<span><i class="layer-{number}"></i>{plain(name)}: {sum(counts):,.0f}</span>'
        for number, (name, counts) in enumerate(layers)
    )
    label = f"Histogram of scores from {edges[0]:.3f} to {edges[-1]:.3f}; the numbers are in the table below"
    return (
        f'<figure>\n<div class="bars" role="img" aria-label="{label}">\n{"".join(columns)}{_mark(edges, mark)}</div>\n'
        f'<div class="ticks" aria-hidden="true">{"".join(f"<span>{tick:.3f}</span>" for tick in ticks)}</div>\n'
        f'<div class="key">{key}<span>tallest bar: {count_of(round(most), "pair")}</span></div>\n</figure>\n'
        f"<details><summary>The numbers</summary>\n{_bins(histogram)}</details>\n"
    )


def samples_table(columns: Mapping[str, Sequence[Any]]) -> str:
    """Return pairs with their scores and texts; the place of each text in its file is below it."""
    names, n = list(columns), len(next(iter(columns.values()), ()))
    rows = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)) if n else ()
    body = "".join(f"<tr>{_sample(row)}</tr>\n" for row in rows)
    heads = ["score", *SIDES, *(["reason"] if "reason" in columns else [])]
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    return f'<table class="samples"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n'


def _sample(row: Mapping[str, Any]) -> str:
    score = "" if row["score"] is None or row["score"] != row["score"] else f"{row['score']:.4f}"
    cells = [f"<td>{score}</td>"]
    for side in SIDES:
        places = [f"{name} {row[f'{side}_{name}']}" for name in ("line", "sentence", "row") if f"{side}_{name}" in row]
        places += [f"line {row['line']}"] if "line" in row else []
        places += [str(row[f"{side}_id"])] if f"{side}_id" in row else []
        text = f'<span dir="auto">{plain(row[side])}</span>' if side in row else ""
        cells.append(f'<td>{text}<span class="detail">{plain(", ".join(places))}</span></td>')
    return "".join([*cells, *([f"<td>{plain(row['reason'])}</td>"] if "reason" in row else [])])


def _mark(edges: Sequence[float], mark: tuple[float, str] | None) -> str:
    if mark is None:
        return ""
    place = min(1.0, max(0.0, (mark[0] - edges[0]) / max(1e-9, edges[-1] - edges[0])))
    late = " late" if place > 0.5 else ""
    text = plain(f"{mark[1]} {mark[0]:.4f}")
    return f'<div class="mark{late}" style="left:{100 * place:.3f}%"><span>{text}</span></div>\n'


def _bins(histogram: Histogram) -> str:
    edges, layers = histogram.edges, histogram.layers
    rows: list[list[Cell]] = [
        [f"{edges[at]:.4f}", f"{edges[at + 1]:.4f}", *(round(counts[at], 1) for _, counts in layers)]
        for at in range(len(edges) - 1)
    ]
    return table("Histogram", ["from", "to", *(name for name, _ in layers)], rows)


def _heading(cell: Cell) -> str:
    return f'<th scope="row">{plain(str(cell))}</th>'


def _cell(cell: Cell) -> str:
    return f"<td>{plain(cell)}</td>" if isinstance(cell, str) else f'<td class="n">{cell:,}</td>'
