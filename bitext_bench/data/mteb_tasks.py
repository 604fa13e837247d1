"""mteb's tasks of bitext mining and STS: what their task objects say about the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..io.hub_errors import Repository
from ..io.terminal import quiet_mteb
from ..languages import LangPair, Language, find_language

_KINDS: Mapping[str, Literal["bitext", "sts"]] = {"BitextMining": "bitext", "STS": "sts"}
_MAIN_SCORES = {"bitext": ("f1",), "sts": ("cosine_spearman", "alpha_auc")}


@dataclass(frozen=True, slots=True)
class MtebTask:
    """A task in mteb's registry; `task` is its `mteb.AbsTask`, without data."""

    task: Any

    @property
    def name(self) -> str:
        """MTEB's name of the task."""
        return str(self.task.metadata.name)

    @property
    def kind(self) -> Literal["bitext", "sts"]:
        """The kind of the task."""
        return _KINDS[self.task.metadata.type]

    @property
    def splits(self) -> list[str]:
        """The splits that MTEB reports; ours is the first: "test" if there is one."""
        return sorted(self.task.metadata.eval_splits, key=lambda split: split != "test")

    @property
    def repository(self) -> Repository:
        """The data set on the hub, at the revision that mteb pins."""
        dataset = self.task.metadata.dataset
        return Repository(dataset["path"], "dataset", dataset["revision"])

    @property
    def thresholds(self) -> NDArray[np.float64] | None:
        """The thresholds of `scoring.arrangements.alpha_auc`; None if MTEB does not score the task by it."""
        return self.task.thresholds if self.task.metadata.main_score == "alpha_auc" else None

    @property
    def is_n_way(self) -> bool:
        """Whether the data have one column for each language, and line i has the same meaning in all."""
        return bool(getattr(self.task, "parallel_subsets", False))

    @property
    def columns(self) -> tuple[str, str]:
        """The columns of the two texts; of no use if `is_n_way`."""
        first, second = getattr(self.task, "column_names", ("sentence1", "sentence2"))
        return str(first), str(second)

    @property
    def pairs(self) -> Mapping[str, LangPair]:
        """MTEB's subsets in known languages, each with the languages of its two texts."""
        return _pairs(self.name)

    @property
    def column_languages(self) -> Mapping[str, Language]:
        """The columns of an N-way set, each with its language."""
        columns = {c: x for subset, pair in self.pairs.items() for c, x in _sides(subset, pair)}
        return dict(sorted(columns.items()))

    def language_codes(self, subset: str) -> list[str]:
        """Return MTEB's language codes of a subset, or of two columns of an N-way set."""
        if self.is_n_way:
            return [column.replace("_", "-") for column in subset.split("-")]
        return list(self.task.metadata.hf_subsets_to_langscripts[subset])

    @property
    def has_english_side(self) -> bool:
        """Whether each subset pairs a language with English, so that --languages need not include English."""
        codes = [{str(pair.source), str(pair.target)} for pair in self.pairs.values()]
        return not self.is_n_way and len(codes) > 1 and all("en" in pair and len(pair) == 2 for pair in codes)

    @property
    def size(self) -> int | None:
        """The number of rows of the first split in all subsets, or of lines in an N-way set; None if unknown."""
        counts = (self.task.metadata.descriptive_stats or {}).get(self.splits[0], {})
        if self.is_n_way:
            counts = next(iter(counts.get("hf_subset_descriptive_stats", {}).values()), {})
        found = counts.get("num_samples")
        return None if found is None else int(found)

    @property
    def languages(self) -> list[Language]:
        """The languages of all subsets, sorted by code."""
        return sorted({x for pair in self.pairs.values() for x in (pair.source, pair.target)}, key=str)

    def partners(self, languages: Iterable[Language]) -> list[Language]:
        """Return the other languages that are paired with one of these, sorted by code."""
        given = set(languages)
        pairs = [set(self.languages)] if self.is_n_way else [{p.source, p.target} for p in self.pairs.values()]
        return sorted({x for pair in pairs if pair & given for x in pair - given}, key=str)

    def refusal(self) -> str:
        """Return why bitext-bench cannot score the task; "" if it can."""
        metadata = self.task.metadata
        if metadata.modalities != ["text"]:
            return f"it has {' and '.join(metadata.modalities)}, not only text"
        if metadata.main_score not in _MAIN_SCORES[self.kind]:
            return f"mteb scores it by {metadata.main_score}, not by {_MAIN_SCORES[self.kind][0]}"
        if not self.pairs:
            return f"its languages are unknown to bitext-bench: {', '.join(metadata.languages[:5])}"
        return ""


@dataclass(frozen=True, slots=True)
class MtebFiles:
    """The files of a task's data set.

    Attributes:
        folder: their directory.
        version: name of the data, for `Provenance`.
        set_sha256: as in `Provenance`.
    """

    folder: Path
    version: str
    set_sha256: str = ""


def find_mteb_task(name: str) -> MtebTask | None:
    """Return a task of mteb's registry by its name, ignoring case and punctuation, or None.

    Raises:
        UserError: mteb has the task, but bitext-bench cannot score it.
    """
    found = {_normalize(known): task for known, task in mteb_tasks().items()}.get(_normalize(name))
    if found and (reason := found.refusal()):
        raise UserError(f"{found.name} cannot be scored: {reason}; score it with mteb")
    return found


def other_kind(name: str) -> str:
    """Return mteb's kind of a task that is neither bitext mining nor STS, by its name; "" if mteb has none."""
    found = _kinds().get(_normalize(name), "")
    return "" if found in _KINDS else found


@cache
def _kinds() -> Mapping[str, str]:
    """Return the kind of every task by its normalized name, from mteb's classes: making all tasks can take seconds."""
    with quiet_mteb():
        from mteb import AbsTask, tasks
    classes: list[Any] = [x for x in vars(tasks).values() if isinstance(x, type) and issubclass(x, AbsTask)]
    found = (task.metadata for task in classes)
    return {_normalize(metadata.name): str(metadata.type) for metadata in found}


def _normalize(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


@cache
def mteb_tasks() -> Mapping[str, MtebTask]:
    """Return all tasks of bitext mining and STS by name, sorted."""
    import mteb

    with quiet_mteb():
        tasks = mteb.get_tasks(task_types=list(_KINDS), exclude_superseded=False)
    found = {str(task.metadata.name): MtebTask(task) for task in tasks}
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: item[0].casefold())))


def load_dataset(task: MtebTask, subsets: Sequence[str], folder: str, *, by_subset: bool = False) -> Any:  # noqa: ANN401 (a dict of data sets)
    """Load subsets with mteb's own code, from a directory with the files of the data set.

    Args:
        task: the task.
        subsets: MTEB's names of the subsets.
        folder: the directory.
        by_subset: whether to load each subset alone also if mteb loads the data of all subsets and selects rows.

    Returns:
        As in mteb: subset -> split -> columns, or split -> columns if the task has only "default" or is N-way.
    """
    import mteb

    with quiet_mteb():
        chosen = None if task.is_n_way or list(subsets) == ["default"] else list(subsets)
        loaded = mteb.get_task(task.name, hf_subsets=chosen)
        where = {**loaded.metadata.dataset, "path": folder}
        loaded.metadata = loaded.metadata.model_copy(update={"dataset": where})
        loaded.fast_loading = loaded.fast_loading and not by_subset
        loaded.load_data()
    return loaded.dataset


@cache
def _pairs(name: str) -> Mapping[str, LangPair]:
    codes = mteb_tasks()[name].task.metadata.hf_subsets_to_langscripts
    pairs = {subset: _pair(subset, langscripts) for subset, langscripts in codes.items()}
    return MappingProxyType({subset: pair for subset, pair in pairs.items() if pair})


def _pair(subset: str, langscripts: Sequence[str]) -> LangPair | None:
    """Return the languages of a subset; None if one is unknown (in a later mteb).

    MTEB lists more than two codes if one language has several (nor, nno and nob).
    """
    codes = subset.split("-") if len(langscripts) > 2 else (langscripts[0], langscripts[-1])
    first, second = (find_language(code) for code in codes)
    return LangPair(first, second) if first and second else None


def _sides(subset: str, pair: LangPair) -> Iterator[tuple[str, Language]]:
    yield from zip(subset.split("-"), (pair.source, pair.target), strict=True)
