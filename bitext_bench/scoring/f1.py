"""F1 of mined pairs with its 95 % interval: which outcomes depend on each other, and how far each moves the score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .intervals import Interval, wilson_interval


def cluster_pairs(source: NDArray[np.integer], target: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return (P,) the cluster of each pair: all pairs that are linked by sentences that they share.

    A gold pair that is missed because one of its sentences was taken with another is in one cluster with that wrong
    pair: the two are one event, not two. Numbers rise with the lowest source row of a cluster.

    Args:
        source: (P,) rows of the source side, of pairs that were mined or are gold.
        target: (P,) rows of the target side.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sources, left = np.unique(source, return_inverse=True)
    targets, right = np.unique(target, return_inverse=True)
    nodes = len(sources) + len(targets)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, len(sources) + right)), shape=(nodes, nodes))
    _, label = connected_components(graph, directed=False)
    return np.asarray(label[left], dtype=np.int64)


def count_outcomes(
    cluster: NDArray[np.int64], taken: NDArray[np.bool_], gold: NDArray[np.bool_], n_clusters: int
) -> NDArray[np.int64]:
    """Return (C, 3): how many pairs of each cluster were taken and right, taken and wrong, and missed.

    Args:
        cluster: (P,) the cluster of each pair, from `cluster_pairs`.
        taken: (P,) whether the pair was taken.
        gold: (P,) whether the pair is gold; every gold pair is there.
        n_clusters: C.
    """
    kinds = (taken & gold, taken & ~gold, ~taken & gold)
    return np.stack([np.bincount(cluster[kind], minlength=n_clusters) for kind in kinds], axis=1)


def cluster_counts(
    source: NDArray[np.integer], target: NDArray[np.integer], taken: NDArray[np.bool_], gold: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return `count_outcomes` of one model's pairs, (P,) each, over their own clusters."""
    cluster = cluster_pairs(source, target)
    return count_outcomes(cluster, taken, gold, int(cluster.max(initial=-1)) + 1)


def f1_influence(counts: NDArray[np.integer]) -> tuple[float, NDArray[np.float64]]:
    """Return F1 of (C, 3) right, wrong and missed pairs of each cluster, and (C,) how far each cluster moves it.

    F1 = sum of 2 right / sum of (2 right + wrong + missed) is a ratio of two sums over clusters, so its variance is the
    sum of the squared influences (linearization: Cochran 1977, section 6.3; with the clusters as units: section 9).
    """
    right = 2 * counts[:, 0]
    whole = right + counts[:, 1] + counts[:, 2]
    total = max(1, int(whole.sum()))
    f1 = float(right.sum()) / total
    return f1, np.asarray((right - f1 * whole) / total, dtype=np.float64)


def f1_interval(counts: NDArray[np.integer]) -> Interval:
    """Return the 95 % interval of F1 over clusters of pairs; counts as in `f1_influence`. No pair: (nan, nan).

    Wilson's interval with the number of independent judgements that would give F1 the same variance,
    n = F1 (1 - F1) / variance. Where nothing is wrong or missed, or nothing right, n is the number of clusters: what a
    gold pair is worth whose miss adds a wrong pair.
    """
    if not counts.any():
        return (float("nan"), float("nan"))
    f1, influence = f1_influence(counts)
    return proportion_interval(f1, float(influence @ influence), len(counts))


def proportion_interval(share: float, variance: float, n: float) -> Interval:
    """Return Wilson's 95 % interval of a share in [0, 1] that has this variance; n judgements where it has none."""
    return wilson_interval(share, share * (1 - share) / variance if variance > 0 and 0 < share < 1 else n)
