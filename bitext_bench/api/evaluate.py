"""`bitext_bench.evaluate`: score a model on the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..data import Source, open_source
from ..embedding.embedder import Embedder
from ..encoders import Model, ModelOptions, needs_download
from ..encoders.loaded import as_model, is_cacheable
from ..io.cache import cache_folder
from ..languages import DEFAULT_LANGUAGES
from ..results.evaluation import LoadedTask, load_available_tasks, missing_languages
from ..results.evaluation import evaluate as score_tasks
from ..results.files import result_folder
from ..results.records import Outcomes, TaskResult
from ..tasks import Languages
from ..tasks.choices import parse_languages, parse_tasks
from .reports import Report


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model and the data to score it on, before encoding.

    Attributes:
        source: the source of the data.
        languages: languages to score; None for all.
        loaded: the tasks with their data.
        left_out: one line for each task or language that is missing from the data.
    """

    model: Model
    source: Source
    languages: Languages
    loaded: Sequence[LoadedTask]
    left_out: Sequence[str]

    def report(self, scored: Sequence[tuple[TaskResult, Outcomes]]) -> Report:
        """Return the report of the results and outcomes that `results.evaluation.evaluate` yields."""
        results, outcomes = [result for result, _ in scored], [outcomes for _, outcomes in scored]
        folder = result_folder(Path(), self.model)
        return Report(results, [folder / f"{result.task}.json" for result in results], outcomes, self.left_out)


def prepare(
    model: object,
    tasks: Sequence[str] | None,
    languages: Sequence[str] | str | None,
    data: str | Path,
    options: ModelOptions | None,
) -> Prepared:
    """Resolve the model and read the data, for `evaluate` and `bitext-bench run`.

    Arguments and errors are those of `evaluate`.
    """
    source = open_source(str(data))
    chosen = parse_languages(DEFAULT_LANGUAGES if languages is None else languages)
    wanted = None if tasks is None else parse_tasks(tasks)
    # Read local data before downloading a model, so that errors in the data appear first.
    is_download = isinstance(model, str | Path) and needs_download(str(model)) and source.name != "hub"
    resolved = None if is_download else as_model(model, options)
    loaded, absent = load_available_tasks(wanted, source, chosen)
    resolved = resolved or as_model(model, options)
    return Prepared(
        resolved, source, chosen, loaded, [*absent, *missing_languages(loaded, chosen if chosen and languages else ())]
    )


def evaluate(
    model: object,
    tasks: Sequence[str] | None = None,
    languages: Sequence[str] | str | None = None,
    data: str | Path = "hub",
    options: ModelOptions | None = None,
    cache: str | Path | None = None,
) -> Report:
    """Score a model on the tasks, as `bitext-bench run` does. The report prints as the command's table.

    Each sentence is encoded once, even if several tasks use it, and its vector is cached for later runs. To write
    result files, call `report.save("results")`.

    Args:
        model: a name from `bitext-bench list models`, a hub id, a directory, a loaded SentenceTransformer, an object
            with `encode(list of N sentences) -> (N, D) array`, or a function with that signature. The vectors of an
            object are cached only if it has a `name` and a `version`.
        tasks: names from `bitext-bench list tasks`; None for every task in the data.
        languages: codes ("ja", "jpn", "jpn_Jpan"), or "all"; None for en, fr, ja, ko and ru, as in the paper.
        data: a directory with the official files, "hub" to download them, or "mini", the built-in set.
        options: how to load the model, and its prompt.
        cache: directory of the cached vectors; None for $BITEXT_BENCH_CACHE or ~/.cache/bitext-bench.

    Raises:
        UserError: the model cannot be loaded, a task or language is unknown, or requested data are missing or damaged.

    >>> def letters(sentences):
    ...     return [[text.count(c) + 0.01 for c in "abcdefghijklmnopqrstuvwxyz"] for text in sentences]
    >>> report = evaluate(letters, tasks=["Mini-Tatoeba"], languages=["en", "fr"], data="mini")
    >>> report["Mini-Tatoeba"]["fr-en"].accuracy.n
    360
    """
    prepared = prepare(model, tasks, languages, data, options)
    with ExitStack() as stack:
        if is_cacheable(prepared.model):
            folder = cache_folder(Path(cache) if cache else None)
        else:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="bitext-bench-")))
        return prepared.report(list(score_tasks(Embedder(prepared.model, folder), prepared.loaded)))
