"""Data sets on the hub, at the revisions that mteb pins, loaded by mteb's task objects.

The files of the pinned revision are downloaded first, and the task then loads them from disk. Without this, `datasets`
would use the revision that was loaded last if the hub does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..io.hub import fetch
from ..io.hub_errors import NotFetched, Repository
from ..io.terminal import quiet_mteb
from ..languages import LangPair, Language, resolve
from .mteb_files import fetch_files
from .mteb_tasks import MtebFiles, MtebTask
from .shapes import (
    SPLIT_NAMES,
    AugmentedLines,
    Bitext,
    ComparableCorpora,
    IncompleteData,
    MissingData,
    ParallelLines,
    Provenance,
    ScoredPairs,
)

if TYPE_CHECKING:
    from mteb import AbsTask

_TASK_OF = {"tatoeba": "Tatoeba", "bucc2018": "BUCC.v2", "flores200": "FloresBitextMining"}
_NOT_ON_HUB = {
    "flores200-dev": "mteb's data set of FLORES-200 has only devtest: "
    "pass a data directory with flores200_dataset/dev/",
    "bucc-style": "bucc-style is for a corpus of your own: pass a data directory with bucc-style/",
    "mini": "the built-in set is not on the hub: pass mini as the data",
}


class HubSource:
    """Data sets from the hub, or the same revision from the local cache.

    Args:
        mirror: A folder with copies of the hub's data sets (`mirror/mteb/tatoeba-bitext-mining/...`), read instead of
            the hub.
    """

    name = "hub"

    def __init__(self, mirror: Path | None = None) -> None:
        self._mirror = mirror
        self._load = cache(self._load_uncached)

    def languages(self, collection: str) -> Sequence[Language]:
        """Return the languages of mteb's task, without a download."""
        task = self._task(collection)
        if collection == "flores200":
            codes = {code for subset in task.metadata.hf_subsets for code in subset.split("-")}
        else:
            codes = {subset.split("-")[0] for subset in task.metadata.hf_subsets}
        return sorted((resolve(code) for code in codes), key=str)

    def parallel(self, collection: str, language: Language) -> Bitext:
        """Return the pairs of Tatoeba or BUCC.v2 (the gold pairs of BUCC 2018's training split)."""
        code = language.tatoeba if collection == "tatoeba" else str(language)
        subset = f"{code}-eng" if collection == "tatoeba" else f"{code}-en"
        rows, revision = self._rows(collection, subset, "test")
        source, target = tuple(rows["sentence1"]), tuple(rows["sentence2"])
        return Bitext(source, target, _provenance(revision, source, target))

    def aligned(self, collection: str, language: Language) -> ParallelLines:
        """Return one language of FLORES-200 devtest."""
        task, data = self._load(collection)
        if language.flores not in data["devtest"].column_names:
            raise IncompleteData(f"{task.metadata.name} on the hub has no {language.flores or language.name}")
        sentences = tuple(data["devtest"][language.flores])
        return ParallelLines(sentences, _provenance(task.metadata.dataset["revision"], sentences))

    def augmented(self, collection: str, language: Language) -> AugmentedLines:
        """Refuse: xSIM++'s files are not on the hub."""
        raise MissingData("xSIM++'s augmented files are not on the hub: pass a data directory with devtest_augmented/")

    def comparable(self, collection: str, pair: LangPair, split: str) -> ComparableCorpora:
        """Refuse: the hub has only BUCC's gold pairs (BUCC.v2), not the corpora with their splits."""
        raise MissingData(
            "BUCC mining needs BUCC 2018's training and test corpora, which are not on the hub: "
            "pass a data directory with bucc2018/"
        )

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> ScoredPairs:
        """Return an STS subset."""
        rows, revision = self._rows(collection, subset, split)
        first, second = tuple(rows["sentence1"]), tuple(rows["sentence2"])
        scores = tuple(float(score) for score in rows["score"])
        return ScoredPairs(first, second, scores, _provenance(revision, first, second, tuple(map(repr, scores))))

    def mteb_files(self, task: MtebTask, subsets: Sequence[str]) -> MtebFiles:
        """Return the files of a task of mteb, at the revision that mteb pins."""
        if self._mirror:
            return MtebFiles(self._mirror / task.repository.name, "hub-mirror")
        try:
            folder = fetch_files(task, subsets)
        except NotFetched as error:
            raise UserError(
                f"{error}; or pass a data directory with a copy of the data set in {task.repository.name}"
            ) from error
        return MtebFiles(folder, f"hub-{str(task.repository.revision)[:8]}")

    def _rows(self, collection: str, subset: str, split: str) -> tuple[Mapping[str, Any], str]:
        task, data = self._load(collection, None if collection in _TASK_OF else subset)
        by_split = data if "default" in task.metadata.hf_subsets else data.get(subset)
        named = next((name for name in SPLIT_NAMES.get(split, (split,)) if name in (by_split or ())), None)
        if named is None:
            raise IncompleteData(f"{task.metadata.name} on the hub has no {subset} {split}")
        return by_split[named], str(task.metadata.dataset["revision"])

    def _task(self, collection: str, subset: str | None = None) -> AbsTask:
        import mteb

        if reason := _NOT_ON_HUB.get(collection):
            raise MissingData(reason)
        name = _TASK_OF.get(collection, collection)
        try:
            with quiet_mteb():
                task = mteb.get_task(name, hf_subsets=[subset] if subset and subset != "default" else None)
        except (KeyError, ValueError) as error:
            wanted = f"{collection} with the subset {subset}" if subset and subset != "default" else collection
            raise MissingData(f"mteb has no data set {wanted}: pass a data directory with it") from error
        return task

    def _load_uncached(self, collection: str, subset: str | None = None) -> tuple[AbsTask, Any]:
        from datasets.exceptions import DatasetsError
        from huggingface_hub.errors import HTTPError

        task = self._task(collection, subset)
        where = task.metadata.dataset
        pinned = Repository(where["path"], "dataset", where["revision"])
        instead = f"pass a data directory with {task.metadata.name} in its official layout, or mini as the data"
        try:
            folder = self._mirror / where["path"] if self._mirror else fetch(pinned)
        except NotFetched as error:
            raise UserError(f"{error}; or {instead}, the built-in set") from error
        revision = "mirror" if self._mirror else where["revision"]
        task.metadata = task.metadata.model_copy(update={"dataset": {"path": str(folder), "revision": revision}})
        try:
            with quiet_mteb():
                task.load_data()
        except (OSError, ValueError, DatasetsError, HTTPError) as error:
            reason = shorten(str(error), 600, placeholder=" …")
            raise UserError(
                f"cannot read {pinned} in {folder} ({reason}): delete that directory and run again, or {instead}, the "
                "built-in set"
            ) from error
        return task, task.dataset


def _provenance(revision: str, *columns: tuple[str, ...]) -> Provenance:
    return Provenance.from_parts(f"hub-{revision[:8]}", ["\n".join(column) for column in columns])
