"""Figures that others published, from the registry: shown apart from measured ones, never ranked with them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bitext_bench.baselines import BASELINES, Reported, reported
from bitext_bench.report import percent

from .escaping import escape, pipe_table

_ON_GITHUB = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{7,40}):(\S+)")
_ON_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def render_reported(task: str, subsets: Sequence[str]) -> str:
    """Return one table a score that others published for a task's subsets or for a mean of them; "" for none."""
    figures = [
        (name, figure)
        for name in BASELINES
        for figure in reported(BASELINES[name])
        if figure.task == task and (figure.subset in subsets or figure.subset.startswith("mean("))
    ]
    metrics = dict.fromkeys(figure.metric for _, figure in figures)
    return "\n".join(
        _table(metric, [(name, f) for name, f in figures if f.metric == metric], subsets) for metric in metrics
    )


def _table(metric: str, figures: Sequence[tuple[str, Reported]], subsets: Sequence[str]) -> str:
    given = {figure.subset for _, figure in figures}
    columns = [*(name for name in subsets if name in given), *sorted(given - set(subsets))]
    rows: dict[tuple[str, str, str], dict[str, float]] = {}
    for name, figure in figures:
        rows.setdefault((name, figure.source, figure.note), {})[figure.subset] = figure.value
    lines = [
        [
            f"*{escape(name)}*",
            *(f"*{percent(values[column])}*" if column in values else "–" for column in columns),
            f"{link(source)}{': ' if note else ''}{escape(note)}",
        ]
        for (name, source, note), values in sorted(rows.items())
    ]
    head = ["reported", *map(escape, columns), "source"]
    return f"Reported by others, not measured here: {escape(metric)}\n\n{pipe_table(head, lines, 1)}"


def link(source: str) -> str:
    """Return a source as a link where it says where it is."""
    if found := _ON_GITHUB.fullmatch(source):
        repository, commit, path = found.groups()
        return f"[{escape(repository)}](https://github.com/{repository}/blob/{commit}/{path})"
    if found := _ON_ARXIV.search(source):
        return f"[{escape(source)}](https://arxiv.org/abs/{found[1]})"
    return escape(source)
