"""Collect the sentences that a model missed, with the chosen sentence and the kind of error.

Outcome files have row numbers only, so the texts are loaded again from the data, which must be the same as in the
result. No model is loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bitext_bench.data import MissingData, Source, open_source
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, resolve
from bitext_bench.results.records import signature_fields
from bitext_bench.tasks import TASKS, OwnBitext, RetrievalSpec, ScoringUnit, SentenceSet, find_own_task, find_task
from bitext_bench.tasks.choices import parse_tasks

from ..entries.read import Entry
from ..stats.differences import common_subsets
from .kinds import BELOW_THRESHOLD, NOT_FOUND, classify_error
from .rows import Columns, ErrorRow, correct_pairs, mining_errors, retrieval_errors
from .wording import capitalized_words

Names = Mapping[SentenceSet, frozenset[str]]  # the words of a side that are names


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """A sentence whose translation a model did not find.

    Attributes:
        direction: "forward" if sentences of the subset's first language are queries, else "backward".
        row: row of the sentence on its side, from 1; for mining, after repeated sentences are merged.
        missed_by: index in `entries` of the model that missed it; with two models, the other one found it.
        languages: the language of the sentence, and the language of the translation and the rival.
        gold: the translation.
        rival: the sentence chosen instead; None if there was none.
        margin: by how much the translation lost, 0 or negative. Retrieval: its cosine minus the rival's. xSIM: the
            second-best ratio margin minus the rival's (the translation has at most the second-best). Mining: the pair's
            ratio margin minus the threshold; None if the pair was not mined.
        kinds: one or more of `kinds.KINDS`, in that order.
    """

    task: str
    subset: str
    direction: str
    row: int
    missed_by: int
    languages: tuple[Language, Language]
    sentence: str
    gold: str
    rival: str | None
    margin: float | None
    kinds: tuple[str, ...]


def find_errors(entries: Sequence[Entry], source: Source) -> list[ErrorCase]:
    """Return all misses of one model on a task; for two models, the sentences that exactly one of them misses.

    Sorted by subset in the order of the first result, then by direction and model (for mining, by model and direction),
    then by row. Two models are compared on their common subsets. STS tasks have no misses.

    Args:
        entries: one result, or two on the same task.
        source: the data of the results.

    Raises:
        MissingData: the source does not have the data.
        UserError: the source has different data, or outcomes are missing or damaged.
    """
    first = entries[0]
    if find_task(first.task).kind != "bitext":
        return []
    subsets = _subsets(entries)
    searches = _searches(first, subsets, source) if subsets else []
    sides = {side for search in searches for side in (search.queries, search.candidates)}
    names = {side: capitalized_words(side.sentences) for side in sides}
    return [
        _with_text(missed, search, place, first.task, names)
        for search in searches
        for place in range(len(entries))
        for missed in _error_rows(entries, place, search)
    ]


def read_errors(
    models: Sequence[Mapping[tuple[str, str], Entry]], data: str, tasks: Sequence[str] | None
) -> tuple[list[ErrorCase], list[str]]:
    """Return the misses of one or two models on their bitext tasks, and a line for each task without texts.

    Args:
        models: the results of each model, by task and data.
        data: as in `run --data`.
        tasks: tasks to read, whose texts must exist; None reads all.

    Raises:
        UserError: a task is unknown, no texts are found, or an error of `find_errors`.
    """
    source = open_source(data, own=True)
    scored = [task for task, _ in models[0] if _is_known(task)]
    wanted = [task.name for task in parse_tasks(tasks)] if tasks else scored
    shared = [
        of
        for name in dict.fromkeys(wanted)
        for of in models[0]
        if of[0] == name and find_task(name).kind == "bitext" and all(of in own for own in models)
    ]
    if not any(_subsets([own[of] for own in models]) for of in shared):
        raise UserError(
            "no results to search for misses: expected results on Tatoeba, BUCC, FLORES-200, a bitext task of mteb or "
            "your own pairs (of two models, on the same data); for FLORES-200, --languages must include both languages "
            "of a pair"
        )
    found: list[ErrorCase] = []
    absent: list[tuple[str, UserError]] = []
    several = {task for task, number in Counter(task for task, _ in shared).items() if number > 1}
    for of in shared:
        try:
            found += find_errors([own[of] for own in models], source)
        except UserError as error:
            if of[0] not in several and (tasks or not isinstance(error, MissingData)):
                raise
            absent.append((of[0], error))  # --data has at most one of several datasets in one layout
    if len(absent) == len(shared):
        reasons = "; ".join(f"{task}: {error}" for task, error in absent[:3])
        raise UserError(f"no texts: {reasons}: pass the --data that the results were made with")
    return found, [f"{task}: {error}" for task, error in absent]


def _is_known(task: str) -> bool:
    if task in TASKS:
        return True
    try:
        return bool(find_task(task))
    except UserError:  # of another version
        return False


def _subsets(entries: Sequence[Entry]) -> list[str]:
    return common_subsets(*entries) if len(entries) == 2 else list(entries[0].subsets)


def _searches(entry: Entry, subsets: Sequence[str], source: Source) -> list[RetrievalSpec]:
    """Return the searches of the subsets; check that the data are the same as in the result.

    Raises:
        MissingData: the source does not have the data.
        UserError: the source has different data.
    """
    scored_on = {name: signature_fields(entry.subsets[name].signature)["data"] for name in subsets}
    if source.name == "hub" and not scored_on[subsets[0]].startswith("hub-"):  # fail before a download
        raise MissingData(f"{entry.task} was scored on {scored_on[subsets[0]]}, not the hub's: pass --data DIR or mini")
    units = _units(entry, subsets, source)
    searches: dict[str, list[RetrievalSpec]] = {}
    for search in (search for unit in units for search in unit.searches):
        searches.setdefault(search.subset, []).append(search)
    for name in subsets:
        if name not in searches:
            raise MissingData(f"{source.name} has no {entry.task} {name}")
        if str(searches[name][0].data) != scored_on[name]:
            kind = MissingData if find_own_task(entry.task) else UserError  # of several own files, one can be read
            raise kind(
                f"{entry.file}: {name} was scored on {scored_on[name]} and {source.name} has "
                f"{searches[name][0].data}: pass the --data that the result was made with, or run the task again"
            )
    return [search for name in subsets for search in searches[name]]


def _units(entry: Entry, subsets: Sequence[str], source: Source) -> list[ScoringUnit]:
    """Read the data of the subsets.

    Raises:
        MissingData: the source does not have the data.
        UserError: the data are damaged.
    """
    task = find_task(entry.task)
    if isinstance(task, OwnBitext):
        try:
            return task.load_pairs((Path(source.name),), [LangPair.parse(name) for name in subsets])
        except UserError as error:  # also the data of a benchmark, or another file
            raise MissingData(str(error)) from error
    codes = sorted({code for name in subsets for code in entry.subsets[name].languages})
    return task.load(source, [resolve(code) for code in codes])


def _error_rows(entries: Sequence[Entry], place: int, search: RetrievalSpec) -> Iterator[ErrorRow]:
    """Yield the rows that one model missed and all others found."""
    own, *others = (entries[place], *entries[:place], *entries[place + 1 :])
    columns = _columns(own, search)
    if search.direction != "pairs":
        translations = None if search.gold is None else [target for _, target in search.gold]
        theirs = [_columns(other, search) for other in others]
        yield from retrieval_errors(search.direction, columns, theirs, translations)
        return
    gold = set(search.gold or ())
    threshold_of = {entry.file: entry.threshold(search.subset) for entry in entries}
    lost = gold - correct_pairs(columns, threshold_of[own.file])
    for other in others:
        lost &= correct_pairs(_columns(other, search), threshold_of[other.file])
    found = mining_errors(columns, threshold_of[own.file], sorted(lost))
    yield from sorted(found, key=lambda missed: (missed.direction == "backward", missed.query))


def _columns(entry: Entry, search: RetrievalSpec) -> Columns:
    """Return a block of outcomes; check that its rows exist in the data.

    Raises:
        UserError: the block is missing or damaged.
    """
    columns = entry.outcomes.get((search.subset, search.direction), {})
    ends = (len(search.queries.sentences), len(search.candidates.sentences))
    mined = search.direction == "pairs"
    counted = {"source": ends[0], "target": ends[1]} if mined else {"neighbor": ends[1]}
    whole = {"hit", "score", *counted} <= columns.keys()
    whole = whole and (mined or ("margin" in columns and len(columns["hit"]) == ends[0]))
    if not whole or any(((columns[name] < 0) | (columns[name] >= end)).any() for name, end in counted.items()):
        raise UserError(f"the outcomes of {entry.file} lack {search.subset} or are from other data: run the task again")
    return columns


def _with_text(miss: ErrorRow, search: RetrievalSpec, place: int, task: str, names: Names) -> ErrorCase:
    queries, candidates = search.queries, search.candidates
    if search.direction == "pairs" and miss.direction == "backward":  # a mined pair, seen from its target
        queries, candidates = candidates, queries
    gold = candidates.sentences[miss.gold]
    rival = None if miss.rival is None else candidates.sentences[miss.rival]
    if rival is not None:
        found = classify_error(gold, rival, candidates.language, taken=miss.taken, known=names[candidates])
    else:
        found = (NOT_FOUND,) if miss.margin is None else (BELOW_THRESHOLD,)
    return ErrorCase(
        task=task,
        subset=search.subset,
        direction=miss.direction,
        row=miss.query + 1,
        missed_by=place,
        languages=(queries.language, candidates.language),
        sentence=queries.sentences[miss.query],
        gold=gold,
        rival=rival,
        margin=miss.margin,
        kinds=found,
    )
