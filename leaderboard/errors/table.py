"""Misses as a table on the terminal, and as tab-separated values for scripts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from tabulate import tabulate
from wcwidth import wcswidth, wcwidth

from bitext_bench.io.terminal import show_controls

from .collect import ErrorCase
from .kinds import KINDS

HEAD = ("row", "sentence", "translation", "chosen instead", "margin", "kind")
MARGINS = (
    "margin: in retrieval, the cosine of the translation minus that of the chosen sentence; in xSIM, the second-best "
    "ratio margin minus the best (the translation lost by at least this much); in mining, the ratio margin minus the "
    "threshold."
)
_LETTERS = "AB"
_NARROWEST = 24


def render_table(misses: Sequence[ErrorCase], labels: Sequence[str], width: int) -> str:
    """Return one table for each subset, direction and model, then the number of misses by kind and by subset.

    Args:
        misses: misses from `read_errors`.
        labels: the models' names; `ErrorCase.missed_by` is an index into them.
        width: width of the terminal in columns; each of the three sentence columns gets a third of the free width.
    """
    blocks = ["\n".join(legend(labels))]
    for heading, block in group_cases(misses, len(labels)):
        kinds = [", ".join(miss.kinds) for miss in block]
        left = width - max(map(len, kinds)) - len("1,000  -0.0000        ")
        cells = max(_NARROWEST, left // 3)
        rows = [
            [f"{miss.row:,}", *(truncate(text, cells) for text in case_texts(miss)), format_margin(miss), kind]
            for miss, kind in zip(block, kinds, strict=True)
        ]
        align = ("right", "left", "left", "left", "right", "left")
        blocks.append(f"{heading}\n\n{tabulate(rows, HEAD, 'simple', disable_numparse=True, colalign=align)}")
    for head, rows in summaries(misses, labels):
        blocks.append(tabulate(rows, head, "simple", disable_numparse=True, colalign=summary_align(head)))
    if misses:
        blocks.append("sentences are cut to the width of the terminal; --format tsv or html writes them in full.")
    return "\n\n".join([*blocks, *explanations(misses)]) + "\n"


def render_tsv(misses: Sequence[ErrorCase], labels: Sequence[str]) -> str:
    """Return a header and one line for each miss, in csv's excel-tab dialect; controls and backslashes are escaped.

    `found_by` is empty for a single model; `rival` and `margin` are empty if there is none.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    head = "task subset direction row missed_by found_by sentence translation rival margin kinds"
    writer.writerow(head.split())
    for miss in misses:
        finder = labels[1 - miss.missed_by] if len(labels) == 2 else ""
        spelled = (
            miss.task,
            miss.subset,
            miss.direction,
            str(miss.row),
            labels[miss.missed_by],
            finder,
            *case_texts(miss),
        )
        number = "" if miss.margin is None else f"{miss.margin:.6g}"
        writer.writerow(
            [*(show_controls(text.replace("\\", "\\\\")) for text in spelled), number, ", ".join(miss.kinds)]
        )
    return stream.getvalue()


def legend(labels: Sequence[str]) -> list[str]:
    """Return one line for each model: its letter and its name."""
    return [f"{letter}: {label}" for letter, label in zip(_LETTERS, labels, strict=False)]


def group_cases(misses: Iterable[ErrorCase], models: int) -> Iterator[tuple[str, list[ErrorCase]]]:
    """Yield a heading and the misses of each task, subset, direction and model."""
    for (task, subset, direction, place), group in groupby(
        misses, lambda miss: (miss.task, miss.subset, miss.direction, miss.missed_by)
    ):
        block = list(group)
        source, target = block[0].languages
        who = f"{_LETTERS[1 - place]} has, {_LETTERS[place]} misses" if models == 2 else "missed"
        yield f"{task} {show_controls(subset)}, {direction} ({source} to {target}); {who}: {len(block):,}", block


def case_texts(miss: ErrorCase) -> tuple[str, str, str]:
    """Return the sentence, its translation, and the sentence chosen instead ("" for none)."""
    return miss.sentence, miss.gold, miss.rival or ""


def format_margin(miss: ErrorCase) -> str:
    """Format the margin."""
    return "" if miss.margin is None else f"{miss.margin:.4f}"


def summaries(misses: Sequence[ErrorCase], labels: Sequence[str]) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield (head, rows) of two tables: the number of misses by kind, and by subset and direction."""
    models = range(len(labels))
    columns = [f"{_LETTERS[place]} misses" for place in models]
    by_kind = [(kind, [miss for miss in misses if kind in miss.kinds]) for kind in KINDS]
    rows = [(kind, found) for kind, found in by_kind if found]
    yield ["kind", *columns], [[kind, *_counts(found, models)] for kind, found in (*rows, ("all", misses))]
    places: dict[tuple[str, str, str], list[ErrorCase]] = {}
    for miss in misses:
        places.setdefault((miss.task, show_controls(miss.subset), miss.direction), []).append(miss)
    if places:
        head = ["task", "subset", "direction", *columns]
        yield head, [[*place, *_counts(found, models)] for place, found in places.items()]


def _counts(misses: Iterable[ErrorCase], models: range) -> list[str]:
    places = [miss.missed_by for miss in misses]
    return [f"{places.count(place):,}" for place in models]


def summary_align(head: Sequence[str]) -> list[str]:
    """Return the alignment of a summary's columns: counts to the right."""
    return ["right" if "misses" in name else "left" for name in head]


def explanations(misses: Sequence[ErrorCase]) -> list[str]:
    """Explain the margin and the kinds that occur."""
    if not misses:
        return ["No sentence is missed."]
    occurring = {kind for miss in misses for kind in miss.kinds}
    meaning = "; ".join(f"{kind}: {text}" for kind, text in KINDS.items() if kind in occurring)
    return [MARGINS, f"kinds (a miss may have several): {meaning}."]


def truncate(text: str, width: int) -> str:
    """Cut text to at most `width` terminal columns, with … at the end if it was cut."""
    shown = show_controls(text)
    if wcswidth(shown) <= width:
        return shown
    kept, used = "", 0
    for character in shown:
        used += max(0, wcwidth(character))
        if used >= width:
            break
        kept += character
    return f"{kept}…"
