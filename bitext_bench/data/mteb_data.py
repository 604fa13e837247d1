"""The data of mteb's tasks as pairs, lines and rated pairs. mteb's own code loads and transforms them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from .files import warn
from .mteb_files import has_configurations
from .mteb_tasks import MtebFiles, MtebTask, load_dataset
from .shapes import Bitext, IncompleteData, ParallelLines, Provenance, ScoredPairs


@dataclass(frozen=True, slots=True)
class MtebData:
    """The loaded data of a task; `content` is what mteb loads."""

    task: MtebTask
    files: MtebFiles
    content: Any

    @classmethod
    def load(cls, task: MtebTask, subsets: Sequence[str], files: MtebFiles) -> MtebData:
        """Load subsets from the files.

        Raises:
            UserError: the files are damaged, or are not the data set that mteb expects.
        """
        from datasets.exceptions import DatasetsError
        from huggingface_hub.errors import HTTPError

        try:
            by_subset = has_configurations(task, subsets, files.folder)
            return cls(task, files, load_dataset(task, subsets, str(files.folder), by_subset=by_subset))
        except (OSError, ValueError, KeyError, TypeError, IndexError, DatasetsError, HTTPError) as error:
            reason = shorten(str(error), 600, placeholder=" …")
            raise UserError(
                f"mteb cannot read the data of {task.name} in {files.folder} ({reason}): delete that directory and run "
                f"again to get {task.repository} once more"
            ) from error

    def pairs(self, subset: str, split: str) -> Bitext:
        """Return the translation pairs of a subset.

        Raises:
            IncompleteData: the data do not have the subset or the split.
            UserError: a row has no text, or the two sides have different lengths.
        """
        rows = self._rows(subset, split)
        source, target = (self._texts(rows, column, subset) for column in self.task.columns)
        # As in mteb, which ignores a column named gold: only the dict of a transform has one.
        gold = tuple(int(j) for _, j in rows["gold"]) if isinstance(rows, dict) and "gold" in rows else ()
        gold = () if gold == tuple(range(len(target))) else gold
        if len(source) != (len(gold) or len(target)):
            raise UserError(
                f"{self.task.name} {subset} has {len(source):,} and {len(gold) or len(target):,} rows: expected pairs"
            )
        return Bitext(source, target, self._provenance(source, target, tuple(map(str, gold))), gold)

    def lines(self, column: str, split: str) -> ParallelLines:
        """Return one language of an N-way set; raises as `pairs`."""
        lines = self._texts(self._rows("default", split), column, column)
        return ParallelLines(lines, self._provenance(lines))

    def ratings(self, subset: str, split: str) -> ScoredPairs:
        """Return the rated pairs of a subset; raises as `pairs`, or if a score is not a number."""
        rows = self._rows(subset, split)
        first, second = (self._texts(rows, column, subset) for column in self.task.columns)
        self._check_column(rows, "score", subset)
        scores = tuple(float(score) if score is not None else np.nan for score in rows["score"])
        if bad := [row for row, score in enumerate(scores) if not np.isfinite(score)]:
            raise UserError(f"{self.task.name} {subset}: the score of row {bad[0]} is not a number")
        return ScoredPairs(first, second, scores, self._provenance(first, second, tuple(map(repr, scores))))

    def arrangements(self, subset: str, split: str) -> list[NDArray[np.int64]]:
        """Return the rows of each arrangement, for `scoring.arrangements`."""
        rounds = np.unique(list(self._rows(subset, split)["round_id"]), return_inverse=True)[1]
        return [np.flatnonzero(rounds == number) for number in range(rounds.max() + 1)]

    @property
    def _place(self) -> str:
        """The data set on the hub, or the directory of a copy, for messages."""
        return str(self.task.repository if self.files.version.startswith("hub-") else self.files.folder)

    def _rows(self, subset: str, split: str) -> Mapping[str, Any]:
        by_split = self.content if subset == "default" and "default" not in self.content else self.content.get(subset)
        if by_split is None or split not in by_split:
            raise IncompleteData(f"{self._place} has no {subset} {split} for {self.task.name}")
        return by_split[split]  # type: ignore[no-any-return]

    def _check_column(self, rows: Mapping[str, Any], column: str, subset: str) -> None:
        names = list(rows) if isinstance(rows, dict) else rows.column_names  # type: ignore[attr-defined]
        if column not in names:
            raise IncompleteData(
                f"{self._place} has no column {column} for {self.task.name} {subset}; it has "
                f"{shorten(', '.join(names), 100, placeholder=' …')}"
            )

    def _texts(self, rows: Mapping[str, Any], column: str, subset: str) -> tuple[str, ...]:
        self._check_column(rows, column, subset)
        texts = tuple(rows[column])
        if not texts:
            raise IncompleteData(f"{self.task.name} {subset} has no rows in {self._place}")
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise UserError(f"{self.task.name} {subset}: row {row} of {column} is {text!r}: expected text")
        if empty := sum(not text.strip() for text in texts):
            warn(
                f"{self.task.name} {subset}: {empty:,} of {len(texts):,} texts in {column} are empty; mteb scores them"
            )
        return texts

    def _provenance(self, *columns: tuple[str, ...]) -> Provenance:
        found = Provenance.from_parts(self.files.version, ["\n".join(column) for column in columns if column])
        return Provenance(found.version, found.sha256, self.files.set_sha256)
