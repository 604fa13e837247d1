"""Choose one result file of MTEB for each model and task, and leave out impossible scores, with reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from bitext_bench.encoders.mteb_registry import all_records
from bitext_bench.results.mteb_results import subset_sizes

from .records import IMPOSSIBLE, MEAN_OF_TATOEBA, SELF_REPORTED, Measure, Published, PublishedModel, ResultFile

_ROUNDED = 2e-4  # old files have four decimals
OTHER_FILE = "another file of the model and the task is used: that of the revision in mteb's registry, or the newest"


@dataclass(frozen=True, slots=True)
class Facts:
    """What mteb's registry says about a model; see `PublishedModel`."""

    revision: str = ""
    parameters: int | None = None
    dimensions: int | None = None
    license: str = ""
    released: str = ""
    open_weights: bool | None = None

    def completed(self, other: Facts | None) -> Facts:
        """Return these facts, with those of `other` for unknown ones; the revision is not completed."""
        if other is None:
            return self
        return Facts(
            self.revision,
            self.parameters or other.parameters,
            self.dimensions or other.dimensions,
            self.license or other.license,
            self.released or other.released,
            other.open_weights if self.open_weights is None else self.open_weights,
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """The scores of a model on one task in one result file.

    Attributes:
        date: date of the file, ISO 8601, or "".
        path: the file, for messages.
        facts: what the model's model_meta.json says, for models that mteb's registry does not have.
    """

    model: str
    task: str
    file: ResultFile
    scores: Mapping[Measure, float]
    date: str = ""
    path: str = ""
    facts: Facts | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The published scores, and the files left out by reason."""

    published: Published
    left_out: Mapping[str, list[str]] = field(default_factory=dict)


def choose(candidates: Iterable[Candidate], facts: Callable[[str], Facts] | None = None) -> Choice:
    """Choose one candidate for each model and task.

    The revision in mteb's registry comes first, then the newest version of mteb (scores that the authors of a model
    reported have none), then the newest date.

    Args:
        candidates: all result files.
        facts: the facts of a model by name; None asks mteb's registry.
    """
    facts = facts or registry_facts
    left_out: dict[str, list[str]] = {}
    groups: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        if reason := _impossible(candidate):
            left_out.setdefault(reason, []).append(candidate.path or candidate.model)
        else:
            groups.setdefault((candidate.model, candidate.task), []).append(candidate)
    chosen: dict[str, list[Candidate]] = {}
    for (name, _), found in sorted(groups.items()):
        pinned = facts(name).revision
        *others, best = sorted(found, key=lambda candidate: _preference(candidate, pinned))
        left_out.setdefault(OTHER_FILE, []).extend(other.path for other in others)
        chosen.setdefault(name, []).append(best)
    models = {name: _model(name, files, _known(facts(name), files)) for name, files in chosen.items()}
    return Choice(
        Published(models, task_sizes({measure for model in models.values() for measure in model.scores})),
        {reason: files for reason, files in left_out.items() if files},
    )


def _preference(candidate: Candidate, pinned: str) -> tuple[object, ...]:
    file = candidate.file
    parts = file.version.split(".")
    version = tuple(int(part) for part in parts[:3] if part.isdigit())
    is_pinned = bool(pinned) and file.revision == pinned
    return is_pinned, file.revision != SELF_REPORTED, version, candidate.date, candidate.path


def _impossible(candidate: Candidate) -> str:
    """Return why a candidate's scores cannot be what they claim to be; "" if they can."""
    if reason := IMPOSSIBLE.get(candidate.model):
        return f"{candidate.model}: {reason}"
    sizes = task_sizes(candidate.scores)
    for measure, value in candidate.scores.items():
        n = sizes.get((measure.task, measure.subset))
        if measure.metric == "mteb_accuracy" and measure.subset != MEAN_OF_TATOEBA and n and not _is_share(value, n):
            return f"{measure.task} {measure.subset}: an accuracy is no multiple of 1 / {n:,}, so n is not {n:,}"
        f1 = candidate.scores.get(measure._replace(metric="mteb_f1"))
        if measure.metric == "mteb_accuracy" and f1 is not None and not _fits(value, f1):
            return f"{measure.task} {measure.subset}: accuracy {value} and f1 {f1} exclude each other"
    return ""


def _fits(accuracy: float, f1: float) -> bool:
    """Return whether MTEB's accuracy and weighted F1 can be of the same sentences.

    The F1 of a sentence that is found is 2 / (2 + k) if k others chose its translation, too; the others have 0. So F1
    is at most the accuracy a, and lowest if the errors are spread over the sentences found: 2 a^2 / (1 + a).
    """
    return 2 * accuracy**2 / (1 + accuracy) - _ROUNDED <= f1 <= accuracy + _ROUNDED


def _is_share(value: float, n: int) -> bool:
    """Return whether a rounded value can be a number of hits divided by n; old files have four decimals only."""
    rounding = 5e-5 if round(value, 4) == value else 5e-7
    return abs(value * n - round(value * n)) <= rounding * n + 1e-9


def _known(facts: Facts, files: Iterable[Candidate]) -> Facts:
    for candidate in files:
        facts = facts.completed(candidate.facts)
    return facts


def _model(name: str, files: Sequence[Candidate], facts: Facts) -> PublishedModel:
    return PublishedModel(
        name=name,
        parameters=facts.parameters,
        dimensions=facts.dimensions,
        license=facts.license,
        released=facts.released,
        open_weights=facts.open_weights,
        files={candidate.task: candidate.file for candidate in files},
        scores={measure: value for candidate in files for measure, value in candidate.scores.items()},
    )


def registry_facts(name: str) -> Facts:
    """Return the facts of a model in mteb's registry; empty if mteb does not have it.

    A name may have settings in parentheses. An organization may have been renamed (voyageai to mongodb) if the rest of
    the name is unique.
    """
    plain = name.partition(" (")[0].casefold()
    found = all_records().get(plain)
    if found is None and len(same := _by_last_part().get(plain.rpartition("/")[2], ())) == 1:
        found = all_records()[same[0]]
    if found is None:
        return Facts()
    meta = found.meta
    return Facts(
        revision=str(meta.revision or ""),
        parameters=found.parameters,
        dimensions=_dimensions(meta.embed_dim),
        license=str(meta.license or ""),
        released=str(meta.release_date or ""),
        open_weights=None if meta.open_weights is None else bool(meta.open_weights),
    )


def _dimensions(given: int | Sequence[int] | None) -> int | None:
    """Return the dimensions of whole vectors; for vectors that can be cut, mteb lists all possible lengths."""
    return (max(given) if isinstance(given, Sequence) else given) or None


@cache
def _by_last_part() -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name in all_records():
        found.setdefault(name.rpartition("/")[2], []).append(name)
    return found


def task_sizes(measures: Iterable[Measure]) -> dict[tuple[str, str], int]:
    """Return n of each task and subset that mteb has statistics of; of all together for a mean over languages."""
    found = {}
    for task, subset in {(measure.task, measure.subset) for measure in measures}:
        known = subset_sizes(task)
        n = sum(known.values()) if subset == MEAN_OF_TATOEBA and known else known.get(subset)
        if n:
            found[task, subset] = n
    return found
