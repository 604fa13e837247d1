"""Estimates of precision and recall, from known pairs that were inserted into the files one by one.

M lines of each file have a translation in the other. At a given threshold:

    r   is the probability that a known pair is found,
    w   the mean number of wrong pairs of a line that has a translation,
    d   the mean number of wrong pairs of a line that has none.

The output then has C = M r right pairs. A side of N lines has F = M w + (N - M) d wrong ones. Precision is C / (C + F).

M is found at a score that separates lines with a translation from lines without. A share a of the known lines is paired
above it with the translation present, a share b with the translation withheld. M solves M a + (N - M) b = the number of
lines in the file that are paired above that score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scoring.mined_pairs import RowPairs
from .insertion import Events, Outcomes
from .sides import SideName

Floats = NDArray[np.float64]

DRAWS = 2_000
SEED = 20240525
# A chosen threshold lies just above the score of the first wrong pair that it excludes. With k wrong pairs of known
# lines above it, the expected rate is (k + 1) / (m + 1), not k / m: the mean of an order statistic.
LEFT_OUT = 1.0
_SMALLEST_GAP = 0.05  # between a and b: below it, M cannot be told
_CHUNK = 4_096
_LOOKS = 20
_HARMLESS = 0.1


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} (95 % interval {self.low:.3f} to {self.high:.3f})"

    @classmethod
    def from_draws(cls, value: float, draws: Floats) -> Estimate:
        """Return the middle 95 % of draws, widened to hold the value."""
        low, high = np.percentile(draws, [2.5, 97.5])
        return cls(value, float(min(value, low)), float(max(value, high)))


@dataclass(frozen=True, slots=True)
class ThresholdEstimate:
    """What is mined at a threshold.

    Attributes:
        threshold: the lowest score that is taken.
        mined: pairs that score so much.
        precision: share of right pairs; the interval is of the true share in this output.
        recall: share of the translations in the files that are found.
        translated: lines of a file that have a translation in the other.
        wrong: wrong pairs that known lines were in; the fewer, the less the known pairs tell.
    """

    threshold: float
    mined: int
    precision: Estimate
    recall: Estimate
    translated: Estimate
    wrong: int


@dataclass(frozen=True, slots=True)
class Misfit:
    """How badly the known pairs represent the files.

    Attributes:
        threshold: where the two differ most.
        mined: pairs that are mined there.
        expected: how many the known pairs predict there.
        distance: between the two, in half widths of the 95 % interval; 0 where they differ by less than a tenth.
    """

    threshold: float
    mined: int
    expected: Estimate
    distance: float


@dataclass(frozen=True, slots=True)
class _KnownSide:
    """One side of the files, and what became of its P known lines.

    Attributes:
        lines: N, its different lines.
        paired: the best score of each line that is in a pair.
        beside: (P,) the best score of each known line with its translation; `alone`: without it.
        wrong: wrong pairs of known lines with their translations; `false`: without.
    """

    lines: int
    paired: Floats
    beside: Floats
    alone: Floats
    wrong: Events
    false: Events

    @classmethod
    def from_outcomes(cls, outcomes: Outcomes, side: SideName, pairs: RowPairs, lines: int) -> _KnownSide:
        rows = pairs.source if side == "source" else pairs.target
        _, number = np.unique(rows, return_inverse=True)
        paired = Events(number, pairs.scores).best(int(number.max(initial=-1)) + 1)
        known, outcome = len(outcomes.right), outcomes.sides[side]
        beside = np.maximum(outcomes.right, outcome.wrong.best(known))
        return cls(lines, paired, beside, outcome.false.best(known), outcome.wrong, outcome.false)

    def split(self) -> float:
        """Return a score between known lines with their translations and those without: midway between the medians.

        Not the score that separates them best, which would fit the chances of these known lines and bias M.
        """
        lowest = float(self.paired.min())
        return float(np.median(self.beside.clip(lowest)) + np.median(self.alone.clip(lowest))) / 2


class Calibration:
    """Precision and recall of the mined pairs at any threshold."""

    def __init__(self, outcomes: Outcomes, pairs: RowPairs, lines: dict[SideName, int]) -> None:
        """Take what became of the known pairs.

        Args:
            outcomes: of the P known pairs.
            pairs: what is mined at no threshold; at least one.
            lines: different lines of each side, without planted ones.
        """
        self.known, self.lines = len(outcomes.right), lines
        self._right, self._scores = outcomes.right, pairs.scores
        self._sides = [_KnownSide.from_outcomes(outcomes, side, pairs, lines[side]) for side in outcomes.sides]
        self._translated, self._translated_draws = self._count_translated()

    @property
    def found_share(self) -> float:
        """The share of known pairs that are mined at all."""
        return float(np.isfinite(self._right).mean())

    def precision_at(self, thresholds: Floats) -> Floats:
        """Return (T,) the estimated precision at each threshold."""
        right = self._translated * self.recall_at(thresholds)
        per_line = [
            (
                _count_at_least(side.wrong.scores, thresholds) / self.known,
                _count_at_least(side.false.scores, thresholds) / self.known,
            )
            for side in self._sides
        ]
        return np.asarray(right / (right + self._wrong(self._translated, per_line, LEFT_OUT)), dtype=np.float64)

    def recall_at(self, thresholds: Floats) -> Floats:
        """Return (T,) the share of known pairs that are found."""
        return _count_at_least(self._right, thresholds) / self.known

    def estimate(self, threshold: float) -> ThresholdEstimate:
        """Return what is mined at a threshold, with intervals.

        The rates are drawn by the Bayesian bootstrap over known pairs (Rubin 1981); given them, the right pairs of the
        files are drawn as a binomial, the wrong ones as a Poisson count. How many pairs are mined is known, so the
        interval of the precision comes from the wrong ones alone.
        """
        at = np.array([threshold])
        right, wrong = (column[0] for column in self._drawn_pairs(at))
        precision, recall = float(self.precision_at(at)[0]), float(self.recall_at(at)[0])
        mined = int((self._scores >= threshold).sum())
        found = np.divide(right, self._translated_draws, out=np.zeros(DRAWS), where=self._translated_draws > 0)
        counts = [
            _count_events(events, threshold, self.known) for side in self._sides for events in (side.wrong, side.false)
        ]
        return ThresholdEstimate(
            threshold,
            mined,
            Estimate.from_draws(precision, (1 - wrong / max(mined, 1)).clip(0)),
            Estimate.from_draws(recall, found.clip(0, 1)),
            Estimate.from_draws(self._translated, self._translated_draws),
            int(sum(column.sum() for column in counts)),
        )

    def misfit(self) -> Misfit:
        """Return where the number of mined pairs is furthest from what the known pairs predict."""
        ranks = np.unique(np.linspace(0.05 * len(self._scores), len(self._scores) - 1, _LOOKS).astype(np.int64))
        thresholds = self._scores[ranks]
        mined = len(self._scores) - np.searchsorted(self._scores[::-1], thresholds, side="left")
        low, expected, high = np.percentile(sum(self._drawn_pairs(thresholds)), [2.5, 50, 97.5], axis=1)
        half = np.where(mined > expected, high - expected, expected - low)
        distances = np.abs(mined - expected) / np.maximum(half, 1)
        # With huge files and many known pairs, even a harmless difference is beyond chance.
        distances[np.abs(mined - expected) < _HARMLESS * mined] = 0.0
        worst = int(distances.argmax())
        interval = Estimate(float(expected[worst]), float(low[worst]), float(high[worst]))
        return Misfit(float(thresholds[worst]), int(mined[worst]), interval, float(distances[worst]))

    def _drawn_pairs(self, thresholds: Floats) -> tuple[Floats, Floats]:
        """Return (T, DRAWS) right and wrong pairs of the files at each threshold, as they may be."""
        columns: list[NDArray[Any]] = [self._right >= threshold for threshold in thresholds]
        for side in self._sides:
            for events in (side.wrong, side.false):
                columns += [_count_events(events, threshold, self.known) for threshold in thresholds]
        recall, *per_line = np.split(self._weighted_means(columns).T, 1 + 2 * len(self._sides))
        draws = np.random.default_rng(SEED + 1)
        recall = self._smoothed(recall, draws)
        right = self._translated_draws * recall
        right += draws.standard_normal(right.shape) * np.sqrt(np.maximum(right * (1 - recall), 0))
        pairs = list(zip(per_line[::2], per_line[1::2], strict=True))
        rate = self._wrong(self._translated_draws, pairs, draws.gamma(LEFT_OUT, size=DRAWS))
        return right.clip(0), draws.poisson(rate).astype(np.float64)

    def _wrong(
        self, translated: float | Floats, per_line: Sequence[tuple[Floats, Floats]], left_out: float | Floats
    ) -> Floats:
        """Return how many wrong pairs the files give.

        Both sides count the same pairs. The side with fewer lines counts more exactly, as more of its known lines are
        in wrong pairs: weights of 1 / N make of the two Poisson counts their common estimate.
        """
        seen = [
            (translated * wrong + (side.lines - translated) * false) / side.lines
            for side, (wrong, false) in zip(self._sides, per_line, strict=True)
        ]
        exposure = sum(1 / side.lines for side in self._sides)
        return np.asarray((sum(seen) + left_out / self.known) / exposure, dtype=np.float64)

    def _count_translated(self) -> tuple[float, Floats]:
        """Return M, and draws of it: the mean of what the two sides say, weighted by how sure each is."""
        draws = np.random.default_rng(SEED + 2)
        values, drawn = [], []
        for side in self._sides:
            split = side.split()
            above = int((side.paired >= split).sum())
            columns = [side.beside >= split, side.alone >= split]
            values.append(float(_solve_translated(above, side.lines, columns[0].mean(), columns[1].mean())))
            a, b = (self._smoothed(share, draws) for share in self._weighted_means(columns).T)
            count = _solve_translated(above, side.lines, a, b)
            noise = np.sqrt(np.maximum(count * a * (1 - a) + (side.lines - count) * b * (1 - b), 0))
            drawn.append(count + draws.standard_normal(DRAWS) * noise / np.maximum(a - b, _SMALLEST_GAP))
        weights = [1 / max(float(column.var()), 1e-9) for column in drawn]
        most = min(self.lines.values())
        value = float(np.average(values, weights=weights))
        return value, np.average(drawn, axis=0, weights=weights).clip(0, most)

    def _smoothed(self, shares: Floats, draws: np.random.Generator) -> Floats:
        """Return draws of shares with Jeffreys' half a success and half a failure, so that none is surely 0 or 1."""
        success, failure = draws.gamma(0.5, size=(2, DRAWS))
        return np.asarray((self.known * shares + success) / (self.known + success + failure), dtype=np.float64)

    def _weighted_means(self, columns: Sequence[NDArray[Any]]) -> Floats:
        """Return (DRAWS, F) the means of (P,) columns under exponential weights, always the same for one P."""
        table = np.stack(columns, axis=1).astype(np.float64)
        draws = np.random.default_rng(SEED)
        sums, total = np.zeros((DRAWS, len(columns))), np.zeros((DRAWS, 1))
        for first in range(0, self.known, _CHUNK):
            rows = table[first : first + _CHUNK]
            weights = draws.standard_exponential((DRAWS, len(rows)))
            sums += weights @ rows
            total += weights.sum(axis=1, keepdims=True)
        return sums / total


def _solve_translated(above: int, lines: int, with_translation: Floats, without: Floats) -> Floats:
    """Return M of M a + (N - M) b = above, between 0 and N."""
    gap = np.maximum(with_translation - without, _SMALLEST_GAP)
    return np.asarray(((above - lines * without) / gap).clip(0, lines), dtype=np.float64)


def _count_at_least(scores: Floats, thresholds: Floats) -> Floats:
    """Return (T,) how many scores are at least each threshold."""
    return np.asarray(len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left"), dtype=np.float64)


def _count_events(events: Events, threshold: float, known: int) -> NDArray[np.int64]:
    """Return (P,) how many events of each known pair reach a threshold."""
    return np.bincount(events.pair[events.scores >= threshold], minlength=known)
