"""Result records: the scores of one model on one task, to and from JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..data import has_own_name, is_official
from ..encoders import Model
from ..io.checksums import content_sha256
from ..languages import Language, resolve
from ..scoring.intervals import Interval
from ..tasks import SubsetScores, has_english_side
from .mteb_fields import check_mteb_fields, mteb_fields
from .schema import EncodingRecord, MeanRecord, ModelRecord, ResultFile, TrainingRecord, parse

FORMAT = 3  # readers refuse other formats

# Minimum number of encoded sentences for a meaningful speed of the model.
TIMED_SENTENCES = 5_000

Outcomes = dict[tuple[str, str], dict[str, NDArray[Any]]]  # (subset, direction) -> column -> values


@dataclass(frozen=True, slots=True)
class SubsetResult:
    """The scores of one subset (usually a language pair).

    Attributes:
        languages: MTEB's codes ("jpn-Jpan").
        n: number of sentences or pairs judged.
        scores: values by name; None if a score cannot be computed. Names with the prefix `mteb_`, `cosine_spearman`
            and `cosine_pearson` are defined as in MTEB.
        intervals: 95 % intervals (low, high) by score; None if a score has none.
        signature: one line with every setting that can change a value.
        details: further values that are not scores.
    """

    subset: str
    languages: list[str]
    n: int
    scores: dict[str, float | None]
    intervals: dict[str, Interval | None]
    signature: str
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the content for the result file."""
        content = {name: getattr(self, name) for name in _SUBSET_FIELDS}
        return {**content, **({"details": self.details} if self.details else {})}


_SUBSET_FIELDS = ("subset", "languages", "n", "scores", "intervals", "signature")


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The scores of one model on one task, as in a result file.

    Attributes:
        data: name of the data; the signature of each subset also has the hash.
        main_score: name of the score for comparisons.
        evaluation_time: seconds, without encoding.
        date: time of the evaluation, ISO 8601, UTC; "" if unknown.
        summary: scores over all subsets; `mean` returns the typed mean.
        training: training record of a checkpoint of `train`.
        encoding: encoding speed, if the run encoded enough sentences.
        outcomes_sha256: checksum of the file of outcomes; "" until it is written.
    """

    task: str
    split: str
    data: str
    main_score: str
    lower_is_better: bool
    evaluation_time: float
    model: ModelRecord
    summary: dict[str, Any]
    subsets: list[SubsetResult]
    version: str = __version__
    date: str = ""
    libraries: dict[str, str] = field(default_factory=dict)
    training: TrainingRecord | None = None
    encoding: EncodingRecord | None = None
    outcomes_sha256: str = ""

    @property
    def chosen_settings(self) -> dict[str, Any]:
        """The settings that the user chose over the model's own: prompt, dtype, backend, max_length, pooling."""
        return {name: getattr(self.model, name) for name in self.model.chosen}

    @property
    def mean(self) -> MeanRecord | None:
        """The mean of the main score over all subsets; None if the file has no mean."""
        content = self.summary.get(self.main_score)
        return None if content is None else MeanRecord.model_validate(content)

    @property
    def official(self) -> bool:
        """Whether the scores are comparable to published scores."""
        return is_official(self.data)

    @property
    def has_own_name(self) -> bool:
        """Whether the data are named data, rather than unnamed data in a benchmark's layout."""
        return has_own_name(self.data)

    @property
    def label(self) -> str:
        """The name of the task, with the data if they are not its own."""
        return self.task if self.has_own_name else f"{self.task} on {self.data}"

    def is_chosen(self, subset: SubsetResult, languages: Set[str]) -> bool:
        """Check whether `run` would score a subset for these languages (our codes)."""
        codes = {str(resolve(code)) for code in subset.languages}
        return codes - {"en"} <= languages if has_english_side(self.task) and len(codes) > 1 else codes <= languages

    def to_json(self) -> str:
        """Return the JSON text, with one line for each subset, and one for mteb. Equal results give equal bytes."""
        content: dict[str, Any] = {"bitext_bench": FORMAT, **{name: getattr(self, name) for name in _FIELDS}}
        content["date"] = self.date or None  # mteb refuses an empty string
        content["model"] = self.model.to_dict()
        content |= {name: value.to_dict() for name in _OPTIONAL if (value := getattr(self, name)) is not None}
        content["subsets"] = [subset.as_json() for subset in self.subsets]
        content |= mteb_fields(content)
        content["outcomes_sha256"] = self.outcomes_sha256
        content["sha256"] = content_sha256(content)
        lines = [f" {_json(name)}: {_by_line(name, value)}" for name, value in content.items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> TaskResult:
        """Build a result from the content of a file.

        Raises:
            ValueError: a field is missing, has the wrong type or is out of range; the message names it.
        """
        parsed = parse(ResultFile, content)
        check_mteb_fields(content)
        values = {name: content[name] for name in (*_FIELDS, "outcomes_sha256")}
        values |= {name: getattr(parsed, name) for name in ("model", *_OPTIONAL)} | {"date": parsed.date or ""}
        subsets = []
        for row in content["subsets"]:
            fields = {name: row[name] for name in _SUBSET_FIELDS} | {"details": row.get("details", {})}
            fields["intervals"] = {name: tuple(ends) if ends else None for name, ends in fields["intervals"].items()}
            subsets.append(SubsetResult(**fields))
        return TaskResult(subsets=subsets, **values)


_FIELDS = (
    "version",
    "date",
    "task",
    "split",
    "data",
    "main_score",
    "lower_is_better",
    "evaluation_time",
    "model",
    "summary",
    "libraries",
)
_OPTIONAL = ("training", "encoding")


def _by_line(name: str, value: Any) -> str:  # noqa: ANN401
    if name == "subsets":
        return _rows(value)
    if name == "scores":
        return "{" + ", ".join(f"{_json(split)}: {_rows(entries)}" for split, entries in value.items()) + "}"
    return _json(value)


def _rows(rows: Iterable[object]) -> str:
    return "[\n" + ",\n".join(f"  {_json(row)}" for row in rows) + "\n ]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def signature(task_name: str, model: Model, prompt: str, scores: SubsetScores) -> str:
    """Return one line with every setting that can change a value, modeled on sacreBLEU's signature."""
    contamination = _contamination(model, task_name, scores.languages)
    fields = {
        "task": task_name,
        **scores.signature,
        "prompt": json.dumps(prompt, ensure_ascii=False),
        **({"prompttext": json.dumps(text, ensure_ascii=False)} if (text := model.prompt_texts.get(prompt)) else {}),
        **({"promptfrom": model.prompt_source} if model.prompt_source else {}),
        "pool": model.pooling,
        "dtype": model.dtype,
        **({"backend": model.backend} if model.backend != "torch" else {}),
        "maxlen": str(model.max_length) if model.max_length else "model",
        "data": str(scores.data),
        "model": model.identity,
        **({"contamination": contamination} if contamination else {}),
        "bb": __version__,
    }
    return "|".join(f"{key}:{value.replace('|', '/')}" for key, value in fields.items())


def signature_fields(line: str) -> dict[str, str]:
    """Return the fields of a signature by name."""
    return dict(field.partition(":")[::2] for field in line.split("|"))


def _contamination(model: Model, task_name: str, languages: Iterable[Language]) -> str:
    """Return how benchmark sentences may have contaminated the training: "12 training rows", "unchecked" or ""."""
    if model.contaminated_rows:
        return f"{model.contaminated_rows} training rows"
    checked = model.checked is None or model.checked.covers(task_name, map(str, languages))
    return "" if checked else "unchecked"


def subset_result(scores: SubsetScores, line: str) -> SubsetResult:
    """Return the record of a subset's scores; `line` is the signature."""
    return SubsetResult(
        subset=scores.subset,
        languages=scores.mteb_languages,
        n=scores.n,
        scores=scores.scores,
        intervals={name: _finite(interval) for name, interval in scores.intervals.items()},
        signature=line,
        details=scores.details,
    )


def _finite(interval: Interval) -> Interval | None:
    return None if np.isnan(interval[0]) else interval


def by_subset(outcomes: Outcomes) -> dict[str, dict[str, dict[str, NDArray[Any]]]]:
    """Return outcomes as subset -> direction -> columns."""
    found: dict[str, dict[str, dict[str, NDArray[Any]]]] = {}
    for (subset, direction), columns in outcomes.items():
        found.setdefault(subset, {})[direction] = columns
    return found


def outcomes_of(subsets: Sequence[SubsetScores]) -> Outcomes:
    """Collect the outcomes of a task's subsets."""
    return {(s.subset, direction): columns for s in subsets for direction, columns in s.outcomes.items()}
