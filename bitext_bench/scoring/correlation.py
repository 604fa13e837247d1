"""Correlations that equal scipy's to the last bit, without the half second that `import scipy.stats` takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spearman(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Return the correlation of the ranks of two arrays (N,), in [-1, 1]; nan if one is constant. Ties share a rank."""
    if _is_constant(x) or _is_constant(y):
        return float("nan")
    correlations = np.asarray(np.corrcoef(np.column_stack((average_ranks(x), average_ranks(y))), rowvar=False))
    return float(correlations[1, 0])


def pearson(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Return the linear correlation of two arrays (N,), in [-1, 1]; nan if one is constant."""
    if _is_constant(x) or _is_constant(y):
        return float("nan")
    correlation = np.clip(np.vecdot(_standardize(x), _standardize(y)), -1.0, 1.0)
    return float(np.round(correlation) if len(x) == 2 else correlation)


def average_ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the ranks (N,) from 1; equal values share the mean of their ranks."""
    _, level_of, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[level_of], dtype=np.float64)


def _standardize(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the values minus their mean, scaled to length 1."""
    centered = np.asarray(values, dtype=np.float64) - np.mean(values, dtype=np.float64)
    largest = np.abs(centered).max()  # scaled by it, the squares of very large values do not overflow
    return np.asarray(centered / (largest * np.linalg.norm(centered / largest, axis=0)), dtype=np.float64)


def _is_constant(values: NDArray[np.floating]) -> bool:
    return bool((values == values[0]).all())
