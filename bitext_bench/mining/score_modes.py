"""Suggest a threshold for given pairs, from the scores of pairs that are wrong on purpose.

The given pairs are a mixture of translations and a share w of misaligned pairs, whose scores are distributed like those
of random pairs of the same sentences. With F and F0 as the shares of given and of random pairs below a score x,
F(x) / F0(x) is at least w, and equals it if no translation scores below x. w is this ratio at the score below which
90 % of the random pairs are, as in Storey's estimate of the share of true null hypotheses (2002). It is rather too high
than too low.

At a threshold, w * N * (1 - F0) pairs are then expected to be wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .precision import DRAWS, SEED, Estimate

Floats = NDArray[np.float64]

FEWEST = 200  # given pairs, to distinguish two modes
# Quantile of the random pairs at which the share of misaligned pairs is estimated.
_QUANTILE = 0.9
# If more than this share of the translations scores between that quantile and the next, the modes overlap. Measured: at
# most 0.05 for languages that a model supports, at least 0.17 for one that it does not.
_NEXT_QUANTILE, _MOST_OVERLAP = 0.99, 0.1
# The modes count as separate if both expected precision and expected recall reach this.
SEPARATE = 0.9
_BINS = 40


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested threshold.

    Attributes:
        threshold: minimum score, with the best expected F1.
        precision: expected share of pairs at or above the threshold that are not misaligned.
        recall: expected share of the other pairs that are kept.
        kept: share of the pairs at or above the threshold.
    """

    threshold: float
    precision: Estimate
    recall: float
    kept: float


@dataclass(frozen=True)
class ScoreModes:
    """The scores of given pairs and of random ones.

    Attributes:
        given: (N,) scores of the given pairs, ascending.
        random: scores of random pairs, ascending: two samples, since it is unknown whether the sentences of misaligned
            pairs have their translations elsewhere in the files. In the first they have, in the second they do not.
    """

    given: Floats
    random: tuple[Floats, Floats]

    @cached_property
    def both(self) -> Floats:
        """The two samples of random pairs together, ascending."""
        return np.sort(np.concatenate(self.random))

    @cached_property
    def misaligned(self) -> Estimate:
        """Estimated share of misaligned pairs."""
        value = min(1.0, self._below(self.both) / len(self.given) / _QUANTILE)
        return Estimate.from_draws(value, self._share_draws)

    def suggest(self) -> Suggestion | str:
        """Return a suggested threshold, or the reason why there is none."""
        n, share = len(self.given), self.misaligned.value
        if self._overlap > _MOST_OVERLAP:
            return (
                "the scores of translations and of misaligned pairs overlap: at least "
                f"{self._overlap:.0%} of the translations score no higher than random pairs. Check that the model "
                "supports these languages"
            )
        thresholds = np.unique(self.given)
        above = n - np.searchsorted(self.given, thresholds)
        right = np.maximum(above - share * n * _above(self.both, thresholds), 0.0)
        best = int((2 * right / (above + max(1e-9, n * (1 - share)))).argmax())
        threshold = float(thresholds[best] if best == 0 else (thresholds[best] + thresholds[best - 1]) / 2)
        threshold = math.floor(threshold * 1e6) / 1e6  # as it is printed; never above the pairs that it should keep
        recall = float(min(1.0, right[best] / max(1e-9, n * (1 - share))))
        precision = self.precision_at(threshold)
        if min(precision.value, recall) < SEPARATE:
            return (
                f"the best threshold would have a precision of {precision.value:.2f} and a recall of {recall:.2f}, and "
                f"both must be at least {SEPARATE:g}. Check that the model supports these languages"
            )
        return Suggestion(threshold, precision, recall, float((self.given >= threshold).mean()))

    def precision_at(self, threshold: float) -> Estimate:
        """Estimate the precision of the pairs at or above a threshold; 1 if there are none."""
        n = len(self.given)
        above = n - int(np.searchsorted(self.given, threshold))
        if not above:
            return Estimate(1.0, 0.0, 1.0)
        wrong = self.misaligned.value * n * float(_above(self.both, np.array([threshold]))[0])
        draws = np.random.default_rng(SEED)
        tails = []
        for sample in self.random:
            count = len(sample) - int(np.searchsorted(sample, threshold))
            tails.append(draws.beta(count + 0.5, len(sample) - count + 0.5, DRAWS // 2))
        expected = self._share_draws * n * np.concatenate(tails)
        return Estimate.from_draws(max(0.0, 1 - wrong / above), np.maximum(0.0, 1 - draws.poisson(expected) / above))

    def histogram(self) -> dict[str, Any]:
        """Return the number of given pairs, and the expected number of misaligned ones, in bins of equal width."""
        low, high = np.quantile(self.given, [0.001, 0.999])
        edges = np.linspace(low, high, _BINS + 1)
        inside = [np.histogram(scores.clip(low, high), edges)[0] for scores in (self.given, self.both)]
        expected = inside[1] / len(self.both) * self.misaligned.value * len(self.given)
        return {
            "edges": [round(edge, 6) for edge in edges.tolist()],
            "pairs": inside[0].tolist(),
            "misaligned": [round(value, 1) for value in expected.tolist()],
        }

    @cached_property
    def _share_draws(self) -> Floats:
        """Draws of the share of misaligned pairs, half of them with each sample of random pairs."""
        n = len(self.given)
        draws = np.random.default_rng(SEED)
        halves = [draws.gamma(self._below(sample) + 0.5, size=DRAWS // 2) / n / _QUANTILE for sample in self.random]
        return np.minimum(1.0, np.concatenate(halves))

    @property
    def _overlap(self) -> float:
        """Estimated share of the translations that score between two quantiles of the random pairs."""
        share = self.misaligned.value
        higher = self._below(self.both, _NEXT_QUANTILE) / len(self.given) / _NEXT_QUANTILE
        return (higher - share) / max(1e-9, 1 - share)

    def _below(self, sample: Floats, quantile: float = _QUANTILE) -> int:
        """Return the number of given pairs below a quantile of a sample of random pairs."""
        return int(np.searchsorted(self.given, np.quantile(sample, quantile)))


def _above(ascending: Floats, thresholds: Floats) -> Floats:
    """Return the share of scores at or above each threshold."""
    share: Floats = 1 - np.searchsorted(ascending, thresholds) / len(ascending)
    return share
