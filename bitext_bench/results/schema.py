"""The schema of a result file: the type and range of each field. The file is untrusted input."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from ..encoders.model import MAX_PROMPT
from ..languages import find_language
from ..tasks import TASKS, find_own_task

_Part = TypeVar("_Part", bound=BaseModel)

Name = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Text = Annotated[str, StringConstraints(max_length=MAX_PROMPT)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=10**15)]
Size = Annotated[int, Field(ge=1, le=10**15)]
_MOST_SENTENCES = 10**9
_MOST_SUBSETS = 100_000
# Scores without bounds; all others are fractions or correlations.
_UNBOUNDED = ("hub_skewness", "threshold", "oracle_threshold")


def parse(kind: type[_Part], content: object, where: str = "") -> _Part:
    """Check and parse the content of a result file, or a part of it.

    Args:
        kind: the type of the part.
        content: JSON.
        where: the place of the part, for the message.

    Raises:
        ValueError: a field is missing, has the wrong type, or is out of range; the message names it in one line.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        reason = _describe_error(error)
        raise ValueError(f"{where}: {reason}" if where else reason) from error


def _describe_error(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = " ".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{place} is missing"
    reason = first["msg"].removeprefix("Value error, ")
    return f"{place}: {reason[:1].lower()}{reason[1:]}" if place else reason


def _check_date(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _check_language(code: str) -> str:
    if find_language(code) is None:
        raise ValueError(f"{code!r} is not a language known to this version")
    return code


def _check_interval(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    if interval and not -1 <= interval[0] <= interval[1] <= 1:
        raise ValueError(f"{interval[0]} to {interval[1]} is not an interval within [-1, 1]")
    return interval


Interval = Annotated[
    tuple[Finite, Finite] | None, Field(strict=False), AfterValidator(_check_interval)
]  # JSON has no tuples: strict mode would refuse a list


class Record(BaseModel):
    """A part of a result file. Only fields that were set are written."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow", protected_namespaces=())

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that were set, for JSON."""
        return self.model_dump(exclude_unset=True)


class ModelRecord(Record):
    """The scored model and its settings.

    Attributes:
        registered: name in the registry.
        fingerprint: sha256 of weights, tokenizer and configuration.
        prompt: text prepended to each sentence of the task.
        chosen: settings that the user chose over the model's own.
        contaminated_rows: number of training rows with a benchmark sentence.
        unchecked: benchmarks without a contamination check of the training data.
    """

    name: Name
    registered: Name | None = None
    revision: Name
    fingerprint: Name | None = None
    prompt: Text
    pooling: Name
    dtype: Literal["fp32", "bf16", "fp16"]
    backend: Literal["torch", "openvino"] = "torch"
    max_length: Annotated[int, Field(ge=1, le=10**7)] | None = None
    chosen: list[Literal["prompt", "dtype", "backend", "max_length", "pooling"]] = []
    parameters: Count | None = None
    dimensions: Count | None = None
    contaminated_rows: Count = 0
    unchecked: list[Name] = []

    @model_validator(mode="after")
    def _has_what_was_chosen(self) -> ModelRecord:
        if lacking := sorted(set(self.chosen) - self.model_fields_set):
            raise ValueError(f"chosen names {lacking[0]}, which is missing")
        return self


class TrainedFrom(Record):
    """The initial student or the teacher of a training."""

    name: Name
    revision: Name
    prompt: Text


class TrainingRecord(Record):
    """The training record of a checkpoint. Files from older versions lack newer fields.

    Attributes:
        corpora: number of rows kept from each corpus and pair.
        settings: digest of the data and all settings except the seed.
        curve: (step, accuracy on held-out rows).
    """

    recipe: Name = "-"
    student: TrainedFrom | None = None
    teacher: TrainedFrom | None = None
    pairs: list[Name] = []
    loss: Name = "-"
    num_hard_negatives: Count = 0
    batch_size: Count = 0
    learning_rate: Finite = 0
    seed: int = Field(0, ge=-(10**15), le=10**15)
    label: Name = "-"
    tms: bool = False
    lambda_cross: Finite = 0
    tau_teacher: Finite = 0
    tau_student: Finite = 0
    divergence: Name | None = None
    column_labels: Name | None = None
    symmetric_monolingual: bool = False
    distillation_weight: Finite = 0
    wise_ft_share: Finite = 0
    topic_aware_batches: bool = False
    lora_rank: Count | None = None
    corpora: dict[Name, Count] = {}
    settings: Name = "-"
    steps: Count = 0
    curve: list[Annotated[tuple[Count, Finite], Field(strict=False)]] = []


class EncodingRecord(Record):
    """The encoding speed of a run: sentences, tokens, seconds and hardware."""

    sentences: Size
    tokens: Count
    seconds: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    device: Name
    cores: Size | None = None


class MeanRecord(Record):
    """The mean of a score over subsets.

    Attributes:
        subsets: number of subsets with the score.
    """

    mean: Finite | None
    subsets: Count
    interval: Interval = None


class SubsetFile(Record):
    """The scores of a subset in a file."""

    subset: Name
    languages: list[Annotated[Name, AfterValidator(_check_language)]] = Field(min_length=1, max_length=8)
    n: int = Field(ge=1, le=_MOST_SENTENCES)
    scores: dict[Name, Finite | None] = Field(min_length=1, max_length=1_000)
    intervals: dict[Name, Interval]
    signature: Text
    details: dict[Name, Any] = {}

    @model_validator(mode="after")
    def _is_in_range(self) -> SubsetFile:
        for name, value in self.scores.items():
            if value is not None and not -1 <= value <= 1 and not name.startswith(_UNBOUNDED):
                raise ValueError(f"{name} is {value}, which is not in [-1, 1]")
        if "\t" in self.subset:
            raise ValueError("the name of a subset contains a tab")
        if not any(part.startswith("data:") for part in self.signature.split("|")):
            raise ValueError("the signature does not name the data")
        return self


class MtebScores(Record):
    """The scores of a subset for mteb's reader, by mteb's names."""

    hf_subset: Name
    languages: list[Name]
    main_score: Finite | None


class ResultFile(Record):
    """A complete result file. mteb reads `task_name`, `dataset_revision`, `mteb_version` and `scores`."""

    version: Name
    date: Annotated[Text, AfterValidator(_check_date)] | None
    task: Name
    split: Name
    data: Name
    main_score: Name
    lower_is_better: bool
    evaluation_time: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
    model: ModelRecord
    summary: dict[Name, Any]
    libraries: dict[Name, Name]
    training: TrainingRecord | None = None
    encoding: EncodingRecord | None = None
    outcomes_sha256: Sha256
    task_name: Name
    dataset_revision: Name
    mteb_version: None
    scores: dict[Name, list[MtebScores]]
    subsets: list[SubsetFile] = Field(min_length=1, max_length=_MOST_SUBSETS)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> ResultFile:
        needed = {self.main_score, *(["threshold"] if self.main_score == "f1" else [])}
        names = set()
        for subset in self.subsets:
            if lacking := sorted(needed - subset.scores.keys()):
                raise ValueError(f"{lacking[0]} of {subset.subset!r} is missing")
            if self.main_score == "xsimpp":
                parse(_ErrorKinds, subset.details, f"the details of {subset.subset!r}")
            names.add(subset.subset)
        if self.main_score == "xsim" and len({subset.n for subset in self.subsets}) > 1:
            raise ValueError("its subsets have different n, but in xSIM all have the same sentences")
        if len(names) < len(self.subsets):
            raise ValueError("two subsets have the same name")
        if self.main_score in self.summary:
            parse(MeanRecord, self.summary[self.main_score], f"the summary of {self.main_score}")
        task = TASKS.get(self.task) or find_own_task(self.task)
        if task and task.lower_is_better != self.lower_is_better:
            raise ValueError(f"lower_is_better is {self.lower_is_better}, which is wrong for {self.task}")
        return self


class _ErrorKinds(Record):
    errors: dict[Name, Count]
