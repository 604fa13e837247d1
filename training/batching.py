"""Batches of rows of alike lengths, so that little of them is padding."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler

T = TypeVar("T")

_POOL = 64  # batches


class AlikeLengths(DefaultBatchSampler):
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
        order = self._shuffled(range(len(self._rows)))
        left: deque[int] = deque()
        for start in range(0, len(order), _POOL * self.batch_size):
            pool = [*left, *order[start : start + _POOL * self.batch_size]]
            left = deque(sorted(pool, key=self._lengths.__getitem__))
            batches = []
            while len(batch := self._take(left)) == self.batch_size:
                batches.append(batch)
            left.extendleft(batch)
            yield from self._shuffled(batches)
        while left and not self.drop_last:
            yield self._take(left)

    def _take(self, rows: deque[int]) -> list[int]:
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
