"""Batches of rows with similar lengths (less padding) or similar meanings (harder negatives)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch import Tensor

T = TypeVar("T")

_POOL = 64  # batches sorted by length together
_TOPIC = 4  # batches in a pool of one topic: few, so that meanings stay similar


class LengthGroupedSampler(DefaultBatchSampler):
    """Draws rows in random order, sorts each pool of 64 batches by length, and yields its batches in random order.

    No batch has a sentence twice, as it would be its own negative: a row that repeats one waits for the next batch.
    Lengths are in characters, which correlate with tokens within one language pair.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        columns = [name for name in dataset.column_names if name not in (valid_label_columns or [])]
        self._rows = list(zip(*(dataset[name] for name in columns), strict=True))
        self._lengths = [sum(map(len, row)) for row in self._rows]

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the row numbers of each batch; the same seed and epoch give the same batches."""
        if self.generator is not None:
            self.generator.manual_seed(self.seed + self.epoch)
        left: deque[int] = deque()
        for pool in self._pools(self._shuffled(range(len(self._rows)))):
            left = deque(sorted([*left, *pool], key=self._lengths.__getitem__))
            batches = []
            while len(batch := self._take_batch(left)) == self.batch_size:
                batches.append(batch)
            left.extendleft(batch)
            yield from self._shuffled(batches)
        while left and not self.drop_last:
            yield self._take_batch(left)

    def _pools(self, order: list[int]) -> Iterator[list[int]]:
        """Yield pools of rows; each pool is sorted by length."""
        for start in range(0, len(order), _POOL * self.batch_size):
            yield order[start : start + _POOL * self.batch_size]

    def _take_batch(self, rows: deque[int]) -> list[int]:
        """Remove the first rows without repeated sentences, up to a batch; the remaining rows keep their order."""
        batch: list[int] = []
        seen: set[str] = set()
        waiting = []
        while rows and len(batch) < self.batch_size:
            row = rows.popleft()
            if seen.isdisjoint(self._rows[row]):
                batch.append(row)
                seen.update(self._rows[row])
            else:
                waiting.append(row)
        rows.extendleft(reversed(waiting))
        return batch

    def _shuffled(self, items: Sequence[T]) -> list[T]:
        return [items[i] for i in torch.randperm(len(items), generator=self.generator).tolist()]


class TopicAwareSampler(LengthGroupedSampler):
    """Draws pools of four batches with anchors that are similar to the teacher; otherwise as `LengthGroupedSampler`.

    The other rows of a batch are then hard negatives. Some may be as good as the true translation; soft labels account
    for that. Hofstätter et al. 2021 (topic-aware sampling) use clusters for this.

    Args:
        vectors: (R, D) teacher vectors; the dataset's "label" column has the row of each anchor.
    """

    def __init__(self, dataset: Dataset, *, vectors: Tensor, **settings: Any) -> None:
        super().__init__(dataset, **settings)
        rows = torch.tensor(dataset["label"])
        self._vectors = vectors[rows if rows.ndim == 1 else rows[:, 0]]

    def _pools(self, order: list[int]) -> Iterator[list[int]]:
        for pool in self._shuffled(list(self._split(torch.tensor(order)))):
            yield pool.tolist()

    def _split(self, rows: Tensor) -> Iterator[Tensor]:
        """Split the rows in half along the line between two distant vectors, recursively, down to pools."""
        pools = len(rows) // (_TOPIC * self.batch_size)
        if pools < 2:
            yield rows
            return
        vectors = self._vectors[rows]
        one = vectors[(vectors @ vectors[0]).argmin()]  # rows are in random order, so the first is a random one
        other = vectors[(vectors @ one).argmin()]
        along = (vectors @ (one - other)).argsort()
        middle = pools // 2 * _TOPIC * self.batch_size
        yield from self._split(rows[along[:middle].sort().values])
        yield from self._split(rows[along[middle:].sort().values])
