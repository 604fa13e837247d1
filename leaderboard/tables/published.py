"""Scores that others published: shown separately from measured ones, never ranked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from urllib.parse import quote

from bitext_bench.baselines import BASELINES, PublishedScore, published_scores
from bitext_bench.errors import UserError
from bitext_bench.results.tables import percent

from ..escaping import escape, pipe_table

FILE = "reported.tsv"  # in the results folder
_HEAD = ("baseline", "task", "subset", "metric", "value", "source", "note")
_ON_GITHUB = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{7,40}):(\S+)")
_ON_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


@dataclass(frozen=True, slots=True)
class Published:
    """Published scores on one task in one metric.

    Attributes:
        columns: names of subsets and of means.
        rows: (model, source, note, value by column).
    """

    metric: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, str, dict[str, float]], ...]


def render_published(task: str, subsets: Sequence[str], imported: Sequence[tuple[str, PublishedScore]] = ()) -> str:
    """Return the tables of `published` in Markdown; "" if there are none."""
    return "\n".join(map(_table, published(task, subsets, imported)))


def published(
    task: str, subsets: Sequence[str], imported: Sequence[tuple[str, PublishedScore]] = ()
) -> list[Published]:
    """Return one table for each metric that others published for a task's subsets, or for a mean of them.

    Args:
        task: name of the task in result files.
        subsets: the columns; those without published scores are left out.
        imported: (model, score) in addition to the registry's.
    """
    known = frozenset(subsets)
    registered = [(name, figure) for name in BASELINES for figure in published_scores(BASELINES[name])]
    figures = [
        (name, figure)
        for name, figure in (*registered, *imported)
        if figure.task == task and (figure.subset in known or figure.subset.startswith("mean("))
    ]
    metrics = dict.fromkeys(figure.metric for _, figure in figures)
    return [_published(metric, [(name, f) for name, f in figures if f.metric == metric], subsets) for metric in metrics]


def _published(metric: str, figures: Sequence[tuple[str, PublishedScore]], subsets: Sequence[str]) -> Published:
    given = {figure.subset for _, figure in figures}
    rows: dict[tuple[str, str, str], dict[str, float]] = {}
    for name, figure in figures:
        rows.setdefault((name, figure.source, figure.note), {})[figure.subset] = figure.value
    columns = (*(name for name in subsets if name in given), *sorted(given - set(subsets)))
    return Published(metric, columns, tuple((*row, values) for row, values in sorted(rows.items())))


def read_imported(root: Path) -> list[tuple[str, PublishedScore]]:
    """Read the imported scores of a results folder as (model, score).

    Raises:
        UserError: a line is damaged.
    """
    file = root / FILE
    if not file.is_file():
        return []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {file}: {error}; import it again with bitext-bench import-mteb") from error
    figures = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            name, task, subset, metric, value, source, note = line.split("\t")
            figure = PublishedScore(task, subset, metric, float(value), source, note)
            if not -1 <= figure.value <= 1:
                raise ValueError(f"{value} is not from -1 to 1")
            figures.append((name, figure))
        except ValueError as error:
            raise UserError(f"{file}, line {number}: {error}; import it again with bitext-bench import-mteb") from error
    return figures


def render_rows(figures: Sequence[tuple[str, PublishedScore]]) -> str:
    """Return the content of reported.tsv."""
    rows = ["\t".join(" ".join(str(field).split()) for field in (name, *astuple(figure))) for name, figure in figures]
    return "\n".join(["\t".join(_HEAD), *rows, ""])


def _table(table: Published) -> str:
    lines = [
        [
            f"*{escape(name)}*",
            *(f"*{percent(values[column])}*" if column in values else "–" for column in table.columns),
            f"{_link(source)}{': ' if note else ''}{escape(note)}",
        ]
        for name, source, note, values in table.rows
    ]
    head = ["reported", *map(escape, table.columns), "source"]
    return f"Reported by others, not measured here: {escape(table.metric)}\n\n{pipe_table(head, lines, 1)}"


def _link(source: str) -> str:
    text, address = source_label(source)
    return f"[{escape(text)}]({address})" if address else escape(text)


def source_label(source: str) -> tuple[str, str | None]:
    """Return the label of a source, and its URL if the source names a GitHub file or an arXiv paper."""
    if found := _ON_GITHUB.fullmatch(source):
        repository, commit, path = found.groups()
        return repository, f"https://github.com/{repository}/blob/{commit}/{quote(path, safe='/')}"
    if found := _ON_ARXIV.search(source):
        return source, f"https://arxiv.org/abs/{found[1]}"
    return source, None
