"""Scores that others published, as tables of one task: apart from measured ones, and never ranked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from bitext_bench.baselines import BASELINES, PublishedScore, published_scores

from ..published.records import Published, PublishedModel

_ON_GITHUB = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{7,40}):(\S+)")
_ON_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """Published scores on one task in one metric.

    Attributes:
        columns: names of subsets and of means.
        rows: (model, source, note, value by column).
    """

    metric: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, str, dict[str, float]], ...]


def published_tables(task: str, subsets: Sequence[str], published: Published) -> list[PublishedTable]:
    """Return one table for each metric that others published for a task's subsets, or for a mean of them.

    Scores in our registry of encoders are added, except those that `published` has, too.

    Args:
        task: name of the task in result files.
        subsets: the columns; those without published scores are left out.
        published: the scores that MTEB published.
    """
    known = frozenset(subsets)
    figures = [
        (name, figure)
        for name, figure in (*_mteb_scores(task, published), *_registered(task, published))
        if figure.subset in known or figure.subset.startswith("mean(")
    ]
    metrics = dict.fromkeys(figure.metric for _, figure in figures)
    return [_table(metric, [(name, f) for name, f in figures if f.metric == metric], subsets) for metric in metrics]


def _mteb_scores(task: str, published: Published) -> Iterator[tuple[str, PublishedScore]]:
    for model in published.models.values():
        if task in model.files:
            source = score_source(model, task)
            note = f"mteb {model.files[task].version}; {model.prompt(task)}"
            for measure, value in model.scores.items():
                if measure.task == task:
                    yield model.name, PublishedScore(*measure, value, source, note)


def score_source(model: PublishedModel, task: str) -> str:
    """Return the origin of a model's scores on a task, in the form of `PublishedScore.source`."""
    file = model.files[task]
    if "@" in file.source:
        return f"{file.source}:{model.path(task)}"
    return f"result file of {file.source}, {model.name}, revision {file.revision}"


def _registered(task: str, published: Published) -> Iterator[tuple[str, PublishedScore]]:
    own = {name.casefold(): model.scores for name, model in published.models.items()}
    for name, baseline in BASELINES.items():
        names = (baseline.checkpoint, *baseline.aliases)
        scores = next((own[key] for spelled in names if (key := spelled.casefold()) in own), {})
        for figure in published_scores(baseline):
            same = {value for m, value in scores.items() if m == (figure.task, figure.subset, figure.metric)}
            if figure.task == task and round(figure.value, 6) not in same:
                yield name, figure


def _table(metric: str, figures: Sequence[tuple[str, PublishedScore]], subsets: Sequence[str]) -> PublishedTable:
    given = {figure.subset for _, figure in figures}
    rows: dict[tuple[str, str, str], dict[str, float]] = {}
    for name, figure in figures:
        rows.setdefault((name, figure.source, figure.note), {})[figure.subset] = figure.value
    columns = (*(name for name in subsets if name in given), *sorted(given - set(subsets)))
    return PublishedTable(metric, columns, tuple((*row, values) for row, values in sorted(rows.items())))


def source_label(source: str) -> tuple[str, str | None]:
    """Return the label of a source, and its URL if the source names a GitHub file or an arXiv paper."""
    if found := _ON_GITHUB.fullmatch(source):
        repository, commit, path = found.groups()
        return repository, f"https://github.com/{repository}/blob/{commit}/{quote(path, safe='/')}"
    if found := _ON_ARXIV.search(source):
        return source, f"https://arxiv.org/abs/{found[1]}"
    return source, None
