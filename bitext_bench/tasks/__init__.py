"""The benchmarks, by family. To add one of a known kind, add a record to TASKS in the module of its family."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ..data import Source, mteb_tasks, other_kind
from ..errors import UserError, unknown_name_error
from . import bucc, flores, retrieval, sts
from .base import OF_MTEB, Languages, RetrievalSpec, ScoringUnit, SentenceSet, SubsetScores, Task, mteb_task_name
from .mteb import find_task_of_mteb
from .own import OwnBitext, OwnSts, find_own_task, has_unnamed_languages, own_bitext, own_sts

__all__ = [
    "BENCHMARKS",
    "OF_MTEB",
    "REPORTED",
    "TASKS",
    "Languages",
    "OwnBitext",
    "OwnSts",
    "RetrievalSpec",
    "ScoringUnit",
    "SentenceSet",
    "SubsetScores",
    "Task",
    "default_tasks",
    "find_own_task",
    "find_task",
    "has_english_side",
    "has_unnamed_languages",
    "is_built_in",
    "mteb_task_name",
    "own_bitext",
    "own_sts",
]


def _index(tasks: Iterable[Task]) -> Mapping[str, Task]:
    by_name: dict[str, Task] = {}
    for task in tasks:
        if _normalize_name(task.name) in {_normalize_name(name) for name in by_name}:
            raise ValueError(f"two tasks are named {task.name}")
        by_name[task.name] = task
    return MappingProxyType(by_name)


def _normalize_name(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum() or c == "+").replace("+", "p")


TASKS: Mapping[str, Task] = _index(
    [*retrieval.TASKS, *bucc.TASKS, *flores.TASKS, *sts.TASKS],
)

# Without the dev splits, which serve to choose settings: scores on data used for choosing are biased.
REPORTED: tuple[Task, ...] = tuple(task for task in TASKS.values() if not task.name.endswith("-dev"))


_MTEB = ("mteb:", OF_MTEB)  # before MTEB's name of a task: on the command line, and in results


def is_built_in(task: Task) -> bool:
    """Check whether a task belongs to the built-in set."""
    return task.name.startswith("Mini-")


# Benchmarks for the contamination check of training rows, in addition to the built-in set.
BENCHMARKS: tuple[Task, ...] = tuple(task for task in REPORTED if not is_built_in(task))


def has_english_side(task: str) -> bool:
    """Check whether all subsets of a task pair a language with English, so that --languages need not include it."""
    return isinstance(TASKS.get(task), retrieval.Retrieval | bucc.BuccMining)


def default_tasks(source: Source) -> list[Task]:
    """Return the tasks to run by default: those of the built-in set for "mini", the real benchmarks otherwise."""
    return [task for task in REPORTED if is_built_in(task) == (source.name == "mini")]


def find_task(name: str) -> Task:
    """Find a task by name, ignoring case and punctuation ("flores200", "BUCC mining", "FLORES-200 xSIM++").

    A name that is not one of `TASKS` is looked up in mteb's registry, as is any name with the prefix "mteb:". The names
    of tasks on a user's data are exact, and the task found has no data.

    Raises:
        UserError: the task is unknown, and the message suggests similar names; or it cannot be scored.
    """
    if own := find_own_task(name):
        return own
    given, bare = _normalize_name(name), name.strip()
    forced = bare.casefold().startswith(_MTEB)
    bare = bare[len(_MTEB[0]) :] if forced else bare
    ours = {_normalize_name(task.name): task for task in TASKS.values()}
    if not forced and given in ours:
        return ours[given]
    if found := find_task_of_mteb(bare, reserved=_normalize_name(bare) in ours):
        return found
    if kind := other_kind(bare):
        raise UserError(
            f"{bare} is a task of {kind} in mteb: expected one of BitextMining or STS (bitext-bench list tasks "
            "--mteb); score it with mteb"
        )
    where = "all of them: bitext-bench list tasks, bitext-bench list tasks --mteb"
    raise unknown_name_error("task", name, [*TASKS, *mteb_tasks()], where)
