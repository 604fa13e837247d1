"""Known encoders: how to load and prompt each one, and its published scores.

To add one, add a record to `aligned.py` or `general.py`. Published scores are in
`published_scores.tsv`, one per row; they are never mixed with measured ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from .aligned import ALIGNED
from .general import GENERAL
from .record import Baseline, Loader, Proof, PublishedScore

__all__ = [
    "BASELINES",
    "Baseline",
    "Loader",
    "Proof",
    "PublishedScore",
    "find_baseline",
    "published_scores",
    "registry",
]

_RECORDS = (*ALIGNED, *GENERAL)


def find_baseline(name: str) -> Baseline | None:
    """Find a record by its name, an alias or the hub id of its checkpoint, ignoring case.

    If two records share a hub id, the one with a prompt is returned: the E5 models are meant to
    be used with their prompt.
    """
    return _by_spelling().get(name.strip().casefold())


def published_scores(baseline: Baseline) -> tuple[PublishedScore, ...]:
    """Return the published scores of a model; two sources may differ on the same subset."""
    return _read_published().get(baseline.name, ())


def registry(records: Iterable[Baseline]) -> Mapping[str, Baseline]:
    """Map each record's name to the record.

    Raises:
        ValueError: Two records share a name or an alias.
    """
    by_name: dict[str, Baseline] = {}
    taken: dict[str, str] = {}
    for record in records:
        for spelling in (record.name, *record.aliases):
            key = spelling.casefold()
            if key in taken:
                raise ValueError(f"{spelling!r} names two baselines: {taken[key]}, {record.name}")
            taken[key] = record.name
        by_name[record.name] = record
    return MappingProxyType(by_name)


@cache
def _by_spelling() -> Mapping[str, Baseline]:
    found = {s.casefold(): record for record in _RECORDS for s in (record.name, *record.aliases)}
    for record in sorted(_RECORDS, key=lambda record: not record.prompt):
        found.setdefault(record.checkpoint.casefold(), record)
    return found


@cache
def _read_published() -> Mapping[str, tuple[PublishedScore, ...]]:
    from importlib import resources  # imported here because it is slow

    text = resources.files(__package__).joinpath("published_scores.tsv").read_text(encoding="utf-8")
    figures: dict[str, list[PublishedScore]] = {}
    for line in text.splitlines()[1:]:
        name, task, subset, metric, value, source, note = line.split("\t")
        figure = PublishedScore(task, subset, metric, float(value), source, note)
        figures.setdefault(name, []).append(figure)
    return {name: tuple(rows) for name, rows in figures.items()}


BASELINES: Mapping[str, Baseline] = registry(_RECORDS)
"""All records by name, in the order of the tables."""
