"""95 % confidence intervals. Resampling is seeded, so equal outcomes always give equal intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]

Z_95 = 1.959963984540054  # the normal quantile at 0.975
RESAMPLES = 1_000
SEED = 20240525


def mean_interval(outcomes: NDArray[np.floating], judgements: int = 1) -> Interval:
    """Return the 95 % Wilson score interval of the mean of per-sentence outcomes in [0, 1].

    A sentence that is judged several times (two directions, many language pairs) has one outcome, the mean of its
    judgements. Their correlation enters through the variance between sentences, as a design effect:
    n_eff = n m (1 - m) / var. For plain hits and misses this is Wilson 1927 unchanged. A percentile bootstrap agrees
    for medium scores but collapses to [1, 1] when nothing is missed, which is common in FLORES; this interval does not.

    Args:
        outcomes: (n,), one per sentence.
        judgements: maximum number of independent judgements in one outcome.
    """
    n, mean, variance = len(outcomes), float(np.mean(outcomes)), float(np.var(outcomes))
    spread = mean * (1 - mean)
    effective = min(n * spread / variance, n * judgements) if variance > 0 else float(n)
    return wilson_interval(mean, effective)


def clustered_interval(outcomes: NDArray[np.floating], cluster: NDArray[np.integer], judgements: int = 1) -> Interval:
    """Return the 95 % interval of the mean as `mean_interval` does, for outcomes that depend on each other in clusters.

    Rows of one cluster (equal sentences) count as one draw: n_eff = m (1 - m) / v, where v is the variance of the mean
    between clusters (linearization: Cochran 1977, section 9). Without repeated rows this is `mean_interval`.

    Args:
        outcomes: (n,) in [0, 1].
        cluster: (n,) the cluster of each outcome.
        judgements: as in `mean_interval`.
    """
    n, mean = len(outcomes), float(np.mean(outcomes))
    groups = np.unique(cluster, return_inverse=True)[1]
    totals = np.bincount(groups, weights=outcomes - mean)
    if len(totals) == n:
        return mean_interval(outcomes, judgements)
    variance = float(np.square(totals).sum()) / n**2
    most = len(totals) * judgements
    return wilson_interval(mean, min(mean * (1 - mean) / variance, most) if variance > 0 else float(len(totals)))


def spearman_interval(
    predicted: NDArray[np.floating], gold: NDArray[np.floating], draws: NDArray[np.integer] | None = None
) -> Interval:
    """Return the 95 % percentile bootstrap interval of Spearman's rank correlation.

    Resamples with a constant side are skipped; if all are, the interval is (nan, nan).

    Args:
        predicted: (n,) predicted similarities.
        gold: (n,) ratings.
        draws: (n,) the draw of each pair: pairs of one draw, such as copies, are resampled together. None if each pair
            is a draw.
    """
    correlations = resampled_spearman(predicted, gold, draws)
    return percentiles(correlations[~np.isnan(correlations)])


def resampled_spearman(
    predicted: NDArray[np.floating], gold: NDArray[np.floating], draws: NDArray[np.integer] | None = None
) -> NDArray[np.float64]:
    """Return rank correlations (RESAMPLES,) of seeded bootstrap resamples; nan if a side is constant.

    The resamples depend only on the number of draws (`spearman_interval`; without `draws`, of pairs), so two models can
    be compared resample by resample on the same pairs. A resample is a vector of counts per pair. Its ranks come from
    cumulative counts in sorted order, so only the original values are sorted.
    """
    if draws is None:
        counts = resamples(len(gold))
    else:
        distinct, draw_of = np.unique(draws, return_inverse=True)
        counts = resamples(len(distinct))[:, draw_of]
    return _weighted_pearson(resampled_ranks(predicted, counts), resampled_ranks(gold, counts), counts)


def spearman_influence(
    predicted: NDArray[np.floating], gold: NDArray[np.floating]
) -> tuple[float, NDArray[np.float64]]:
    """Return Spearman's correlation and the influence (n,) of each pair: n times its change if the pair is repeated.

    Infinitesimal jackknife (Efron 1982, chapter 6). The standard error is sqrt(sum of squared influences) / n. For the
    difference between two models on the same pairs, use the differences between their influences. The change of the
    ranks is included: with s(a, b) = 1 for a < b and 1/2 for a tie, mid-ranks are U_j = mean_i s(x_i, x_j), so
    repeating x_i moves U_j by s(x_i, x_j). A constant side gives nan.
    """
    x, y = _mid_ranks(predicted), _mid_ranks(gold)
    u, v = x.ranks - x.ranks.mean(), y.ranks - y.ranks.mean()
    spread_u, spread_v = float(u @ u) / len(u), float(v @ v) / len(v)
    if spread_u == 0 or spread_v == 0:
        return float("nan"), np.full(len(u), np.nan)
    rho = float(u @ v) / len(u) / np.sqrt(spread_u * spread_v)
    moved_product = u * v + x.above(v) + y.above(u)
    moved_u, moved_v = u * u + 2 * x.above(u), v * v + 2 * y.above(v)
    moved = moved_product / np.sqrt(spread_u * spread_v) - rho / 2 * (moved_u / spread_u + moved_v / spread_v)
    return float(rho), np.asarray(moved - moved.mean(), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _MidRanks:
    """Ranks in (0, 1), equal for ties, and the level (rank among the distinct values) of each value."""

    ranks: NDArray[np.float64]
    level_of: NDArray[np.int64]

    def above(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) the mean over j of s(x_i, x_j) values_j: values above each x_i, and half of the ties."""
        totals = np.bincount(self.level_of, weights=values)
        higher = totals.sum() - np.cumsum(totals)
        return np.asarray((higher + totals / 2)[self.level_of] / len(values), dtype=np.float64)


def _mid_ranks(values: NDArray[np.floating]) -> _MidRanks:
    _, level_of, counts = np.unique(values, return_inverse=True, return_counts=True)
    return _MidRanks(((np.cumsum(counts) - counts / 2) / len(values))[level_of], level_of)


@lru_cache(maxsize=2)
def resamples(n: int) -> NDArray[np.float64]:
    """Return the counts (RESAMPLES, n) of each item in each bootstrap resample. They depend only on n."""
    drawn = np.random.default_rng(SEED).integers(0, n, size=(RESAMPLES, n))
    drawn += n * np.arange(RESAMPLES)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n).astype(float)
    counts.flags.writeable = False
    return counts


def wilson_interval(mean: float, n: float) -> Interval:
    """Return Wilson's 1927 score interval (95 %) of a proportion in [0, 1] from n independent judgements."""
    center = (mean + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 * np.sqrt(mean * (1 - mean) / n + (Z_95 / (2 * n)) ** 2) / (1 + Z_95**2 / n)
    # Rounding could put the mean outside the interval when nothing or everything is a hit.
    return (max(0.0, min(mean, float(center - half))), min(1.0, max(mean, float(center + half))))


def spearman_interval_by_n(rho: float, n: int) -> Interval:
    """Return the 95 % interval of Spearman's correlation from n pairs, if only the correlation is known.

    Fisher's z with the standard error of Bonett and Wright 2000, sqrt((1 + rho^2 / 2) / (n - 3)). Fewer than 4 pairs
    give (-1, 1).
    """
    if n < 4:
        return (-1.0, 1.0)
    if abs(rho) >= 1:
        return (rho, rho)
    half = Z_95 * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return float(np.tanh(np.arctanh(rho) - half)), float(np.tanh(np.arctanh(rho) + half))


def resampled_ranks(values: NDArray[np.floating], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mid-ranks (resamples, n) of the original values in each resample."""
    levels, level_of = np.unique(values, return_inverse=True)
    order = np.argsort(level_of, kind="stable")
    starts = np.searchsorted(level_of[order], np.arange(len(levels)))
    per_level = np.add.reduceat(counts[:, order], starts, axis=1)
    ranks = np.cumsum(per_level, axis=1) - per_level / 2
    return np.asarray(ranks[:, level_of], dtype=np.float64)


def _weighted_pearson(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    covariance = (weights * x * y).sum(axis=1)
    scale = np.sqrt((weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1))
    correlations = np.full(len(scale), np.nan)
    np.divide(covariance, scale, out=correlations, where=scale > 0)
    return correlations


def percentiles(values: NDArray[np.float64]) -> Interval:
    """Return the 2.5th and 97.5th percentiles; (nan, nan) without values."""
    if not len(values):
        return (float("nan"), float("nan"))
    low, high = np.percentile(values, [2.5, 97.5])
    return (float(low), float(high))
