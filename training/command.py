"""A training run, from its settings to the directory of the checkpoint; the command and the Python API call it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bitext_bench import __version__
from bitext_bench.data import open_source
from bitext_bench.embedding.store import write_atomic
from bitext_bench.encoders import Model
from bitext_bench.errors import UserError
from bitext_bench.io.cache import cache_folder
from bitext_bench.io.hub import HUB_PREFIX
from bitext_bench.io.interrupts import delay_signals
from bitext_bench.io.temporary import remove_at_end
from bitext_bench.languages import resolve
from bitext_bench.results.records import TaskResult
from bitext_bench.tasks import find_task

from .checkpoint.card import render_card
from .checkpoint.evaluation import score_checkpoint
from .checkpoint.folder import (
    CHECKPOINTS,
    DROPPED,
    FINISHED,
    PARTIAL,
    TENSORBOARD,
    check_folder,
    lock_folder,
    open_to_readers,
    prepare_folder,
    read_record,
    write_record,
)
from .checkpoint.publish import check_access, publish, reserve_repository
from .config import TrainConfig
from .data.cleaning import write_report
from .data.contamination import EXCLUDED, BenchmarkSentences
from .data.hub import dataset_of, fetch_pairs
from .data.sources import Source
from .environment import check_environment, is_first, machine_name, say_first
from .pipeline import PreparedData, prepare, read_data
from .report import say_data, say_end, say_prompt, say_unused
from .trainer.models import Models, resolve_models

if TYPE_CHECKING:
    from .trainer.train import Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """A training run, apart from the settings of its recipe.

    Attributes:
        data: directories of corpora; one of them may be "hub:ORG/DATASET[@REVISION]".
        benchmarks: the benchmarks to compare the training rows with and to score on, as `run --data`.
        exclude_benchmarks: tasks that the rows are not compared with.
        allow_contamination: train on rows that hold a sentence of a benchmark.
        recipe: the name of the recipe or its TOML file, for the record; "python" without one.
        sources: where corpora are published, by their name, for the record.
        output: the directory of the checkpoint; None: a name below checkpoints/.
        overwrite: replace an existing checkpoint.
        resume: continue a run that was stopped or killed.
        evaluate: score the trained checkpoint on `benchmarks`.
        push_to_hub: publish the checkpoint as "ORG/NAME".
        report_to: a logger of the trainer, like "tensorboard"; None disables logging.
        device: "cpu", "cuda" or "mps"; None takes a GPU if there is one.
        cache: the vector cache; None uses the default directory.
    """

    data: Sequence[str]
    benchmarks: str = "hub"
    exclude_benchmarks: Sequence[str] = ()
    allow_contamination: bool = False
    recipe: str = "python"
    sources: Mapping[str, Source] = field(default_factory=dict)
    output: Path | None = None
    overwrite: bool = False
    resume: bool = False
    evaluate: bool = False
    push_to_hub: str | None = None
    report_to: str | None = None
    device: str | None = None
    cache: Path | None = None


class Outcome(NamedTuple):
    """The end of a training run: the directory of the checkpoint, and the signal that stopped the run (0: none)."""

    output: Path
    stopped_by: int


def run_training(config: TrainConfig, request: TrainRequest) -> Outcome:
    """Train and save a checkpoint; score and publish it on request.

    Raises:
        UserError: the data, a model or the directory cannot be used, or the extra `train` is not installed.
    """
    check_environment(config)
    output = request.output or Path("checkpoints") / _default_name(config, request.recipe)
    with lock_folder(output) if is_first() else nullcontext():
        return Outcome(output, _run(config, request, output))


def _run(config: TrainConfig, request: TrainRequest, output: Path) -> int:
    # Fast checks first, then the data, then steps that need the hub or torch.
    _check_output(output, config, request)
    source = open_source(request.benchmarks, "--benchmarks")
    excluded = [find_task(name).name for name in request.exclude_benchmarks]
    if request.push_to_hub and is_first():
        check_access(request.push_to_hub)
    resolved = resolve_models(config, of_hub=False, device=request.device)
    data = read_data(config, *_data_folders(request.data, config), sources=request.sources)
    cache = cache_folder(request.cache)
    from_hub = resolve_models(config, of_hub=True, device=request.device)
    models = Models.from_resolved(config, {**resolved, **from_hub}, cache)
    from .trainer.arguments import RunOptions, check_device, check_reporter, resolve_precision
    from .trainer.train import check_training, train

    check_device(request.device)
    config = replace(config, precision=resolve_precision(config.precision, request.device))
    report_to = check_reporter(request.report_to or "none")
    _check_output(output, config, request)
    if request.push_to_hub and not config.merge_lora and models.student.name.startswith("local/"):
        raise UserError(
            f"--push-to-hub would publish an adapter of {config.student}, which is a directory on this machine: leave "
            "out merge_lora=false, or train a model of the hub"
        )
    if request.push_to_hub and is_first():
        reserve_repository(request.push_to_hub)
    benchmarks = BenchmarkSentences.build(
        [source, *([] if source.name == "mini" else [open_source("mini")])],
        [resolve(language) for language in config.decontamination_languages] or None,
        excluded,
    )
    prepared = prepare(config, data, benchmarks, allow_contamination=request.allow_contamination)
    say_data(prepared)
    check_training(config, prepared.data)
    say_prompt(config, models)
    say_unused(config)
    sums = _sums(prepared, benchmarks)
    if is_first():
        prepare_folder(output, {"config": config.to_dict(), "sums": sums}, overwrite=request.overwrite)
        write_report(output / DROPPED, prepared.dropped)
    trained = train(config, models, prepared.data, output, RunOptions(request.resume, report_to, request.device))
    if trained.stopped_by:
        say_first(f"stopped after step {trained.steps:,} and saved; add --resume to the same command to continue")
        return trained.stopped_by
    if is_first():
        record = {**_record(request.recipe, config, models, prepared, trained), "sums": sums}
        record["machine"] = machine_name(str(trained.model.device))
        record["changes"] = read_record(output).get("changes", [])
        for dataset in filter(None, map(dataset_of, data.roots)):
            record["hub_dataset"] = dataset._asdict()
        name = request.push_to_hub or output.resolve().name
        _save(trained, output, name, record)
        if request.evaluate:
            _write_card(output, name, record, score_checkpoint(output, source, config.lang_pairs, cache, excluded))
        if request.push_to_hub:
            say_first(f"pushed: {publish(output, request.push_to_hub)}")
        say_end(output, trained)
    return 0


def _check_output(output: Path, config: TrainConfig, request: TrainRequest) -> None:
    """Check the directory in the process that prepares it; another process might see it half prepared."""
    if is_first():
        check_folder(output, config, overwrite=request.overwrite, resume=request.resume)


def _sums(prepared: PreparedData, benchmarks: BenchmarkSentences) -> dict[str, str]:
    """Return the checksums of the data and the other values that a resumed run must share."""
    sums = {f"{report.pair} {report.name}": report.sha256 for report in prepared.corpora}
    sums["benchmarks"] = benchmarks.sha256
    sums["contaminated rows"] = (
        f"{sum(prepared.contaminated.values())} {'kept' if prepared.contaminated_kept else 'left out'}"
    )
    if (processes := os.environ.get("WORLD_SIZE", "1")) != "1":
        sums["number of processes"] = processes
    return sums


def _data_folders(given: Sequence[str], config: TrainConfig) -> list[Path]:
    datasets = [name for name in given if name.startswith(HUB_PREFIX)]
    if len(datasets) > 1:
        raise UserError(
            f"--data {' '.join(datasets)}: expected at most one dataset of the hub; download the files of the others "
            "and pass their directories"
        )
    return [
        fetch_pairs(name.removeprefix(HUB_PREFIX), config.lang_pairs) if name in datasets else Path(name).expanduser()
        for name in given
    ]


def _default_name(config: TrainConfig, recipe: str) -> str:
    pairs = "+".join(map(str, config.lang_pairs))
    trained_on = pairs if len(pairs) < 60 else f"{len(config.lang_pairs)}-pairs"
    return f"{Path(config.student).name}-{trained_on}-{Path(recipe).stem}"


def _record(
    recipe: str, config: TrainConfig, models: Models, prepared: PreparedData, trained: Trained
) -> dict[str, Any]:
    return {
        "bitext_bench": __version__,
        "recipe": Path(recipe).name,  # without the user's directory
        "config": config.to_dict(),
        "models": {
            "student": _named(models.student, config.student_prompt),
            "teacher": _named(models.teacher, config.teacher_prompt),
        },
        "pairs": [str(item.pair) for item in prepared.data],
        "data": [asdict(report) for report in prepared.corpora],
        "contamination": {
            "rows": sum(report.contaminated for report in prepared.corpora),
            "kept": prepared.contaminated_kept,
            "inherited": models.student.contaminated_rows,
            "benchmarks": prepared.contaminated,
            "covered": prepared.checked.tasks,
            "checked": prepared.checked.intersection(models.student.checked).tasks,
            "excluded": [name for name, why in prepared.missing.items() if why == EXCLUDED],
        },
        "rows": trained.rows,
        "steps": trained.steps,
        "dev_curve": trained.curve,
        "dev_blended": trained.interpolated,
        "losses": [(entry["step"], entry["loss"]) for entry in trained.log],
        "log": trained.log,
    }


def _named(model: Model, prompt: str) -> dict[str, str]:
    """Return a model's name in result files, which does not reveal its directory, with its revision and prompt."""
    return {"name": model.name, "revision": model.revision, "prompt": prompt}


def _save(trained: Trained, output: Path, name: str, record: dict[str, Any]) -> None:
    """Write the model to a temporary directory, then move its files into place, `FINISHED` last."""
    partial = output / PARTIAL
    with remove_at_end(partial):
        trained.model.save_pretrained(str(partial), create_model_card=False)
        open_to_readers(partial)
        for item in sorted(partial.iterdir()):
            if item.name != FINISHED:
                if (output / item.name).is_dir():  # left by a run that was killed at this point
                    shutil.rmtree(output / item.name)
                item.replace(output / item.name)
        write_record(output, record)
        _write_card(output, name, record, [])
        logs = output / CHECKPOINTS / TENSORBOARD
        if logs.is_dir():
            shutil.copytree(logs, output / TENSORBOARD, dirs_exist_ok=True)
        with delay_signals():
            (partial / FINISHED).replace(output / FINISHED)
            shutil.rmtree(output / CHECKPOINTS, ignore_errors=True)


def _write_card(output: Path, name: str, record: dict[str, Any], results: list[TaskResult]) -> None:
    write_atomic(output / "README.md", render_card(name, record, results).encode())
