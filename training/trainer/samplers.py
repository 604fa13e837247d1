"""Batches of rows of alike lengths, so that little of them is padding, or of alike meanings, so that they are hard."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch import Tensor

T = TypeVar("T")

_POOL = 64  # batches that are sorted by length together
_TOPIC = 4  # the same of batches of alike meanings: few, so that they stay alike


class LengthGroupedSampler(DefaultBatchSampler):
    """Draws rows in random order, sorts each pool of 64 batches by length and gives its batches in random order.

    No batch has a sentence twice, which would be its own negative: a row that repeats one waits for the next batch.
    Lengths are taken in characters, which go with the tokens of one pair of languages.
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
        """Yield row numbers of one batch after the other, the same ones for the same seed and epoch."""
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
        """Cut the rows into those that are sorted by length together."""
        for start in range(0, len(order), _POOL * self.batch_size):
            yield order[start : start + _POOL * self.batch_size]

    def _take_batch(self, rows: deque[int]) -> list[int]:
        """Take the first rows that make up a batch, as many as there are; the others keep their order."""
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
    """Draws pools of four batches whose anchors mean much the same to the teacher, then as above.

    What a sentence has to be told from is then near it. That some of it are translations as good as the pair's own is
    what soft labels are for. Hofstätter et al. 2021 (topic-aware sampling) do it by clusters.

    Args:
        vectors: the teacher's (R, D), of which the dataset's "label" has the row of each anchor.
    """

    def __init__(self, dataset: Dataset, *, vectors: Tensor, **settings: Any) -> None:
        super().__init__(dataset, **settings)
        rows = torch.tensor(dataset["label"])
        self._vectors = vectors[rows if rows.ndim == 1 else rows[:, 0]]

    def _pools(self, order: list[int]) -> Iterator[list[int]]:
        for pool in self._shuffled(list(self._split(torch.tensor(order)))):
            yield pool.tolist()

    def _split(self, rows: Tensor) -> Iterator[Tensor]:
        """Halve the rows along the line between two that are far apart, and the halves, down to pools."""
        pools = len(rows) // (_TOPIC * self.batch_size)
        if pools < 2:
            yield rows
            return
        vectors = self._vectors[rows]
        one = vectors[(vectors @ vectors[0]).argmin()]  # the first is a random one
        other = vectors[(vectors @ one).argmin()]
        along = (vectors @ (one - other)).argsort()
        middle = pools // 2 * _TOPIC * self.batch_size
        yield from self._split(rows[along[:middle].sort().values])
        yield from self._split(rows[along[middle:].sort().values])
