"""The result of `bitext_bench.mine`, and the filters for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from ..io.terminal import printable
from ..languages import LangPair
from ..mining.filters.record import AnyFilter
from ..mining.filters.repeats import Deduplicator
from ..mining.filters.screening import Screener, Screening
from ..mining.sides import SideName

if TYPE_CHECKING:
    from pandas import DataFrame


class MinedPair(NamedTuple):
    """Two sentences that translate each other.

    Attributes:
        score: margin score; higher is better.
        cosine: cosine of the two vectors, in [-1, 1].
        source_line: position in the source list, counted from 1; the first one if the sentence is repeated.
        target_line: position in the target list.
        source: the source sentence.
        target: the target sentence.
    """

    score: float
    cosine: float
    source_line: int
    target_line: int
    source: str
    target: str


class DroppedPair(NamedTuple):
    """A mined pair that a filter drops.

    Attributes:
        filter: name of the filter.
        reason: why it drops the pair.
        pair: the pair.
    """

    filter: str
    reason: str
    pair: MinedPair


class MinedPairs(Sequence[MinedPair]):
    """Mined pairs, best first.

    Attributes:
        dropped: the pairs that filters drop, best first; empty without filters.
    """

    def __init__(self, pairs: Sequence[MinedPair], dropped: Sequence[DroppedPair] = ()) -> None:
        self._pairs = tuple(pairs)
        self.dropped = tuple(dropped)

    @overload
    def __getitem__(self, index: int) -> MinedPair: ...
    @overload
    def __getitem__(self, index: slice) -> MinedPairs: ...
    def __getitem__(self, index: int | slice) -> MinedPair | MinedPairs:
        """Return one pair, or a slice of them."""
        return MinedPairs(self._pairs[index]) if isinstance(index, slice) else self._pairs[index]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._pairs)

    def __iter__(self) -> Iterator[MinedPair]:
        """Iterate over the pairs, best first."""
        return iter(self._pairs)

    def __eq__(self, other: object) -> bool:
        """Return whether the pairs are equal, with the same scores and order."""
        return self._pairs == other._pairs if isinstance(other, MinedPairs) else NotImplemented

    def __hash__(self) -> int:
        """Return a hash of the pairs."""
        return hash(self._pairs)

    def __repr__(self) -> str:
        """Return the five best pairs, one on each line."""
        lines = [f"{pair.score:.4f}\t{printable(pair.source)}\t{printable(pair.target)}" for pair in self._pairs[:5]]
        more = [f"… {len(self) - 5:,} more"] if len(self) > 5 else []
        return "\n".join([f"<{len(self):,} pairs>", *lines, *more])

    def _repr_html_(self) -> str:
        """Return the five best pairs for a notebook."""
        rows = [(f"{pair.score:.4f}", printable(pair.source), printable(pair.target)) for pair in self._pairs[:5]]
        table = tabulate(rows, headers=("score", "source", "target"), tablefmt="html", disable_numparse=True)
        return f"{table}\n<p>{len(self):,} pairs</p>"

    def to_pandas(self) -> DataFrame:
        """Return a frame with the columns score, cosine, source_line, target_line, source and target."""
        from pandas import DataFrame

        return DataFrame(self._pairs, columns=list(MinedPair._fields))


class _PairTexts:
    """The texts of listed pairs."""

    def __init__(self, pairs: Sequence[MinedPair]) -> None:
        self._texts = {"source": [pair.source for pair in pairs], "target": [pair.target for pair in pairs]}

    def __len__(self) -> int:
        return len(self._texts["source"])

    def read(self, side: SideName, positions: NDArray[np.int64]) -> Sequence[str]:
        return [self._texts[side][position] for position in positions.tolist()]


def filter_pairs(pairs: Sequence[MinedPair], filters: Sequence[AnyFilter], languages: LangPair | None) -> MinedPairs:
    """Apply filters to pairs.

    Raises:
        UserError: a filter cannot be applied.
    """
    texts = _PairTexts(pairs)
    screening = Screener(filters, languages, max(1, len(texts))).screen(texts)
    with TemporaryDirectory(prefix="bitext-bench-") as folder:
        Deduplicator(texts, max(1, len(texts)), Path(folder)).apply(screening, screening.kept)
    kept = [pair for pair, keep in zip(pairs, screening.kept.tolist(), strict=True) if keep]
    dropped = np.flatnonzero(~screening.kept).tolist()
    return MinedPairs(kept, [_describe_dropped(pairs, screening, position) for position in dropped])


def _describe_dropped(pairs: Sequence[MinedPair], screening: Screening, position: int) -> DroppedPair:
    pair, earlier = pairs[position], int(screening.earlier[position])
    repeated = pairs[abs(earlier) - 1]
    line = repeated.source_line if earlier > 0 else repeated.target_line
    return DroppedPair(*screening.reason(position, pair.source, pair.target, f"line {line:,}"), pair)
