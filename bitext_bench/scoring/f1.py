"""F1 of mined pairs with its 95 % interval, from clusters of dependent outcomes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .intervals import Interval, wilson_interval


def cluster_pairs(source: NDArray[np.integer], target: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the cluster (P,) of each pair. Pairs that share a sentence are in the same cluster.

    If a sentence of a gold pair is mined with another sentence, the missed pair and the wrong pair are one event and
    belong to one cluster. Clusters are numbered by their lowest source row.

    Args:
        source: (P,) source rows of the mined and gold pairs.
        target: (P,) target rows.
    """
    sources, left = np.unique(source, return_inverse=True)
    targets, right = np.unique(target, return_inverse=True)
    parent = list(range(len(sources) + len(targets)))  # union-find; each root is the lowest sentence of its cluster

    def root(sentence: int) -> int:
        while parent[sentence] != sentence:
            parent[sentence] = sentence = parent[parent[sentence]]
        return sentence

    for one, other in zip(left.tolist(), (right + len(sources)).tolist(), strict=True):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return np.asarray(np.unique([root(one) for one in left.tolist()], return_inverse=True)[1], dtype=np.int64)


def count_outcomes(
    cluster: NDArray[np.int64], taken: NDArray[np.bool_], gold: NDArray[np.bool_], n_clusters: int
) -> NDArray[np.int64]:
    """Count true positives, false positives and false negatives in each cluster, (C, 3).

    Args:
        cluster: (P,) the cluster of each pair, from `cluster_pairs`.
        taken: (P,) whether the pair was mined.
        gold: (P,) whether the pair is gold; all gold pairs must be included.
        n_clusters: C.
    """
    kinds = (taken & gold, taken & ~gold, ~taken & gold)
    return np.stack([np.bincount(cluster[kind], minlength=n_clusters) for kind in kinds], axis=1)


def cluster_counts(
    source: NDArray[np.integer], target: NDArray[np.integer], taken: NDArray[np.bool_], gold: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Cluster the pairs of one model, (P,) each, and return their `count_outcomes`."""
    cluster = cluster_pairs(source, target)
    return count_outcomes(cluster, taken, gold, int(cluster.max(initial=-1)) + 1)


def f1_influence(counts: NDArray[np.integer]) -> tuple[float, NDArray[np.float64]]:
    """Return F1 and the influence (C,) of each cluster on it, from the counts (C, 3) of `count_outcomes`.

    F1 = sum(2 TP) / sum(2 TP + FP + FN) is a ratio of two sums over clusters, so its variance is the sum of the
    squared influences (linearization: Cochran 1977, section 6.3; with clusters as units: section 9).
    """
    right = 2 * counts[:, 0]
    denominators = right + counts[:, 1] + counts[:, 2]
    total = max(1, int(denominators.sum()))
    f1 = float(right.sum()) / total
    return f1, np.asarray((right - f1 * denominators) / total, dtype=np.float64)


def f1_interval(counts: NDArray[np.integer]) -> Interval:
    """Return the 95 % interval of F1 from the counts (C, 3) of `count_outcomes`; (nan, nan) without pairs.

    This is Wilson's interval with the number of independent judgements that gives F1 the same variance,
    n = F1 (1 - F1) / variance. If F1 is 0 or 1, n is the number of clusters: a missed gold pair usually comes with
    a wrong pair in its cluster.
    """
    if not counts.any():
        return (float("nan"), float("nan"))
    f1, influence = f1_influence(counts)
    return proportion_interval(f1, float(influence @ influence), len(counts))


def proportion_interval(share: float, variance: float, n: float) -> Interval:
    """Return Wilson's 95 % interval of a share in [0, 1] with this variance; with n judgements if the variance is 0."""
    return wilson_interval(share, share * (1 - share) / variance if variance > 0 and 0 < share < 1 else n)
