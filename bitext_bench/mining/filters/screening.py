"""Apply filters to pairs, in the order of the pairs. The texts are read in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...languages import LangPair
from ..sides import SIDES, SideName
from .record import AnyFilter, Check, CorpusTraits, PairFilter

_SAMPLE = 20_000  # pairs from which the usual ratio of lengths is estimated


class PairTexts(Protocol):
    """The texts of N pairs."""

    def __len__(self) -> int:
        """Return N."""

    def read(self, side: SideName, positions: NDArray[np.int64]) -> Sequence[str]:
        """Return the texts of some pairs on one side."""


@dataclass(frozen=True, slots=True)
class Screening:
    """The decisions on N pairs.

    Attributes:
        filters: the filters.
        checks: the check of each filter that looks at one pair at a time, by name.
        dropped: (N,) 0 for a kept pair, otherwise the number of the filter that drops it, counted from 1.
        earlier: (N,) position of the pair that this one repeats, counted from 1; negative if it repeats the target; 0
            if no duplicate filter drops this pair.
    """

    filters: Sequence[AnyFilter]
    checks: dict[str, Check]
    dropped: NDArray[np.uint8]
    earlier: NDArray[np.int64]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """(N,) whether each pair is kept."""
        kept: NDArray[np.bool_] = self.dropped == 0
        return kept

    def counts(self) -> dict[str, int]:
        """Return the number of pairs that each filter drops."""
        found = np.bincount(self.dropped, minlength=len(self.filters) + 1).tolist()
        return {one.name: n for one, n in zip(self.filters, found[1:], strict=True)}

    def reason(self, position: int, source: str, target: str, earlier_place: str) -> tuple[str, str]:
        """Return the name of the filter that drops a pair, and the reason.

        Args:
            position: position of the pair.
            source: its source text.
            target: its target text.
            earlier_place: where the side that it repeats is, as in "line 4".
        """
        one = self.filters[int(self.dropped[position]) - 1]
        if isinstance(one, PairFilter):
            return one.name, self.checks[one.name](source, target) or ""
        side = "source" if self.earlier[position] > 0 else "target"
        return one.name, f"{side} {one.repeats} {earlier_place}"


@dataclass(frozen=True, slots=True)
class Screener:
    """Applies filters to the pairs of a corpus.

    Attributes:
        filters: the filters.
        pair: the languages, if given.
        chunk: number of pairs whose texts are in memory at once.
    """

    filters: Sequence[AnyFilter]
    pair: LangPair | None
    chunk: int

    def screen(self, texts: PairTexts) -> Screening:
        """Apply the filters that look at one pair at a time. The first one that drops a pair counts.

        Raises:
            UserError: a filter cannot be applied.
        """
        traits = CorpusTraits(self.pair, self._length_ratio(texts))
        checks = {one.name: one.prepare(traits) for one in self.filters if isinstance(one, PairFilter)}
        dropped = np.zeros(len(texts), dtype=np.uint8)
        numbered = [(number, checks[one.name]) for number, one in enumerate(self.filters, 1) if one.name in checks]
        for positions in chunks(np.arange(len(texts)), self.chunk):
            pairs = zip(*(texts.read(side, positions) for side in SIDES), strict=True)
            dropped[positions] = [_first_to_drop(numbered, source, target) for source, target in pairs]
        return Screening(self.filters, checks, dropped, np.zeros(len(texts), dtype=np.int64))

    def _length_ratio(self, texts: PairTexts) -> float:
        """Return the median ratio of lengths over pairs at equal distances; 1 without pairs."""
        ratios: list[float] = []
        step = max(1, len(texts) // _SAMPLE)
        for positions in chunks(np.arange(0, len(texts), step), self.chunk):
            lengths = ([len(text.strip()) for text in texts.read(side, positions)] for side in SIDES)
            ratios += [right / left for left, right in zip(*lengths, strict=True) if left and right]
        return median(ratios) if ratios else 1.0


def chunks(positions: NDArray[np.int64], n: int) -> Iterator[NDArray[np.int64]]:
    """Divide positions into chunks of n."""
    for first in range(0, len(positions), n):
        yield positions[first : first + n]


def _first_to_drop(checks: Sequence[tuple[int, Check]], source: str, target: str) -> int:
    return next((number for number, check in checks if check(source, target)), 0)
