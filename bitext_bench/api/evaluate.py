"""`bitext_bench.evaluate`: score a model on the tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data import MissingData, Source, open_source, warn
from ..embedding.embedder import Embedder
from ..encoders import Model, ModelOptions, needs_download
from ..encoders.loaded import as_model
from ..errors import UserError
from ..io.terminal import say
from ..languages import DEFAULT_LANGUAGES, Language, resolve
from ..results.evaluation import LoadedTask, load_available_tasks, load_tasks, missing_languages
from ..results.evaluation import evaluate as score_tasks
from ..results.files import result_folder
from ..results.records import Outcomes, TaskResult
from ..tasks import Languages, OwnBitext, OwnSts, Task
from ..tasks.choices import ignored_regions, parse_languages, parse_tasks, split_languages
from .paths import vector_folder
from .reports import Report


@dataclass(frozen=True, slots=True)
class Selection:
    """What to score a model on. The attributes are the arguments of `evaluate`."""

    tasks: Iterable[str | OwnBitext | OwnSts] | str | None = None
    languages: Iterable[str] | str | None = None
    data: str | Path = "hub"

    def split_tasks(self) -> tuple[list[OwnBitext | OwnSts], Iterable[str] | str | None]:
        """Return the tasks on the user's own data, and the names of the others: None for all tasks, if none is own."""
        if not isinstance(self.tasks, Iterable) or isinstance(self.tasks, str):
            return [], self.tasks
        own: list[OwnBitext | OwnSts] = []
        names: list[str] = []
        for item in self.tasks:
            if isinstance(item, OwnBitext | OwnSts):
                own.append(item)
            else:
                names.append(item)
        return own, names if names or not own else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model and the data to score it on, before encoding.

    Attributes:
        source: the name of the source of the data, or those of the user's files.
        languages: languages to score, with those of the user's own data; None for all.
        loaded: the tasks with their data.
        left_out: one line for each task or language that is missing from the data.
    """

    model: Model
    source: str
    languages: Languages
    loaded: Sequence[LoadedTask]
    left_out: Sequence[str]

    def report(self, scored: Sequence[tuple[TaskResult, Outcomes]]) -> Report:
        """Return the report of the results and outcomes that `results.evaluation.evaluate` yields."""
        results, outcomes = [result for result, _ in scored], [outcomes for _, outcomes in scored]
        folder = result_folder(Path(), self.model)
        return Report(results, [folder / f"{result.task}.json" for result in results], outcomes, self.left_out)


def prepare(model: object, selection: Selection, options: ModelOptions | None) -> Prepared:
    """Resolve the model and read the data, for `evaluate` and `bitext-bench run`.

    Raises:
        UserError: as for `evaluate`.
    """
    source = open_data(selection.data)
    own, names = selection.split_tasks()
    languages = None if selection.languages is None else split_languages(selection.languages)
    chosen = parse_languages(DEFAULT_LANGUAGES if languages is None else languages)
    wanted = None if names is None else parse_tasks(names)
    if own and wanted is None and source.name != "hub":
        raise UserError(f"data {source.name}: your own data were passed too, so name the benchmarks to score in tasks")
    # Read local data before downloading a model, so that errors in the data appear first.
    loaded = load_tasks(own, source, chosen if languages else None, _refuse)
    for word in ignored_regions(languages) if own and languages else ():
        warn(f"{word} is read as {resolve(word)}: your own data are chosen by language, in any region")
    announced: Languages = _languages_of(loaded)
    is_download = isinstance(model, str | Path) and needs_download(str(model)) and source.name != "hub"
    resolved = None if is_download else as_model(model, options)
    absent: list[str] = []
    if wanted is not None or not own:
        benchmarks, absent = load_available_tasks(wanted, source, chosen)
        absent += missing_languages(benchmarks, chosen if chosen and languages else ())
        announced = None if chosen is None else list(dict.fromkeys([*chosen, *_languages_of(loaded)]))
        loaded = [*benchmarks, *loaded]
    resolved = resolved or as_model(model, options)
    return Prepared(resolved, source.name if wanted or not own else "your own data", announced, loaded, absent)


def _languages_of(loaded: Sequence[LoadedTask]) -> list[Language]:
    return list(dict.fromkeys(side.language for item in loaded for unit in item.units for side in unit.sides))


def open_data(data: str | Path) -> Source:
    """Return the source of the argument `data`.

    Raises:
        UserError: `data` is not a directory, "hub" or "mini".
    """
    if not isinstance(data, str | Path) or data == "":
        raise UserError(f'data is {data!r}: expected a directory, "hub" or "mini"')
    return open_source(str(data))


def _refuse(task: Task, error: MissingData) -> None:
    raise error


def evaluate(
    model: object,
    tasks: Iterable[str | OwnBitext | OwnSts] | str | None = None,
    languages: Iterable[str] | str | None = None,
    data: str | Path = "hub",
    options: ModelOptions | None = None,
    cache: str | Path | None = None,
) -> Report:
    """Score a model on the tasks, as `bitext-bench run` does. The report prints as the command's table.

    Each sentence is encoded once, even if several tasks use it, and its vector is cached for later runs. For a model in
    memory, these encode some sentences again to check the cache. To write result files, call `report.save("results")`.

    Args:
        model: a name from `bitext-bench list models`, a hub id, a directory, a loaded SentenceTransformer, an object
            with `encode(list of N sentences) -> (N, D) array`, or a function with that signature. The vectors of an
            object are cached only if it has a `name` and a `version`, or is a plain SentenceTransformer: no subclass,
            no hooks, no modules of your own. Results name it "local/<name or class>"; a SentenceTransformer and a
            lambda also get the first digits of their hash.
        tasks: names from `bitext-bench list tasks`, or mteb's names of tasks of bitext mining and STS
            ("NTREXBitextMining", "mteb:Tatoeba"), or your own data, `own_bitext("my.tsv")` or `own_sts("my.tsv")`; None
            for all of our tasks in the data.
        languages: codes ("ja", "jpn", "jpn_Jpan"), or "all"; None for en, fr, ja, ko and ru, as in the paper. Required
            for your own data. If its columns or files have no language names, give the languages in their order.
        data: a directory with the official files, "hub" to download them, or "mini", the built-in set.
        options: how to load the model, and its prompt.
        cache: directory of the cached vectors; None for $BITEXT_BENCH_CACHE or ~/.cache/bitext-bench.

    Tasks and languages that the data lack are skipped, with a line on stderr for each; `report.left_out` lists them.

    Raises:
        UserError: the model cannot be loaded, a task or language is unknown, or requested data are missing or damaged.

    >>> def letters(sentences):
    ...     return [[text.count(c) + 0.01 for c in "abcdefghijklmnopqrstuvwxyz"] for text in sentences]
    >>> report = evaluate(letters, tasks=["Mini-Tatoeba"], languages=["en", "fr"], data="mini")
    >>> report["Mini-Tatoeba"]["fr-en"].accuracy.n
    360
    """
    prepared = prepare(model, Selection(tasks, languages, data), options)
    for line in prepared.left_out:
        say(f"left out: {line}")
    with vector_folder(prepared.model, cache) as folder:
        return prepared.report(list(score_tasks(Embedder(prepared.model, folder), prepared.loaded)))
