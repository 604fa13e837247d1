"""The 95 % interval of a model's mean over the subsets of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bitext_bench.scoring.f1 import f1_influence, proportion_interval
from bitext_bench.scoring.intervals import Z_95, Interval, wilson_interval

from .differences import Evidence, MinedOutcomes, ShareOutcomes
from .paired import Correlation


def interval_of_mean(sides: Sequence[Evidence]) -> Interval:
    """Return the 95 % interval of the mean score over subsets, in the score's unit; (nan, nan) if a subset has none.

    Subsets of the same size count as the same sentences, as in `paired.average`. Shares and F1 use Wilson's interval,
    with the number of judgements that gives the same standard error, so that it does not collapse to a point if nothing
    is missed. Correlations use the normal interval.
    """
    moved: dict[int, NDArray[np.float64]] = {}
    values = []
    for side in sides:
        value, influence = _observed(side)
        values.append(value)
        moved[len(influence)] = moved.get(len(influence), np.zeros(len(influence))) + influence / len(sides)
    mean, variance = float(np.mean(values)), float(sum(x @ x for x in moved.values()))
    if all(isinstance(side, ShareOutcomes) for side in sides):
        most = sum(len(side.hits) * side.judgements for side in sides if isinstance(side, ShareOutcomes))
        return wilson_interval(mean, min(mean * (1 - mean) / variance, most) if variance else max(moved))
    if all(isinstance(side, MinedOutcomes) for side in sides):
        return proportion_interval(mean, variance, max(moved))
    half = Z_95 * float(np.sqrt(variance))
    return max(-1.0, mean - half), min(1.0, mean + half)


def _observed(side: Evidence) -> tuple[float, NDArray[np.float64]]:
    """Return the score of a subset and each sentence's influence on it, (n,); the variance is the sum of squares."""
    if isinstance(side, Correlation):
        rho, influence = side.observed
        return rho, influence / len(influence)
    if isinstance(side, MinedOutcomes):
        return f1_influence(side.counts)
    hits = side.hits / side.judgements
    share = float(hits.mean())
    return 1 - share if side.lower_is_better else share, (hits - share) / len(hits)
