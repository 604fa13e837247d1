"""Estimate precision and recall from known pairs that were inserted into the files one by one.

M lines in each file have a translation in the other file. At a given threshold:

    r   is the probability that a known pair is found,
    w   the mean number of wrong pairs for a line with a translation,
    d   the mean number of wrong pairs for a line without one.

The output then has C = M r correct pairs. A side with N lines has F = M w + (N - M) d wrong pairs. Precision is
C / (C + F).

M is estimated at a score that separates lines with a translation from lines without. Above this score, a share a of
the known lines is paired if the translation is present, and a share b if it is absent. M solves
M a + (N - M) b = the number of lines in the file that are paired above this score.
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
_SMALLEST_GAP = 0.05  # between a and b: for smaller gaps M cannot be estimated
_CHUNK = 4_096
_CHECKED_THRESHOLDS = 20
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
        """Return an estimate with the middle 95 % of the draws as interval, extended to include the value."""
        low, high = np.percentile(draws, [2.5, 97.5])
        return cls(value, float(min(value, low)), float(max(value, high)))


@dataclass(frozen=True, slots=True)
class ThresholdEstimate:
    """The estimates at a threshold.

    Attributes:
        threshold: minimum score.
        mined: number of pairs with at least this score.
        precision: share of correct pairs; the interval covers the true share in this output.
        recall: share of the translations in the files that are found.
        translated: number of lines in a file with a translation in the other.
        wrong: number of wrong pairs of known lines; the fewer there are, the less reliable is the estimate.
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
        threshold: score with the largest difference between prediction and files.
        mined: number of pairs mined at this threshold.
        expected: number that the known pairs predict.
        distance: difference in half widths of the 95 % interval; 0 for differences below 10 %.
    """

    threshold: float
    mined: int
    expected: Estimate
    distance: float


@dataclass(frozen=True, slots=True)
class _KnownSide:
    """One side of the files, with the outcomes for its P known lines.

    Attributes:
        lines: N, the number of distinct lines.
        paired: best score of each line that is in a pair.
        with_translation: (P,) best score of each known line when its translation is present.
        without_translation: (P,) the same when its translation is absent.
        wrong: wrong pairs of known lines when their translations are present.
        false: wrong pairs of known lines when their translations are absent.
    """

    lines: int
    paired: Floats
    with_translation: Floats
    without_translation: Floats
    wrong: Events
    false: Events

    @classmethod
    def from_outcomes(cls, outcomes: Outcomes, side: SideName, pairs: RowPairs, lines: int) -> _KnownSide:
        rows = pairs.source if side == "source" else pairs.target
        _, number = np.unique(rows, return_inverse=True)
        paired = Events(number, pairs.scores).best(int(number.max(initial=-1)) + 1)
        known, outcome = len(outcomes.right), outcomes.sides[side]
        best = np.maximum(outcomes.right, outcome.wrong.best(known))
        return cls(lines, paired, best, outcome.false.best(known), outcome.wrong, outcome.false)

    def split(self) -> float:
        """Return a score that separates known lines with and without translation: midway between the medians.

        The score with the best separation would overfit to these known lines and bias M.
        """
        lowest = float(self.paired.min())
        return (
            float(np.median(self.with_translation.clip(lowest)) + np.median(self.without_translation.clip(lowest))) / 2
        )


class Calibration:
    """Precision and recall of the mined pairs at any threshold."""

    def __init__(self, outcomes: Outcomes, pairs: RowPairs, lines: dict[SideName, int]) -> None:
        """Prepare the estimates.

        Args:
            outcomes: outcomes of the P known pairs.
            pairs: pairs mined without a threshold; at least one.
            lines: number of distinct lines on each side, without planted lines.
        """
        self.known, self.lines = len(outcomes.right), lines
        self._right, self._scores = outcomes.right, pairs.scores
        self._sides = [_KnownSide.from_outcomes(outcomes, side, pairs, lines[side]) for side in outcomes.sides]
        self._translated, self._translated_draws = self._count_translated()

    @property
    def found_share(self) -> float:
        """The share of known pairs that are mined at any threshold."""
        return float(np.isfinite(self._right).mean())

    def precision_at(self, thresholds: Floats) -> Floats:
        """Return the estimated precision (T,) at each threshold."""
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
        """Return the share (T,) of known pairs that are found at each threshold."""
        return _count_at_least(self._right, thresholds) / self.known

    def estimate(self, threshold: float) -> ThresholdEstimate:
        """Return the estimates at a threshold, with intervals.

        Rates are drawn by the Bayesian bootstrap over known pairs (Rubin 1981). Given the rates, the number of correct
        pairs is drawn from a binomial distribution, and the number of wrong pairs from a Poisson distribution. The
        number of mined pairs is known, so the interval of the precision depends only on the wrong pairs.
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
        """Return the threshold at which the number of mined pairs differs most from the prediction."""
        ranks = np.unique(
            np.linspace(0.05 * len(self._scores), len(self._scores) - 1, _CHECKED_THRESHOLDS).astype(np.int64)
        )
        thresholds = self._scores[ranks]
        mined = len(self._scores) - np.searchsorted(self._scores[::-1], thresholds, side="left")
        low, expected, high = np.percentile(sum(self._drawn_pairs(thresholds)), [2.5, 50, 97.5], axis=1)
        half = np.where(mined > expected, high - expected, expected - low)
        distances = np.abs(mined - expected) / np.maximum(half, 1)
        # With large files and many known pairs, even small differences are significant.
        distances[np.abs(mined - expected) < _HARMLESS * mined] = 0.0
        worst = int(distances.argmax())
        interval = Estimate(float(expected[worst]), float(low[worst]), float(high[worst]))
        return Misfit(float(thresholds[worst]), int(mined[worst]), interval, float(distances[worst]))

    def _drawn_pairs(self, thresholds: Floats) -> tuple[Floats, Floats]:
        """Draw the numbers of correct and wrong pairs in the files at each threshold, (T, DRAWS) each."""
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
        """Return the number of wrong pairs in the output.

        Both sides count the same pairs. The side with fewer lines is more precise, since a larger share of its known
        lines is in wrong pairs. Weights of 1 / N combine the two Poisson counts into one estimate.
        """
        seen = [
            (translated * wrong + (side.lines - translated) * false) / side.lines
            for side, (wrong, false) in zip(self._sides, per_line, strict=True)
        ]
        exposure = sum(1 / side.lines for side in self._sides)
        return np.asarray((sum(seen) + left_out / self.known) / exposure, dtype=np.float64)

    def _count_translated(self) -> tuple[float, Floats]:
        """Estimate M and draw from its distribution: the mean of both sides, weighted by inverse variance."""
        draws = np.random.default_rng(SEED + 2)
        values, drawn = [], []
        for side in self._sides:
            split = side.split()
            above = int((side.paired >= split).sum())
            columns = [side.with_translation >= split, side.without_translation >= split]
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
        """Smooth drawn shares with Jeffreys' prior (half a success, half a failure), so that none is exactly 0 or 1."""
        success, failure = draws.gamma(0.5, size=(2, DRAWS))
        return np.asarray((self.known * shares + success) / (self.known + success + failure), dtype=np.float64)

    def _weighted_means(self, columns: Sequence[NDArray[Any]]) -> Floats:
        """Return the means (DRAWS, F) of F columns (P,) under exponential weights, which depend only on P."""
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
    """Solve M a + (N - M) b = above for M, limited to 0 to N."""
    gap = np.maximum(with_translation - without, _SMALLEST_GAP)
    return np.asarray(((above - lines * without) / gap).clip(0, lines), dtype=np.float64)


def _count_at_least(scores: Floats, thresholds: Floats) -> Floats:
    """Count (T,) the scores of at least each threshold."""
    return np.asarray(len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left"), dtype=np.float64)


def _count_events(events: Events, threshold: float, known: int) -> NDArray[np.int64]:
    """Count (P,) the events of each known pair that reach a threshold."""
    return np.bincount(events.pair[events.scores >= threshold], minlength=known)
