"""Intervals of means over subsets: those of one subset, a bootstrap's, and the edges."""

from __future__ import annotations

import numpy as np
import pytest

from bitext_bench.significance import f1_interval, mean_interval
from leaderboard.difference import Evidence, Mined, Shares
from leaderboard.paired import Correlation
from leaderboard.spread import interval_of_mean


def shares(hits: np.ndarray, judgements: int = 1) -> Shares:
    return Shares(np.asarray(hits, dtype=np.int16), judgements, lower_is_better=False)


@pytest.mark.parametrize("judgements", [1, 2])
def test_of_one_subset_it_is_that_of_the_result_file(judgements: int) -> None:
    hits = np.random.default_rng(0).binomial(judgements, 0.9, size=1_000)
    expected = mean_interval(hits / judgements, judgements)
    assert interval_of_mean([shares(hits, judgements)]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("lower", [False, True])
def test_nothing_missed_is_not_certainty(lower: bool) -> None:
    perfect = [Shares(np.ones(1_012, np.int16), 1, lower_is_better=lower)] * 20
    low, high = interval_of_mean(perfect)
    expected = mean_interval(np.zeros(1_012) if lower else np.ones(1_012))
    assert (low, high) == pytest.approx(expected, abs=1e-12)


def test_the_same_sentences_again_add_nothing_and_others_do() -> None:
    generator = np.random.default_rng(1)
    one = shares(generator.random(1_000) < 0.8)
    low, high = interval_of_mean([one])
    assert interval_of_mean([one, one, one]) == pytest.approx((low, high), abs=1e-9)
    others = [shares(generator.random(1_000) < 0.8) for _ in range(4)]
    less, more = interval_of_mean(others)
    assert more - less == pytest.approx((high - low) / 2, rel=0.08)


@pytest.mark.parametrize("kind", ["correlation", "mined"])
def test_it_covers_what_a_bootstrap_of_the_sentences_covers(kind: str) -> None:
    """Two subsets of different size, each drawn anew 800 times by index."""
    generator = np.random.default_rng(2)
    subsets = [_correlation(generator, n) if kind == "correlation" else _mined(generator, n) for n in (400, 700)]
    draws = [np.mean([_score(_drawn(subset, generator)) for subset in subsets]) for _ in range(800)]
    low, high = interval_of_mean(subsets)
    assert (low + high) / 2 == pytest.approx(np.mean([_score(subset) for subset in subsets]), abs=1e-9)
    assert high - low == pytest.approx(2 * 1.96 * np.std(draws), rel=0.1)


def test_f1_of_one_subset_is_near_its_own_interval() -> None:
    mined = Mined(np.arange(400), np.arange(400) >= 40, n_gold=420)
    assert interval_of_mean([mined]) == pytest.approx(f1_interval(360, 40, 60), abs=0.005)


def _correlation(generator: np.random.Generator, n: int) -> Correlation:
    gold = generator.integers(0, 6, n).astype(float)
    return Correlation(gold + 2 * generator.standard_normal(n), gold)


def _mined(generator: np.random.Generator, n: int) -> Mined:
    return Mined(np.arange(n), generator.random(n) < 0.8, n_gold=n)


def _drawn(subset: Evidence, generator: np.random.Generator) -> Evidence:
    if isinstance(subset, Correlation):
        rows = generator.integers(0, len(subset.gold), len(subset.gold))
        return Correlation(subset.scores[rows], subset.gold[rows])
    assert isinstance(subset, Mined)
    missed = subset.n_gold - int(subset.right.sum())
    kinds = np.concatenate([np.where(subset.right, 1, 0), np.full(missed, 2)])
    drawn = kinds[generator.integers(0, len(kinds), len(kinds))]
    right = drawn[drawn < 2] == 1
    return Mined(np.arange(len(right)), right, n_gold=int((drawn > 0).sum()))


def _score(subset: Evidence) -> float:
    if isinstance(subset, Correlation):
        return subset.observed[0]
    assert isinstance(subset, Mined)
    return float(2 * subset.right.sum() / (len(subset.right) + subset.n_gold))
