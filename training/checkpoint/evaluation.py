"""Score a finished checkpoint, as `bitext-bench run` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bitext_bench.data import MissingData, Source
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.io.terminal import say
from bitext_bench.languages import LangPair, Language
from bitext_bench.results.evaluation import evaluate_into, load_tasks
from bitext_bench.results.files import result_folder
from bitext_bench.results.records import TaskResult
from bitext_bench.tasks import Task, default_tasks

RESULTS = Path("results")  # in the working directory, as `run` writes them


def score_checkpoint(
    checkpoint: Path, source: Source, pairs: Sequence[LangPair], cache: Path, excluded: Sequence[str] = ()
) -> list[TaskResult]:
    """Score a checkpoint on all tasks of a source in its training languages; write result files to `RESULTS`.

    `excluded` tasks are skipped: the source may not have them.

    Raises:
        UserError: the data are damaged, or the checkpoint returns NaN or zero vectors.
    """
    languages: list[Language] = list(dict.fromkeys(side for pair in pairs for side in (pair.source, pair.target)))
    model = resolve_model(str(checkpoint), ModelOptions())
    tasks = [task for task in default_tasks(source) if task.name not in excluded]
    loaded = load_tasks(tasks, source, languages, _say_missing)
    folder = result_folder(RESULTS, model)
    results = [result for result, _ in evaluate_into(folder, Embedder(model, cache), loaded)]
    say(f"results in {folder}")
    return results


def _say_missing(task: Task, error: MissingData) -> None:
    say(f"left out: {task.name} ({error})")
