"""The functions that `import bitext_bench` shows, beside those of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from ..data import open_source
from ..embedding.embedder import Embedder
from ..embedding.store import cache_folder
from ..encoders import ModelOptions
from ..encoders.loaded import is_lasting, model_of
from ..languages import DEFAULT_LANGUAGES
from ..results.evaluation import evaluate as score_tasks
from ..results.evaluation import lacking, load_wanted
from ..results.files import result_folder
from ..tasks.choices import chosen_languages, chosen_tasks
from .reports import Report


def evaluate(
    model: object,
    tasks: Sequence[str] | None = None,
    languages: Sequence[str] | str | None = None,
    data: str | Path = "hub",
    options: ModelOptions | None = None,
    cache: str | Path | None = None,
) -> Report:
    """Score a model, as `bitext-bench run` does; the report prints as the table that the command prints.

    Sentences are encoded once, whatever tasks need them, and their vectors are kept for the next run. Nothing is
    written to a results folder: `report.save("results")` does that.

    Args:
        model: a name from `bitext-bench list models`, a hub id, a directory, a loaded SentenceTransformer, an object
            with `encode(list of N sentences) -> (N, D) array`, or a function that does the same. Vectors of an object
            are kept only where it has a `name` and a `version`.
        tasks: names as in `bitext-bench list tasks`; None: every task that the data have.
        languages: codes ("ja", "jpn", "jpn_Jpan"), or "all"; None: en, fr, ja, ko and ru, as in the paper.
        data: a directory of official layouts, "hub", or "mini", the built-in set.
        options: how the model is to be loaded, and its prompt.
        cache: the folder of stored vectors; None: $BITEXT_BENCH_CACHE or ~/.cache/bitext-bench.

    Raises:
        UserError: the model cannot be loaded, a task or a language does not exist, or data that were asked for are
            missing or damaged.

    >>> def letters(sentences):
    ...     return [[text.count(c) + 0.01 for c in "abcdefghijklmnopqrstuvwxyz"] for text in sentences]
    >>> report = evaluate(letters, tasks=["Mini-Tatoeba"], languages=["en", "fr"], data="mini")
    >>> report["Mini-Tatoeba"]["fr-en"].accuracy.n
    360
    """
    source = open_source(str(data))
    wanted = chosen_languages(DEFAULT_LANGUAGES if languages is None else languages)
    resolved = model_of(model, options)
    loaded, absent = load_wanted(None if tasks is None else chosen_tasks(tasks), source, wanted)
    left_out = [*absent, *lacking(loaded, wanted if wanted and languages else ())]
    with ExitStack() as stack:
        if is_lasting(resolved):
            folder = cache_folder(Path(cache) if cache else None)
        else:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="bitext-bench-")))
        scored = list(score_tasks(Embedder(resolved, folder), loaded))
    results, outcomes = [result for result, _ in scored], [outcomes for _, outcomes in scored]
    place = result_folder(Path(), resolved)
    return Report(results, [place / f"{result.task}.json" for result in results], outcomes, left_out)
