"""Intervals of means over subsets, against those of one subset and a bootstrap, and in edge cases."""

from __future__ import annotations

import numpy as np
import pytest

from bitext_bench.scoring.f1 import f1_influence, f1_interval
from bitext_bench.scoring.intervals import mean_interval
from leaderboard.stats.differences import Evidence, MinedOutcomes, ShareOutcomes
from leaderboard.stats.mean_interval import interval_of_mean
from leaderboard.stats.paired import Correlation


def shares(hits: np.ndarray, judgements: int = 1) -> ShareOutcomes:
    return ShareOutcomes(np.asarray(hits, dtype=np.int16), judgements, lower_is_better=False)


@pytest.mark.parametrize("judgements", [1, 2])
def test_one_subset_has_the_interval_of_the_result_file(judgements: int) -> None:
    hits = np.random.default_rng(0).binomial(judgements, 0.9, size=1_000)
    expected = mean_interval(hits / judgements, judgements)
    assert interval_of_mean([shares(hits, judgements)]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("lower", [False, True])
def test_no_misses_do_not_give_a_point(lower: bool) -> None:
    perfect = [ShareOutcomes(np.ones(1_012, np.int16), 1, lower_is_better=lower)] * 20
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["correlation", "mined"])
def test_it_agrees_with_a_bootstrap_of_the_sentences(kind: str) -> None:
    """Two subsets of different sizes, resampled 800 times by index."""
    generator = np.random.default_rng(2)
    subsets = [_correlation(generator, n) if kind == "correlation" else _mined(generator, n) for n in (400, 700)]
    draws = [np.mean([_score(_drawn(subset, generator)) for subset in subsets]) for _ in range(800)]
    low, high = interval_of_mean(subsets)
    # Wilson's interval is shifted slightly towards 1/2.
    mean = np.mean([_score(subset) for subset in subsets])
    assert (low + high) / 2 == pytest.approx(mean, abs=1e-9 if kind == "correlation" else 0.002)
    assert high - low == pytest.approx(2 * 1.96 * np.std(draws), rel=0.1)


def test_f1_of_one_subset_has_its_own_interval() -> None:
    """Some misses add a wrong pair; one case has no misses."""
    found = _mined(np.random.default_rng(3), 400)
    assert interval_of_mean([found]) == pytest.approx(f1_interval(found.counts), abs=1e-12)
    perfect = MinedOutcomes(np.arange(400), np.arange(400), np.ones(400, bool), np.ones(400, bool))
    assert interval_of_mean([perfect]) == pytest.approx(f1_interval(perfect.counts), abs=1e-12)
    assert interval_of_mean([perfect, perfect])[0] < 0.995


def _correlation(generator: np.random.Generator, n: int) -> Correlation:
    gold = generator.integers(0, 6, n).astype(float)
    return Correlation(gold + 2 * generator.standard_normal(n), gold)


def _mined(generator: np.random.Generator, n: int) -> MinedOutcomes:
    """Gold pairs are (i, i); half of the missed sources are mined with a target that has no translation."""
    rows = np.arange(n)
    missed = generator.random(n) < 0.2
    wrong = rows[missed & (generator.random(n) < 0.5)]
    taken = np.concatenate([~missed, np.ones(len(wrong), bool)])
    gold = np.arange(len(taken)) < n
    return MinedOutcomes(np.concatenate([rows, wrong]), np.concatenate([rows, wrong + n]), taken, gold)


def _drawn(subset: Evidence, generator: np.random.Generator) -> Evidence:
    """Resample STS pairs, or gold pairs with the wrong pairs of their sentences, in new rows."""
    if isinstance(subset, Correlation):
        rows = generator.integers(0, len(subset.gold), len(subset.gold))
        return Correlation(subset.scores[rows], subset.gold[rows])
    assert isinstance(subset, MinedOutcomes)
    n = int(subset.gold.sum())
    pairs = [np.flatnonzero(subset.source == row) for row in range(n)]
    chosen = [(new, i) for new, row in enumerate(generator.integers(0, n, n)) for i in pairs[row]]
    new, i = np.array(chosen).T
    return MinedOutcomes(new, np.where(subset.gold[i], new, new + n), subset.taken[i], subset.gold[i])


def _score(subset: Evidence) -> float:
    if isinstance(subset, Correlation):
        return subset.observed[0]
    assert isinstance(subset, MinedOutcomes)
    return f1_influence(subset.counts)[0]
