"""Add results to a model's folder: choose the file and merge subsets. Results on other data are never replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..data import Provenance
from ..embedding.store import make_folder
from ..errors import DamagedResult, UserError
from ..io.terminal import say
from ..languages import resolve
from ..tasks import SubsetScores, find_task, has_unnamed_languages
from .files import read_result, write_result
from .outcomes import read_outcomes
from .records import Outcomes, SubsetResult, TaskResult, by_subset

_LOCK = ".lock"
_PATIENCE = 600  # seconds that a run waits for another one to write its file


def file_result(folder: Path, result: TaskResult, outcomes: Outcomes) -> Path:
    """Add a result to a model's folder and return its file.

    Existing subsets on the same data are kept, unless they were scored again. Results on official data go to
    <Task>.json, results on other data to <Task>.<data>.json. Simultaneous runs wait for each other.

    Raises:
        UserError: the folder cannot be written, or the existing file is from mteb or another version of bitext-bench.
    """
    make_folder(folder)
    with _locked(folder):
        file = _choose_file(folder, result)
        before = _read_mergeable(file, result)
        if before:
            result, outcomes = _merge(*before, result, outcomes)
        return write_result(folder, result, outcomes, file.stem)


def check_folder(folder: Path, tasks: Sequence[str]) -> None:
    """Check before a run that the result files can be written.

    Raises:
        UserError: a result file of one of the tasks is from mteb or from another version of bitext-bench.
    """
    for task in tasks:
        try:
            _read_existing(folder / f"{task}.json")
        except UserError as error:
            raise UserError(f"{error}; or pass another --output") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _LOCK, timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(f"{folder} is locked: another run has been writing there for {_PATIENCE} seconds") from error
    except OSError as error:
        raise UserError(f"cannot write in {folder}: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _choose_file(folder: Path, result: TaskResult) -> Path:
    """Return the file for results on the same data, or a new file: <Task>.json if it is free."""
    default, by_data = folder / f"{result.task}.json", folder / f"{result.task}.{result.data}.json"
    if by_data.exists() or not result.has_own_name:
        return by_data
    existing = _read_existing(default)
    return default if existing is None or existing.data == result.data else by_data


def _read_existing(file: Path) -> TaskResult | None:
    """Return the result in a file; None if the file is missing or damaged.

    Raises:
        UserError: the file is from mteb or from another version of bitext-bench.
    """
    if not file.exists():
        return None
    try:
        return read_result(file)
    except DamagedResult:
        return None


def _read_mergeable(file: Path, result: TaskResult) -> tuple[TaskResult, Outcomes] | None:
    """Return the existing result if some of its subsets can be kept, otherwise None; report subsets that are lost."""
    if not file.exists():
        return None
    try:
        before = read_result(file)
        outcomes = read_outcomes(file, before)
    except DamagedResult as error:
        say(f"note: {error}; the file is replaced")
        return None
    new = {subset.subset for subset in result.subsets}
    lost = [subset.subset for subset in before.subsets if subset.subset not in new]
    if not lost:
        return None
    reason = _why_different(before, result)
    if reason:
        say(f"note: {file} loses {', '.join(lost[:5])}{', …' if len(lost) > 5 else ''}: {reason}")
        return None
    return before, outcomes


def _why_different(before: TaskResult, now: TaskResult) -> str:
    """Return the reason why two results cannot be merged into one file; "" if they can."""
    if before.model.fingerprint != now.model.fingerprint:
        return "another model of this name and revision was scored on them"
    if before.main_score != now.main_score:
        return f"their main score is {before.main_score}"
    if any(has_unnamed_languages(subset.details) for subset in now.subsets):
        return f"the languages given now say that the same rows are {now.subsets[0].subset}"
    return ""


def _merge(
    before: TaskResult, old_outcomes: Outcomes, now: TaskResult, new_outcomes: Outcomes
) -> tuple[TaskResult, Outcomes]:
    new = {subset.subset: subset for subset in now.subsets}
    outcomes = {block: columns for block, columns in old_outcomes.items() if block[0] not in new} | new_outcomes
    subsets = [new.pop(subset.subset, subset) for subset in before.subsets] + list(new.values())
    blocks = by_subset(outcomes)
    summary = find_task(now.task).summarize([_scores(s, now.main_score, blocks[s.subset]) for s in subsets])
    encodings = [encoding for encoding in (before.encoding, now.encoding) if encoding]
    encoding = max(encodings, key=lambda each: each.sentences, default=None)
    return replace(now, subsets=subsets, summary=summary, encoding=encoding), outcomes


def _scores(subset: SubsetResult, main_score: str, blocks: dict[str, dict[str, NDArray[Any]]]) -> SubsetScores:
    """Return the scores of a stored subset, for the summary of its task."""
    return SubsetScores(
        subset=subset.subset,
        languages=tuple(resolve(code) for code in subset.languages),
        main_score=main_score,
        scores=subset.scores,
        intervals={name: interval for name, interval in subset.intervals.items() if interval},
        n=subset.n,
        signature={},
        data=Provenance("", ""),
        outcomes=blocks,
        details=subset.details,
    )
