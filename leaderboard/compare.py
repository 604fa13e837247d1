"""`bitext-bench compare A B`: per task and pair the difference with its interval, and who wins where."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from tabulate import tabulate

from bitext_bench.errors import UserError
from bitext_bench.report import printable

from .difference import common_subsets, difference, evidence
from .paired import SIGNIFICANT, Difference, holm, mean_of
from .read import Entry, language_codes, read_results


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison: a subset of a task, or the mean of all that two models have in common."""

    a: Entry
    b: Entry
    subset: str
    n: int | None
    difference: Difference


def run_compare(arguments: argparse.Namespace) -> int:
    """Print the comparison of every two of the models named.

    Raises:
        UserError: a name fits no model or several, or two models have nothing in common.
    """
    wanted = set(arguments.tasks or [])
    models = choose_models(arguments)
    lines = [
        line
        for a, b in combinations(models, 2)
        for task in a
        if task in b and (not wanted or task in wanted)
        for line in compare_task(a[task], b[task])
    ]
    if not lines:
        raise UserError("these models have no task on the same data in common: run both on the same --data")
    print(render(lines))
    return 0


def compare_task(a: Entry, b: Entry) -> list[Line]:
    """Return a line a subset that both have on the same data, and their mean where there are several."""
    subsets = common_subsets(a, b)
    sides = zip(evidence(a, subsets), evidence(b, subsets), strict=True)
    differences = [difference(ours, theirs) for ours, theirs in sides]
    lines = [Line(a, b, name, a.subsets[name]["n"], d) for name, d in zip(subsets, differences, strict=True)]
    if len(subsets) > 1:
        lines.append(Line(a, b, f"mean of {len(subsets)}", None, mean_of(differences)))
    return lines


def choose_models(arguments: argparse.Namespace) -> list[dict[str, Entry]]:
    """Return the entries by task of each model named, with the subsets in the languages chosen.

    Raises:
        UserError: a name fits no model or several.
    """
    entries = read_results(arguments.results).entries
    if arguments.languages:
        codes = language_codes(arguments.languages)
        entries = [kept for entry in entries if (kept := replace(entry, languages=codes)).subsets]
    return [_entries_of(name, entries) for name in arguments.models]


def _entries_of(name: str, entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the one model's entries by task that a name, a part of it, or a folder stands for."""
    models: dict[tuple[str, str, str], dict[str, Entry]] = {}
    for entry in entries:
        models.setdefault(entry.model, {})[entry.task] = entry
    spelled = name.casefold()
    fitting = {key: own for key, own in models.items() if spelled in _spellings(own)}
    fitting = fitting or {key: own for key, own in models.items() if spelled in label(own).casefold()}
    if len(fitting) != 1:
        choice = fitting or models
        known = "; ".join(sorted(f"{label(own)} [{folder(own)}]" for own in choice.values()))
        problem = "fits several models" if fitting else "fits no model"
        raise UserError(f"{printable(name)} {problem}: expected a name or a folder of one of {known}")
    return next(iter(fitting.values()))


def _spellings(own: dict[str, Entry]) -> set[str]:
    return {label(own).casefold(), folder(own).casefold()}


def label(own: dict[str, Entry]) -> str:
    """Return the name of the model whose entries these are."""
    return next(iter(own.values())).label


def folder(own: dict[str, Entry]) -> str:
    """Return the folder of the model whose entries these are."""
    return str(next(iter(own.values())).file.parent)


def render(lines: Sequence[Line]) -> str:
    """Return one table a pair of models; p is corrected over all lines (Holm)."""
    corrected = holm([line.difference.p for line in lines])
    blocks = []
    for a, b in dict.fromkeys((line.a.label, line.b.label) for line in lines):
        rows = [
            _row(line, p) for line, p in zip(lines, corrected, strict=True) if (line.a.label, line.b.label) == (a, b)
        ]
        head = ["task", "subset", "n", "A", "B", "A - B", "95 % interval", "only A", "only B", "p (Holm)", "better"]
        table = tabulate(rows, headers=head, tablefmt="simple", disable_numparse=True)
        blocks.append(f"A: {a}\nB: {b}\n\n{table}")
    note = (
        "A - B in points of the score, with the interval of a paired bootstrap. only A, only B: sentences that one "
        "does better on. p: exact McNemar (sign flips where a sentence is judged several times) for shares, a normal "
        "test for the others and for means."
    )
    return "\n\n".join([*blocks, note])


def _row(line: Line, p: float) -> list[str]:
    score, found = line.a.score, line.difference
    low, high = found.interval
    sides = [entry.subsets[line.subset][score] if line.n is not None else None for entry in (line.a, line.b)]
    shown = [f"{100 * value:.2f}" if value is not None else "" for value in sides]
    counts = [str(found.wins), str(found.losses)] if found.wins + found.losses else ["", ""]
    positive_is_better = not line.a.result.run["lower_is_better"]
    better = "A" if (found.value > 0) == positive_is_better else "B"
    return [
        line.a.task,
        printable(line.subset),
        "" if line.n is None else f"{line.n:,}",
        *shown,
        f"{100 * found.value:+.2f}",
        f"{100 * low:+.2f} to {100 * high:+.2f}",
        *counts,
        f"{p:.2g}" if p >= 1e-4 else "< 0.0001",
        better if p < SIGNIFICANT else "",
    ]
