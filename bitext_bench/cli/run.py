"""`run`, from parsed arguments to files and printed tables."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..data import open_source
from ..embedding.batching import BatchLimits
from ..embedding.distributed import encode_on_ray
from ..embedding.embedder import Embedder
from ..embedding.sharding import Share
from ..embedding.store import cache_folder, check_place, make_folder
from ..encoders import needs_hub, resolve_model
from ..io.terminal import say, write_data
from ..languages import DEFAULT_LANGUAGES
from ..results.evaluation import LoadedTask, evaluate, lacking, load_wanted, not_compared, plan_of
from ..results.files import result_folder
from ..results.filing import check_folder, file_result
from ..results.records import TaskResult
from ..results.tables import render_averages, render_scores
from ..tasks.choices import chosen_languages, chosen_tasks
from .model_options import model_options


def run(arguments: argparse.Namespace) -> int:
    """Score a model; each task's file is written as soon as the task is done."""
    source = open_source(arguments.data)
    languages = chosen_languages(arguments.languages)
    tasks = chosen_tasks(arguments.tasks) if arguments.tasks else None
    cache = cache_folder(arguments.cache_folder)
    check_place(arguments.output_folder)
    check_place(cache)
    options = model_options(arguments)
    # Data on this machine are looked at before a model is fetched.
    fetched = needs_hub(arguments.model) and arguments.data != "hub"
    model = None if fetched else resolve_model(arguments.model, options)
    loaded, absent = load_wanted(tasks, source, languages)
    model = model or resolve_model(arguments.model, options)
    limits = BatchLimits(arguments.batch_tokens, arguments.batch_size)
    share = Share.parse(arguments.shard) if arguments.shard else None
    embedder = Embedder(model, cache, limits, refresh=arguments.refresh)
    if share:
        new = embedder.encode_share(plan_of(model, loaded), share)
        say(f"share {share.number}/{share.of}: {new:,} sentences encoded; when all are done, run without --shard")
        return 0
    if arguments.engine == "ray":
        plan = plan_of(model, loaded)
        embedder.check(plan)
        encode_on_ray(arguments.model, options, plan, cache, limits)
        embedder = Embedder(model, cache, limits)  # with what the others have stored
    folder = result_folder(arguments.output_folder, model)
    chosen = "all languages" if languages is None else ", ".join(map(str, languages))
    how_many = f"{len(loaded)} task{'' if len(loaded) == 1 else 's'}"
    say(f"{model.name} in {model.dtype} on {how_many} of {source.name}: {chosen}")
    asked = languages if arguments.languages != [DEFAULT_LANGUAGES] else None
    for line in [*absent, *lacking(loaded, asked or ())]:
        say(f"left out: {line}")
    make_folder(folder)  # before the work, as it may be impossible
    check_folder(folder, [item.task.name for item in loaded])
    if model.contaminated_rows:
        say(f"warning: the model was trained on {model.contaminated_rows:,} rows of benchmarks; every result says so")
    if unchecked := not_compared(model, loaded):
        say(f"note: its training rows were not compared with all of {', '.join(unchecked)}; those results say so")
    results = list(_written(embedder, loaded, folder))
    if arguments.json:
        write_data(f"{_as_json(results)}\n")
    else:
        print(f"{render_scores(results)}\n\n{render_averages(results)}".rstrip())
    say(f"results in {folder}")
    return 0


def _written(embedder: Embedder, loaded: Sequence[LoadedTask], folder: Path) -> Iterator[TaskResult]:
    for result, outcomes in evaluate(embedder, loaded):
        file_result(folder, result, outcomes)
        say(f"{result.task}: {_count(len(result.subsets))} in {result.evaluation_time:.1f} s")
        if reason := _NOT_OFFICIAL.get(result.data.partition("-")[0]):
            say(
                f"note: {_some(result)}: the data are called {result.data}, because {reason}; no published figure and "
                "no score on official data is shown beside these scores"
            )
        yield result


_NOT_OFFICIAL = {
    "custom": "their checksum is not the official one (line ends count too)",
    "unverified": "the official checksum is not known here",
}


def _count(subsets: int) -> str:
    return f"{subsets:,} subset{'' if subsets == 1 else 's'}"


def _some(result: TaskResult) -> str:
    names = [subset.subset for subset in result.subsets]
    return f"{result.task} {', '.join(names[:3])}" + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


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
