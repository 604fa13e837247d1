"""Intervals: scipy's on the same data, coverage in simulation, the edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bitext_bench.significance import _resampled_ranks, _weighted_pearson, f1_interval, mean_interval, spearman_interval


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (1, 1000), (837, 1000), (500, 1012)])
def test_hits_and_misses_have_wilsons_interval(hits: int, n: int) -> None:
    outcomes = np.repeat([1.0, 0.0], [hits, n - hits])
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert mean_interval(outcomes) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("p", [0.75, 0.9, 0.98])
@pytest.mark.parametrize("correlation", [0.0, 0.6, 1.0])
def test_coverage_of_the_mean_of_two_directions(p: float, correlation: float) -> None:
    generator = np.random.default_rng(7)
    covered, n, rounds = 0, 500, 2_000
    for _ in range(rounds):
        forward = generator.random(n) < p
        again = generator.random(n) < p
        backward = np.where(generator.random(n) < correlation, forward, again)
        low, high = mean_interval((forward + backward.astype(float)) / 2, judgements=2)
        covered += low <= p <= high
    assert 0.93 <= covered / rounds <= 0.97


def test_nothing_missed_is_not_certainty() -> None:
    low, high = mean_interval(np.ones(1_012), judgements=20)
    assert low < 1.0
    assert high == pytest.approx(1.0)


def test_resampled_ranks_are_those_of_the_resample() -> None:
    generator = np.random.default_rng(0)
    predicted, gold = generator.random(40).round(1), generator.integers(0, 6, 40).astype(float)
    drawn = generator.integers(0, 40, 40)
    counts = np.bincount(drawn, minlength=40)[None].astype(float)
    found = _weighted_pearson(_resampled_ranks(predicted, counts), _resampled_ranks(gold, counts), counts)
    assert found[0] == pytest.approx(stats.spearmanr(predicted[drawn], gold[drawn])[0], abs=1e-12)


def test_the_spearman_interval_is_that_of_a_plain_bootstrap() -> None:
    generator = np.random.default_rng(1)
    gold = generator.integers(0, 11, 400) / 2
    predicted = gold + 2 * generator.standard_normal(400)
    draws = [generator.integers(0, 400, 400) for _ in range(1_000)]
    plain = np.percentile([stats.spearmanr(predicted[d], gold[d])[0] for d in draws], [2.5, 97.5])
    assert spearman_interval(predicted, gold) == pytest.approx(plain, abs=0.012)
    assert spearman_interval(predicted, gold) == spearman_interval(predicted, gold)


def test_a_constant_side_has_no_interval() -> None:
    assert all(np.isnan(spearman_interval(np.ones(5), np.arange(5.0))))


@pytest.mark.parametrize(("correct", "wrong", "missed"), [(300, 50, 100), (5, 0, 0), (0, 3, 4)])
def test_the_f1_interval_holds_the_point(correct: int, wrong: int, missed: int) -> None:
    low, high = f1_interval(correct, wrong, missed)
    assert low <= 2 * correct / (2 * correct + wrong + missed) <= high
    assert 0 <= low <= high <= 1


def test_no_pair_has_no_f1_interval() -> None:
    assert all(np.isnan(f1_interval(0, 0, 0)))
