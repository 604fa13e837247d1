"""Measured and published scores on one measure, one row for each model, subset and score."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import cache
from typing import Literal

from bitext_bench.baselines import find_baseline
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from bitext_bench.scoring.intervals import Interval, wilson_interval
from bitext_bench.tasks import TASKS, has_english_side
from bitext_bench.tasks.sts import Sts

from ..entries.read import Entry
from ..published.records import NO_PROMPT, Measure, Published, PublishedModel
from .published import score_source

# The scores that MTEB and bitext-bench compute in the same way; they agree to 1e-9 (tests/test_against_mteb.py).
COMMON = ("mteb_accuracy", "mteb_f1", "cosine_spearman")


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One score of one model on one subset of a benchmark.

    Attributes:
        key: identity of the model: `Entry.model`, or `published_key`.
        model: the name of the model.
        settings: the settings if a user changed any, as in `Entry.settings`.
        revision: revision of the model.
        kind: "measured" here, or "published" by others.
        data: name of the data of a measured score; "" for published scores.
        measure: task, subset, and a name in `COMMON`.
        languages: our codes of the languages of the subset, like ("ko", "en"); empty for the mean `AVG112`.
        value: 0 to 1; correlations -1 to 1. Higher is better.
        interval: 95 % interval; None if n is unknown. For published shares and correlations n implies it.
        n: number of sentences or pairs; None if unknown.
        parameters: number of parameters; None if unknown.
        dimensions: dimensions of the vectors; None if unknown.
        license: "" if unknown.
        released: ISO 8601; "" if unknown.
        open_weights: False if the model is only a service; None if unknown.
        prompt: the prompt, such as 'prompt "query: "', "no prompt", or "the prompt is not recorded".
        source: the signature of a measured score; the file of a published one (`published.source_label` links to it).
    """

    key: tuple[str, str, str]
    model: str
    settings: str
    revision: str
    kind: Literal["measured", "published"]
    data: str
    measure: Measure
    languages: tuple[str, ...]
    value: float
    interval: Interval | None
    n: int | None
    parameters: int | None
    dimensions: int | None
    license: str
    released: str
    open_weights: bool | None
    prompt: str
    source: str


def measured_prompt(entry: Entry) -> str:
    """Return the prompt of a result, as `ScoreRow.prompt`."""
    given = entry.result.model.prompt
    return f"prompt {json.dumps(given, ensure_ascii=False)}" if given else NO_PROMPT


def measured_license(entry: Entry) -> str:
    """Return the license of a measured model, as `ScoreRow.license`."""
    return license_name(entry.baseline.license) if entry.baseline else ""


def common_prompt(prompts: Iterable[str]) -> str:
    """Return the prompt that all scores of a mean have, or that they have several; "" for no score."""
    found = set(prompts)
    return "mixed prompts" if len(found) > 1 else next(iter(found), "")


def license_name(text: str) -> str:
    """Return a license as mteb spells it: `apache-2.0`, not `Apache-2.0`."""
    return text if "://" in text else text.lower()


def published_key(name: str) -> tuple[str, str, str]:
    """Return the identity of a model with published scores, which differs from that of any measured model."""
    return name, "published", ""


def score_rows(entries: Iterable[Entry], published: Published, languages: Set[str] | None = None) -> list[ScoreRow]:
    """Return all scores in `COMMON`, measured ones first; results on data other than the official data are left out.

    Args:
        entries: results, restricted to the languages to show.
        published: the published scores.
        languages: our codes, as `Entry.languages`: published scores of other subsets are left out. None keeps all.
    """
    rows = [row for entry in entries if entry.result.official for row in _measured(entry)]
    rows += [row for model in published.models.values() for row in _published(model, published)]
    return [row for row in rows if languages is None or _is_chosen(row, languages)]


def _measured(entry: Entry) -> Iterator[ScoreRow]:
    prompt = measured_prompt(entry)
    for name, subset in entry.subsets.items():
        for metric in COMMON:
            value = subset.scores.get(metric)
            if value is None or entry.contamination:
                continue
            share = metric != "cosine_spearman"
            yield ScoreRow(
                key=entry.model,
                model=entry.result.model.name,
                settings=entry.settings,
                revision=entry.result.model.revision,
                kind="measured",
                data=entry.result.data,
                measure=Measure(entry.task, name, metric),
                languages=subset_languages(entry.task, name),
                value=value,
                interval=wilson_interval(value, subset.n) if share else subset.intervals.get(metric),
                n=subset.n,
                parameters=entry.size("parameters"),
                dimensions=entry.size("dimensions"),
                license=measured_license(entry),
                released="",
                open_weights=True,
                prompt=prompt,
                source=subset.signature,
            )


def _published(model: PublishedModel, published: Published) -> Iterator[ScoreRow]:
    baseline = find_baseline(model.name)  # knows the size of some models that mteb does not
    for measure, value in model.scores.items():
        yield ScoreRow(
            key=published_key(model.name),
            model=model.name,
            settings="",
            revision=model.files[measure.task].revision,
            kind="published",
            data="",
            measure=measure,
            languages=subset_languages(measure.task, measure.subset),
            value=value,
            interval=published.interval(measure, value),
            n=published.n.get((measure.task, measure.subset)),
            parameters=model.parameters or (baseline.parameters if baseline else None),
            dimensions=model.dimensions or (baseline.dimensions if baseline else None),
            license=license_name(model.license or (baseline.license if baseline else "")),
            released=model.released,
            open_weights=model.open_weights,
            prompt=model.prompt(measure.task),
            source=score_source(model, measure.task),
        )


@cache
def subset_languages(task: str, subset: str) -> tuple[str, ...]:
    """Return our codes of the languages of a subset; empty if it is no subset of the task.

    >>> subset_languages("Tatoeba", "kor-eng"), subset_languages("KorSTS", "default")
    (('ko', 'en'), ('ko',))
    """
    known = TASKS.get(task)
    name = known.subsets.get(subset, "") if isinstance(known, Sts) else subset
    try:
        pair = LangPair.parse(name)
    except UserError:
        return ()
    return tuple(dict.fromkeys((str(pair.source), str(pair.target))))


def _is_chosen(row: ScoreRow, languages: Set[str]) -> bool:
    codes = set(row.languages)
    if has_english_side(row.measure.task) and len(codes) > 1:
        codes -= {"en"}
    return bool(codes) and codes <= languages
