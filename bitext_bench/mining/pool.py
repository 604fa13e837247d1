"""The pairs that a run considered, for its page: histogram of their scores, and samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

SAMPLES, _BANDS, _BINS = 5, 5, 40
_NEAR = 100  # pairs below the threshold, among which the samples are chosen
_SEED = 20240525


@dataclass(frozen=True, slots=True)
class Histogram:
    """Numbers of pairs in bins of equal width.

    Attributes:
        edges: (B + 1,) limits of the bins; the first and the last bin also have all lower and higher scores.
        layers: name and numbers (B,) of each kind of pair.
    """

    edges: list[float]
    layers: list[tuple[str, list[float]]]


@dataclass(frozen=True, slots=True)
class Band:
    """A range of scores.

    Attributes:
        name: what the band is, besides its scores.
        low: lowest score.
        high: highest score.
        n: number of pairs.
        samples: columns of some of them, by name.
    """

    name: str
    low: float
    high: float
    n: int
    samples: Mapping[str, list[Any]]


@dataclass(frozen=True, slots=True)
class PairPool:
    """N pairs.

    Attributes:
        scores: (N,) margin scores, NaN without a score.
        kept: (N,) whether each pair is in the output.
        dropped: (N,) number of the filter that drops it, counted from 1; 0 if none does.
        read: returns the columns of some pairs: score, texts and where they are in the files.
        reasons: returns the columns filter and reason of some dropped pairs.
    """

    scores: NDArray[np.float64]
    kept: NDArray[np.bool_]
    dropped: NDArray[np.uint8]
    read: Callable[[Positions], dict[str, list[Any]]]
    reasons: Callable[[Positions], dict[str, list[Any]]] | None = None

    def histogram(self) -> Histogram | None:
        """Return the histogram of all scores; None without scores."""
        has = ~np.isnan(self.scores)
        if not has.any():
            return None
        low, high = np.quantile(self.scores[has], [0.001, 0.999]).tolist()
        edges = np.linspace(low, max(high, low + 0.01), _BINS + 1)
        kinds = {
            "in the output": self.kept,
            "dropped by filters": self.dropped > 0,
            "below the threshold": ~self.kept & (self.dropped == 0),
        }
        layers = [
            (name, np.histogram(self.scores[here & has].clip(edges[0], edges[-1]), edges)[0].tolist())
            for name, here in kinds.items()
        ]
        return Histogram(edges.tolist(), [(name, counts) for name, counts in layers if any(counts)])

    def bands(self) -> Iterator[Band]:
        """Yield parts of the output with equal numbers of pairs, best first, then pairs just below the threshold."""
        draws = np.random.default_rng(_SEED)
        parts = np.array_split(self._by_score(self.kept), _BANDS)
        named = [("", part) for part in parts]
        named.append(("just below the threshold", self._by_score(~self.kept & (self.dropped == 0))[:_NEAR]))
        for name, part in named:
            if len(part):
                chosen = np.sort(draws.choice(len(part), min(SAMPLES, len(part)), replace=False))
                scores = self.scores[part[[-1, 0]]].tolist()
                yield Band(name, scores[0], scores[1], len(part), self.read(part[chosen]))

    def dropped_samples(self, number: int) -> dict[str, list[Any]]:
        """Return the columns, with filter and reason, of some pairs that a filter drops."""
        at = np.flatnonzero(self.dropped == number)
        if len(at) == 0 or self.reasons is None:
            return {}
        at = np.sort(np.random.default_rng(_SEED).choice(at, min(3, len(at)), replace=False))
        return {**self.reasons(at), **self.read(at)}

    def _by_score(self, chosen: NDArray[np.bool_]) -> Positions:
        """Return the positions of the chosen pairs that have a score, best first."""
        at = np.flatnonzero(chosen & ~np.isnan(self.scores))
        return at[np.argsort(-self.scores[at], kind="stable")]
