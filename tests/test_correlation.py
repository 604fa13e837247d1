"""Correlations: hand-known answers, and scipy's to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from bitext_bench.scoring.correlation import average_ranks, pearson, spearman

Values = NDArray[np.float64]


@pytest.mark.parametrize(
    ("x", "y", "of_ranks", "linear"),
    [
        ([1, 2, 3], [1, 4, 9], 1.0, 4 * math.sqrt(3) / 7),
        ([1, 2, 3], [3, 2, 1], -1.0, -1.0),
        ([0, 1], [5, 7], 1.0, 1.0),
        ([1, 1, 2, 2], [1, 2, 1, 2], 0.0, 0.0),
        ([1, 1, 2], [1, 2, 3], math.sqrt(3) / 2, math.sqrt(3) / 2),
        ([1, 1, 1], [1, 2, 3], math.nan, math.nan),
        ([1, 2, 3], [0, 0, 0], math.nan, math.nan),
    ],
)
def test_hand_known(x: list[float], y: list[float], of_ranks: float, linear: float) -> None:
    a, b = np.array(x, float), np.array(y, float)
    assert spearman(a, b) == pytest.approx(of_ranks, abs=1e-15, nan_ok=True)
    assert pearson(a, b) == pytest.approx(linear, abs=1e-15, nan_ok=True)


def test_ties_share_the_mean_of_their_ranks() -> None:
    assert average_ranks(np.array([30.0, 10, 20, 10, 10])).tolist() == [5, 2, 4, 2, 2]


def scipys(x: Values, y: Values) -> tuple[float, float]:
    return stats.spearmanr(x, y).statistic, stats.pearsonr(x, y).statistic


PAIRS = st.lists(
    st.tuples(st.floats(-1, 1), st.one_of(st.floats(0, 5), st.sampled_from([0.0, 1.0, 2.5, 5.0]))),
    min_size=2,
    max_size=40,
)


@pytest.mark.filterwarnings("ignore::scipy.stats.NearConstantInputWarning")
@given(PAIRS)
def test_equal_to_scipy(pairs: list[tuple[float, float]]) -> None:
    x, y = np.array(pairs).T.copy()
    assume(np.ptp(x) > 1e-9 and np.ptp(y) > 1e-9)
    assert (spearman(x, y), pearson(x, y)) == scipys(x, y)


@pytest.mark.parametrize("n", [2, 3, 250, 1379, 3750])
def test_equal_to_scipy_on_sets_of_usual_size(n: int) -> None:
    generator = np.random.default_rng(n)
    gold = generator.integers(0, 26, n) / 5
    cosines = 0.6 + 0.02 * gold + 0.05 * generator.standard_normal(n)
    assert (spearman(cosines, gold), pearson(cosines, gold)) == scipys(cosines, gold)
    tied, other = generator.standard_normal(n).round(1), generator.standard_normal(n)
    assert (spearman(tied, other), pearson(tied, other)) == scipys(tied, other)
