"""`run`: score a model, write result files and print tables."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from ..api.evaluate import Prepared, Selection, prepare
from ..embedding.batching import BatchLimits
from ..embedding.distributed import encode_on_ray
from ..embedding.embedder import Embedder
from ..embedding.sharding import Share
from ..embedding.store import check_writable, make_folder
from ..errors import count_of, list_some
from ..io.cache import cache_folder
from ..io.terminal import say, write_data
from ..results.evaluation import evaluate_into, texts_to_encode, unchecked_tasks
from ..results.files import result_folder
from ..results.filing import check_folder
from ..results.records import TaskResult
from ..tasks import OwnBitext, OwnSts, own_bitext, own_sts
from .options import model_options


def run(arguments: argparse.Namespace) -> int:
    """Score a model as `bitext_bench.evaluate` does, and write the file of each task as soon as it is scored."""
    cache = cache_folder(arguments.cache_folder)
    check_writable(arguments.output)
    check_writable(cache)
    options = model_options(arguments)
    share = Share.parse(arguments.shard) if arguments.shard else None
    selection = Selection(_tasks(arguments), arguments.languages, arguments.data)
    prepared = prepare(arguments.model, selection, options)
    model, loaded = prepared.model, prepared.loaded
    limits = BatchLimits(arguments.batch_tokens, arguments.batch_size)
    embedder = Embedder(model, cache, limits, refresh=arguments.refresh)
    if share:
        new = embedder.encode_share(texts_to_encode(model, loaded), share)
        say(f"share {share.number}/{share.count}: {new:,} sentences encoded; when all are done, run without --shard")
        return 0
    if arguments.engine == "ray":
        plan = texts_to_encode(model, loaded)
        embedder.check(plan)
        encode_on_ray(arguments.model, options, plan, cache, limits)
        embedder = Embedder(model, cache, limits)  # reads what the workers have stored
    folder = result_folder(arguments.output, model)
    _say_plan(prepared)
    make_folder(folder)  # first, since it can fail
    check_folder(folder, [item.task.name for item in loaded])
    _say_contamination(prepared)
    scored = []
    for result, outcomes in evaluate_into(folder, embedder, loaded):
        _say_result(result)
        scored.append((result, outcomes))
    report = prepared.report(scored)
    if arguments.json:
        write_data(f"{_as_json(report.results)}\n")
    else:
        print(report)
    say(f"results in {folder}")
    return 0


def _tasks(arguments: argparse.Namespace) -> list[str | OwnBitext | OwnSts] | None:
    tasks: list[str | OwnBitext | OwnSts] = list(arguments.tasks or ())
    tasks += [] if arguments.bitext is None else [own_bitext(arguments.bitext)]
    tasks += [] if arguments.sts is None else [own_sts(arguments.sts)]
    return tasks or None


def _say_plan(prepared: Prepared) -> None:
    model, n = prepared.model, len(prepared.loaded)
    languages = "all languages" if prepared.languages is None else ", ".join(map(str, prepared.languages))
    say(f"{model.name} in {model.dtype} on {count_of(n, 'task')} of {prepared.source}: {languages}")
    for line in prepared.left_out:
        say(f"left out: {line}")


def _say_contamination(prepared: Prepared) -> None:
    model = prepared.model
    if model.contaminated_rows:
        say(f"warning: the model was trained on {model.contaminated_rows:,} benchmark rows; the results say so")
    if unchecked := unchecked_tasks(model, prepared.loaded):
        say(f"note: its training rows were not fully compared with {', '.join(unchecked)}; these results say so")


def _say_result(result: TaskResult) -> None:
    say(f"{result.task}: {count_of(len(result.subsets), 'subset')} in {result.evaluation_time:.1f} s")
    if reason := _NOT_OFFICIAL.get(result.data.partition("-")[0]):
        say(
            f"note: {_name_subsets(result)}: the data are called {result.data}, because {reason}; "
            "these scores are not compared with published scores or scores on official data"
        )


_NOT_OFFICIAL = {
    "custom": "their checksum is not the official one (line ends count too)",
    "unverified": "the official checksum is unknown",
}


def _name_subsets(result: TaskResult) -> str:
    return f"{result.task} {list_some([subset.subset for subset in result.subsets], 3)}"


def _as_json(results: Sequence[TaskResult]) -> str:
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
