"""`bitext-bench compare A B`: per task and pair the difference with its interval, and who wins where."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from tabulate import tabulate

from bitext_bench.errors import UserError
from bitext_bench.report import printable

from .choose import Own, choose_models, seed
from .difference import common_subsets, difference, evidence
from .paired import SIGNIFICANT, Difference, holm, mean_of, over_seeds
from .read import Entry


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison: a subset of a task, or the mean of all that two models have in common.

    Attributes:
        a, b: the entries of one model each, or of as many training runs, of the same seeds in the same order.
        n: sentences; None of a mean.
    """

    a: Sequence[Entry]
    b: Sequence[Entry]
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
    tasks = list(dict.fromkeys(task for runs in models for own in runs for task in own if not wanted or task in wanted))
    lines = [
        line
        for a, b in combinations(models, 2)
        for task in tasks
        if (shared := _same_seeds(_of_task(a, task), _of_task(b, task)))
        for line in compare_task(*shared)
    ]
    if not lines:
        raise UserError("these models have no task on the same data in common: run both on the same --data")
    print(render(lines))
    return 0


def _of_task(models: Sequence[Own], task: str) -> dict[int, Entry]:
    return {seed(own): own[task] for own in models if task in own}


def _same_seeds(a: dict[int, Entry], b: dict[int, Entry]) -> tuple[list[Entry], list[Entry]] | None:
    """Return the entries of the seeds that both have; one model stands beside every seed of the other."""
    if len(a) == 1 and b:
        return [*a.values()] * len(b), [*b.values()]
    if len(b) == 1 and a:
        return [*a.values()], [*b.values()] * len(a)
    both = [number for number in a if number in b]
    return ([a[number] for number in both], [b[number] for number in both]) if both else None


def compare_task(a: Sequence[Entry], b: Sequence[Entry]) -> list[Line]:
    """Return a line a subset that all have on the same data, and their mean where there are several."""
    first, *others = (*a, *b)
    shared = [common_subsets(first, other) for other in others]
    subsets = [name for name in shared[0] if all(name in names for names in shared)]
    runs = [
        [
            difference(ours, theirs)
            for ours, theirs in zip(evidence(one, subsets), evidence(other, subsets), strict=True)
        ]
        for one, other in zip(a, b, strict=True)
    ]
    differences = [over_seeds(of_subset) for of_subset in zip(*runs, strict=True)]
    lines = [Line(a, b, name, a[0].subsets[name]["n"], d) for name, d in zip(subsets, differences, strict=True)]
    if len(subsets) > 1:
        lines.append(Line(a, b, f"mean of {len(subsets)}", None, mean_of(differences)))
    return lines


def _label(entries: Sequence[Entry]) -> str:
    """Return a model's name, or that of the first run with the seeds of the others."""
    runs = {entry.label: seed({entry.task: entry}) for entry in entries}
    first, *others = runs
    if not others:
        return first
    numbers = ", ".join(str(runs[name]) for name in others)
    return f"{first} and seed{'s' if len(others) > 1 else ''} {numbers}"


def render(lines: Sequence[Line]) -> str:
    """Return one table a pair of models; p is corrected over all lines (Holm)."""
    corrected = holm([line.difference.p for line in lines])
    blocks = []
    labels = [(_label(line.a), _label(line.b)) for line in lines]
    for pair in dict.fromkeys(labels):
        rows = [_row(line, p) for line, p, own in zip(lines, corrected, labels, strict=True) if own == pair]
        head = ["task", "subset", "n", "A", "B", "A - B", "95 % interval", "only A", "only B", "p (Holm)", "better"]
        table = tabulate(rows, headers=head, tablefmt="simple", disable_numparse=True)
        blocks.append(f"A: {pair[0]}\nB: {pair[1]}\n\n{table}")
    note = (
        "A - B in points of the score, with the interval of a paired bootstrap. only A, only B: sentences that one "
        "does better on. p: exact McNemar (sign flips where a sentence is judged several times) for shares, a normal "
        "test for the others and for means."
    )
    if any(len(line.difference.runs) for line in lines):
        note += " Of several seeds: their means; interval and p are of other sentences and other seeds."
    return "\n\n".join([*blocks, note])


def _row(line: Line, p: float) -> list[str]:
    score, found = line.a[0].score, line.difference
    low, high = found.interval
    shown = ["", ""]
    if line.n is not None:
        means = [np.mean([entry.subsets[line.subset][score] for entry in side]) for side in (line.a, line.b)]
        shown = [f"{100 * mean:.2f}" for mean in means]
    counts = [str(found.wins), str(found.losses)] if found.wins + found.losses else ["", ""]
    positive_is_better = not line.a[0].result.run["lower_is_better"]
    better = "A" if (found.value > 0) == positive_is_better else "B"
    return [
        line.a[0].task,
        printable(line.subset),
        "" if line.n is None else f"{line.n:,}",
        *shown,
        f"{100 * found.value:+.2f}",
        f"{100 * low:+.2f} to {100 * high:+.2f}",
        *counts,
        f"{p:.2g}" if p >= 1e-4 else "< 0.0001",
        better if p < SIGNIFICANT else "",
    ]
