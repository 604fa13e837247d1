"""Evaluation: load all tasks, encode each sentence once, then score one task after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ..data import MissingData, Source
from ..embedding.batch_size import usable_cores
from ..embedding.batching import TextGroup
from ..embedding.embedder import Embedder, EncodingStats
from ..encoders import Model, Prompts
from ..errors import UserError
from ..languages import Language
from ..scoring.neighbors import Vectors
from ..tasks import BENCHMARKS, Languages, ScoringUnit, SentenceSet, SubsetScores, Task, default_tasks, mteb_task_name
from .filing import file_result
from .records import TIMED_SENTENCES, Outcomes, TaskResult, outcomes_of, signature, subset_result
from .schema import EncodingRecord, ModelRecord, TrainingRecord, parse

# Names in result files for the abbreviations of `Model.overrides`.
_FIELDS = {"maxlen": "max_length", "pool": "pooling"}


@dataclass(frozen=True, slots=True)
class LoadedTask:
    """A task with its data."""

    task: Task
    units: list[ScoringUnit]


def load_tasks(
    tasks: Sequence[Task], source: Source, languages: Languages, on_missing: Callable[[Task, MissingData], None]
) -> list[LoadedTask]:
    """Read the data of all tasks before encoding, so that damaged data stop a run in its first second.

    Tasks without data are passed to `on_missing` and skipped.

    Raises:
        UserError: data are damaged.
    """
    loaded = []
    for task in tasks:
        try:
            loaded.append(LoadedTask(task, task.load(source, languages)))
        except MissingData as error:
            on_missing(task, error)
    return loaded


def load_available_tasks(
    tasks: Sequence[Task] | None, source: Source, languages: Languages
) -> tuple[list[LoadedTask], list[str]]:
    """Return the tasks with their data, and one line for each task that is missing from the source.

    Args:
        tasks: tasks that the source must have; None for all tasks in the source.
        source: source of the data.
        languages: as in `Task.load`.

    Raises:
        UserError: data are damaged, or the source has no task.
        MissingData: data of a requested task are missing.
    """
    absent: list[str] = []

    def on_missing(task: Task, error: MissingData) -> None:
        if tasks is not None:
            raise error
        absent.append(f"{task.name} ({error})")

    loaded = load_tasks(default_tasks(source) if tasks is None else tasks, source, languages, on_missing)
    if not loaded:
        raise UserError(
            f"nothing to run: {'; '.join(absent[:3])}; bitext_bench/README.md lists the layouts of a data directory"
        )
    return loaded, absent


def missing_languages(loaded: Sequence[LoadedTask], languages: Sequence[Language]) -> list[str]:
    """Return one line for each bitext task whose data lack some of the requested languages."""
    lines = []
    for item in loaded:
        here = {side.language for unit in item.units for side in unit.sides}
        absent = [str(language) for language in languages if language not in here]
        if absent and item.task.kind == "bitext":
            lines.append(f"{item.task.name} in {', '.join(absent)} (no data)")
    return lines


def texts_to_encode(model: Model, loaded: Sequence[LoadedTask]) -> list[TextGroup]:
    """Return all texts that the tasks need."""
    return [_texts(model, item.task, side) for item in loaded for unit in item.units for side in unit.sides]


def evaluate(embedder: Embedder, loaded: Sequence[LoadedTask]) -> Iterator[tuple[TaskResult, Outcomes]]:
    """Encode the sentences of all tasks together, then score the tasks one after the other.

    A task yields one result, or several if only some of its subsets have official data.

    Raises:
        UserError: the model returns zero or non-finite vectors, or the disk is full.
    """
    training = _training(embedder.model)
    encoding = _speed(embedder.encode(texts_to_encode(embedder.model, loaded)))
    for item in loaded:
        start = time.monotonic()
        by_data: dict[str, list[SubsetScores]] = {}
        for subset in _score(embedder, item):
            by_data.setdefault(subset.data.set_name, []).append(subset)
        seconds = time.monotonic() - start
        for subsets in by_data.values():
            result = _result(embedder, item.task, subsets, seconds)
            yield replace(result, encoding=encoding, training=training), outcomes_of(subsets)


def evaluate_into(
    folder: Path, embedder: Embedder, loaded: Sequence[LoadedTask]
) -> Iterator[tuple[TaskResult, Outcomes]]:
    """Evaluate like `evaluate`, and write each result to the model's folder before it is yielded.

    Raises:
        UserError: as for `evaluate` and `file_result`.
    """
    for result, outcomes in evaluate(embedder, loaded):
        file_result(folder, result, outcomes)
        yield result, outcomes


def _speed(encoded: EncodingStats) -> EncodingRecord | None:
    """Return the encoding speed for the result file; None if the run encoded too few sentences to measure it."""
    if encoded.encoded < TIMED_SENTENCES or not encoded.device:
        return None
    return EncodingRecord(
        sentences=encoded.encoded,
        tokens=encoded.tokens,
        seconds=round(encoded.seconds, 2),
        device=encoded.device,
        cores=usable_cores(),
    )


def _texts(model: Model, task: Task, side: SentenceSet) -> TextGroup:
    return TextGroup(side.sentences, side.language, prompt_of(model.prompts, task))


def prompt_of(prompts: Prompts, task: Task) -> str:
    """Return the text that is prepended to the sentences of a task."""
    return prompts.for_task(mteb_task_name(task.name), task.kind)


def _score(embedder: Embedder, item: LoadedTask) -> Iterator[SubsetScores]:
    """Score unit by unit. Keep only vectors that a later unit needs."""
    uses = Counter(id(side) for unit in item.units for side in unit.sides)
    kept: dict[int, Vectors] = {}
    for unit in item.units:
        vectors = []
        for side in unit.sides:
            rows = kept.get(id(side))
            if rows is None:
                rows = embedder.vectors(_texts(embedder.model, item.task, side))
            uses[id(side)] -= 1
            if uses[id(side)]:
                kept[id(side)] = rows
            else:
                kept.pop(id(side), None)
            vectors.append(rows)
        yield from _with_mteb_scores(embedder, item.task, unit, unit.score(vectors))


def _with_mteb_scores(
    embedder: Embedder, task: Task, unit: ScoringUnit, scored: list[SubsetScores]
) -> list[SubsetScores]:
    """Compute MTEB's scores by the model's own similarity if it is not the cosine."""
    similarity = embedder.model.similarity
    if similarity == "cosine" or unit.mteb_scores is None:
        return scored
    raw = [embedder.raw_vectors(_texts(embedder.model, task, side)) for side in unit.sides]
    of_mteb = unit.mteb_scores(similarity, raw)
    return [
        replace(
            subset,
            scores={**subset.scores, **of_mteb[subset.subset]},
            signature={**subset.signature, "mtebsim": similarity},
        )
        for subset in scored
    ]


def _unchecked_benchmarks(model: Model) -> list[str]:
    """Return the benchmarks without any contamination check of the checkpoint's training data."""
    if model.checked is None:
        return []
    return [task.name for task in BENCHMARKS if task.name not in model.checked.tasks]


def unchecked_tasks(model: Model, loaded: Sequence[LoadedTask]) -> list[str]:
    """Return the tasks for which the contamination check of the checkpoint's training data is incomplete."""
    if model.checked is None:
        return []
    tasks = [(item.task.name, [{str(side.language) for side in unit.sides} for unit in item.units]) for item in loaded]
    return [name for name, units in tasks if not all(model.checked.covers(name, languages) for languages in units)]


def _result(embedder: Embedder, task: Task, subsets: Sequence[SubsetScores], seconds: float) -> TaskResult:
    model = embedder.model
    prompt = prompt_of(model.prompts, task)
    return TaskResult(
        task=task.name,
        split=task.split,
        data=subsets[0].data.set_name,
        main_score=subsets[0].main_score,
        lower_is_better=task.lower_is_better,
        evaluation_time=round(seconds, 3),
        model=_model_record(model, prompt, embedder.dimensions),
        summary=task.summarize(subsets),
        subsets=[subset_result(s, signature(task.name, model, prompt, s)) for s in subsets],
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        libraries={name: version(name) for name in ("torch", "transformers", "sentence-transformers", "numpy")},
    )


def _model_record(model: Model, prompt: str, dimensions: int | None) -> ModelRecord:
    fields = {
        "name": model.name,
        "registered": model.registered,
        "revision": model.revision,
        "fingerprint": model.fingerprint,
        "prompt": prompt,
        "pooling": model.pooling,
        "dtype": model.dtype,
        "backend": model.backend,
        "max_length": model.max_length,
        "parameters": model.parameters,
        "dimensions": dimensions,
    }
    not_of_every_model = {
        "chosen": [_FIELDS.get(key, key) for key, _ in model.overrides if key != "loader"],  # `registered` says it
        "contaminated_rows": model.contaminated_rows,
        "unchecked": _unchecked_benchmarks(model),
    }
    return ModelRecord.model_validate(fields | {name: value for name, value in not_of_every_model.items() if value})


def _training(model: Model) -> TrainingRecord | None:
    try:
        return parse(TrainingRecord, model.training) if model.training else None
    except ValueError as error:
        raise UserError(f"the training record of {model.name} (train_config.json) is damaged: {error}") from error
