"""The 95 % interval of a model's mean over the subsets of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bitext_bench.significance import Z_95, Interval, wilson

from .difference import Evidence, Mined, Shares
from .paired import Correlation, f1_influence


def interval_of_mean(sides: Sequence[Evidence]) -> Interval:
    """Return the interval of the mean score over subsets, in the score's own unit; (nan, nan) where one has none.

    Subsets of one size count as the same sentences, as in `paired.mean_of`. Shares have Wilson's interval with the
    number of judgements that would have the same standard error (so that it does not collapse when nothing is
    missed), correlations and F1 the normal one.
    """
    moved: dict[int, NDArray[np.float64]] = {}
    values = []
    for side in sides:
        value, influence = _observed(side)
        values.append(value)
        moved[len(influence)] = moved.get(len(influence), np.zeros(len(influence))) + influence / len(sides)
    mean, error = float(np.mean(values)), float(np.sqrt(sum(x @ x for x in moved.values())))
    if all(isinstance(side, Shares) for side in sides):
        most = sum(len(side.hits) * side.judgements for side in sides if isinstance(side, Shares))
        return wilson(mean, min(mean * (1 - mean) / error**2, most) if error else max(moved))
    return max(-1.0, mean - Z_95 * error), min(1.0, mean + Z_95 * error)


def _observed(side: Evidence) -> tuple[float, NDArray[np.float64]]:
    """Return the score of a subset, and of each sentence its influence on it, whose squares sum to the variance."""
    if isinstance(side, Correlation):
        rho, influence = side.observed
        return rho, influence / len(influence)
    if isinstance(side, Mined):
        return _mined(side)
    hits = side.hits / side.judgements
    share = float(hits.mean())
    return 1 - share if side.lower_is_better else share, (hits - share) / len(hits)


def _mined(side: Mined) -> tuple[float, NDArray[np.float64]]:
    _, row = np.unique(side.source, return_inverse=True)
    counts = np.stack([np.bincount(row[mask], minlength=row.max(initial=-1) + 1) for mask in (side.right, ~side.right)])
    missed = max(0, side.n_gold - int(counts[0].sum()))
    mined = np.concatenate([counts.T, np.zeros((missed, 2), dtype=np.int64)])
    gold = np.concatenate([counts[0], np.ones(missed, dtype=np.int64)])
    return f1_influence(mined, gold)
