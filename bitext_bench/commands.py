"""`run` and `verify`, from parsed arguments to files and printed tables."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

from .arguments import DEFAULT_LANGUAGES
from .batches import BatchLimits
from .data import MissingData, Source, open_source
from .embeddings import Embedder
from .encoders import Model, ModelOptions, resolve_model, without_prefix
from .encoders.layout import POOLINGS
from .errors import UserError
from .evaluate import LoadedTask, evaluate, lacking, load_tasks, not_compared, plan_of
from .filing import check_folder, file_result
from .languages import Language, resolve
from .report import printable, render_averages, render_scores
from .result_files import read_outcomes, read_result, result_folder
from .results import Outcomes, TaskResult
from .share import Share
from .sharing import encode_on_ray
from .store import cache_folder, make_folder
from .tasks import Task, default_tasks, find_task
from .verify import differences


def run(arguments: argparse.Namespace) -> int:
    """Score a model; each task's file is written as soon as the task is done."""
    source = open_source(arguments.data)
    languages = _languages(arguments.languages)
    names = _words("--tasks", arguments.tasks) if arguments.tasks else []
    tasks = [find_task(name) for name in names] or default_tasks(source)
    model = resolve_model(arguments.model, model_options(arguments))
    absent: list[str] = []

    def on_missing(task: Task, error: MissingData) -> None:
        if names:
            raise error
        absent.append(f"{task.name} ({error})")

    loaded = load_tasks(tasks, source, languages, on_missing)
    if not loaded:
        raise UserError(
            f"nothing to run: {'; '.join(absent[:3])}; the layouts that --data DIR can have are in the README"
        )
    limits = BatchLimits(arguments.batch_tokens, arguments.batch_size)
    cache = cache_folder(arguments.cache_folder)
    share = Share.parse(arguments.shard) if arguments.shard else None
    embedder = Embedder(model, cache, limits, refresh=arguments.refresh)
    if share:
        new = embedder.encode_share(plan_of(model, loaded), share)
        _say(f"share {share.number}/{share.of}: {new:,} sentences encoded; when all are done, run without --shard")
        return 0
    if arguments.engine == "ray":
        plan = plan_of(model, loaded)
        embedder.check(plan)
        encode_on_ray(arguments.model, model_options(arguments), plan, cache, limits)
        embedder = Embedder(model, cache, limits)  # with what the others have stored
    folder = result_folder(arguments.output_folder, model)
    chosen = "all languages" if languages is None else ", ".join(map(str, languages))
    _say(f"{printable(model.name)} in {model.dtype} on {len(loaded)} tasks of {printable(source.name)}: {chosen}")
    asked = languages if arguments.languages != [DEFAULT_LANGUAGES] else None
    for line in [*absent, *lacking(loaded, asked or ())]:
        _say(f"left out: {line}")
    make_folder(folder)  # before the work, as it may be impossible
    check_folder(folder, [item.task.name for item in loaded])
    if model.leaked_rows:
        _say(f"warning: the model was trained on {model.leaked_rows:,} rows of benchmarks; every result says so")
    if unchecked := not_compared(model, loaded):
        _say(f"note: its training rows were not compared with all of {', '.join(unchecked)}; those results say so")
    results = list(_written(embedder, loaded, folder))
    print(_as_json(results) if arguments.json else f"{render_scores(results)}\n\n{render_averages(results)}".rstrip())
    _say(f"results in {printable(str(folder))}")
    return 0


def _written(embedder: Embedder, loaded: Sequence[LoadedTask], folder: Path) -> Iterator[TaskResult]:
    for result, outcomes in evaluate(embedder, loaded):
        file_result(folder, result, outcomes)
        _say(f"{result.task}: {len(result.subsets)} subsets in {result.evaluation_time:.1f} s")
        if reason := _NOT_OFFICIAL.get(result.data.partition("-")[0]):
            _say(
                f"note: {_some(result)}: the data are called {result.data}, because {reason}; no published figure and "
                "no score on official data is shown beside these scores"
            )
        yield result


_NOT_OFFICIAL = {
    "custom": "their checksum is not the official one (line ends count too)",
    "unverified": "the official checksum is not known here",
}


def _some(result: TaskResult) -> str:
    names = [subset.subset for subset in result.subsets]
    return f"{result.task} {', '.join(names[:3])}" + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def verify(arguments: argparse.Namespace) -> int:
    """Derive result files again; returns 0 when all are the same, 1 with the differences printed when not."""
    return max(_verify(file, arguments) for file in arguments.files)


def _verify(file: Path, arguments: argparse.Namespace) -> int:
    stored = read_result(file)
    task = find_task(stored.task)
    model, source = _same_setting(file, stored, arguments)
    codes = {code for entry in stored.subsets for code in entry.languages}
    loaded = load_tasks([task], source, [resolve(code) for code in sorted(codes)], _refuse)
    limits = BatchLimits(arguments.batch_tokens, arguments.batch_size)
    # What a sample of sentences vouches for is no proof.
    refresh = arguments.refresh or bool(model.unhashed)
    embedder = Embedder(model, cache_folder(arguments.cache_folder), limits, refresh=refresh)
    found = differences(stored, read_outcomes(file, stored), *_together(stored, list(evaluate(embedder, loaded))))
    for line in found:
        print(line)
    n = len(stored.subsets)
    print(f"{file}: " + (f"{len(found)} differences" if found else f"verified, {n} subsets are the same"))
    return 1 if found else 0


def _together(stored: TaskResult, derived: list[tuple[TaskResult, Outcomes]]) -> tuple[TaskResult, Outcomes]:
    """Return one result of all that was derived: some subsets may be of other data than those on file."""
    (first, outcomes), *others = derived
    for result, more in others:
        outcomes = {**outcomes, **more}
        # The summary on file is of the subsets there, and of no others.
        first = replace(first, subsets=[*first.subsets, *result.subsets], summary=stored.summary)
    return first, outcomes


def _same_setting(file: Path, stored: TaskResult, arguments: argparse.Namespace) -> tuple[Model, Source]:
    """Resolve the model and the data of a result file; what the file says wins over the command line's defaults."""
    said = stored.model
    if arguments.model is None and said["name"].startswith("local/"):
        raise UserError(f"{file} was made with {said['name']}, which is no public model: pass --model DIR")
    name = without_prefix(arguments.model) if arguments.model else said["registered"] or said["name"]
    pooling = said["pooling"] if said["pooling"] in POOLINGS else None
    theirs = name in (said["registered"], said["name"])  # not a copy, or a fork, that --model names
    options = replace(
        model_options(arguments),
        revision=arguments.model_revision or (said["revision"] if theirs else None),
        prompt=said["prompt"],
        dtype=said["dtype"],
        backend=said.get("backend", "torch"),
        pooling=pooling,
        max_length=said["max_length"],
    )
    mini = stored.task.startswith("Mini-")
    hub = stored.data.startswith("hub-")
    if arguments.data is None and not (mini or hub):
        raise UserError(f"{file} was made with data on disk ({stored.data}): pass --data DIR")
    # A file names no directory, whatever there is here under its model's name.
    model = resolve_model(arguments.model or f"hub:{name}", options)
    return model, open_source(arguments.data or ("mini" if mini else "hub"))


def _refuse(task: Task, error: MissingData) -> None:
    raise error


def model_options(arguments: argparse.Namespace) -> ModelOptions:
    """Return how the model is to be loaded, from those options that the command has."""
    given = {name.removeprefix("model_"): value for name, value in vars(arguments).items()}
    return ModelOptions(**{field.name: given[field.name] for field in fields(ModelOptions) if field.name in given})


def _words(option: str, given: list[str]) -> list[str]:
    words = [word for text in given for word in text.split(",") if word]
    if not words:
        raise UserError(f"{option} names nothing: leave it out for the default, or name what is wanted")
    return words


def _languages(given: list[str]) -> list[Language] | None:
    words = _words("--languages", given)
    if "all" in words and len(words) > 1:
        raise UserError(f"--languages {' '.join(words)}: all has to stand alone, as it has the others in it")
    return None if words == ["all"] else [resolve(word) for word in words]


def _as_json(results: list[TaskResult]) -> str:
    rows = [
        {
            "task": result.task,
            "subset": entry.subset,
            "score": result.main_score,
            "value": entry.scores[result.main_score],
            "interval": entry.intervals.get(result.main_score),
            "n": entry.n,
            "signature": entry.signature,
        }
        for result in results
        for entry in result.subsets
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False)


def _say(message: str) -> None:
    print(f"bitext-bench: {message}", file=sys.stderr)
