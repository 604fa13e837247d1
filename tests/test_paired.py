"""Paired tests against scipy, statsmodels and enumeration; their error rates in simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import voigt_profile
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from leaderboard.paired import (
    Correlation,
    Difference,
    f1_difference,
    holm,
    mean_difference,
    mean_of,
    over_seeds,
    sign_flip_p,
    spearman_difference,
)


@pytest.mark.parametrize("seed", range(5))
def test_one_direction_is_mcnemars_exact_test(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.random((2, 300)) < [[0.9], [0.86]]
    table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(~a & b), np.sum(~a & ~b)]]
    found = mean_difference(a.astype(int), b.astype(int), 1)
    assert found.p == pytest.approx(mcnemar(table, exact=True).pvalue, rel=1e-9)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert (found.wins, found.losses) == (table[0][1], table[1][0])


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_the_exact_test_is_the_count_of_all_signs(differences: list[int]) -> None:
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    expected = np.mean([total >= abs(sum(differences)) for total in sums])
    assert sign_flip_p(np.array(differences)) == pytest.approx(expected, abs=1e-12)


def test_long_sums_have_the_normal_distribution() -> None:
    differences = np.random.default_rng(0).integers(-30, 31, size=1_000)
    short = differences // 2  # sums to less than the bound
    assert np.abs(short).sum() < 20_000
    by_normal = 2 * stats.norm.sf(abs(short.sum()) / np.sqrt((short**2).sum()))
    assert sign_flip_p(short) == pytest.approx(by_normal, abs=0.005)
    assert np.abs(differences * 2).sum() > 20_000
    assert sign_flip_p(differences * 2) == pytest.approx(sign_flip_p(differences), abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_intervals_are_scipys_paired_bootstrap(seed: int) -> None:
    generator = np.random.default_rng(seed)
    gold = generator.normal(size=400)
    a, b = gold + generator.normal(size=(2, 400)) * [[0.8], [1.0]]
    hits = generator.integers(0, 3, size=(2, 400))

    def spearman(a, b, gold):
        return stats.spearmanr(a, gold).statistic - stats.spearmanr(b, gold).statistic

    def mean(a, b):
        return np.mean(a - b) / 2

    settings = {"paired": True, "method": "percentile", "n_resamples": 2_000, "vectorized": False, "rng": 1}
    theirs = stats.bootstrap((a, b, gold), spearman, **settings)
    ours = spearman_difference(Correlation(a, gold), Correlation(b, gold))
    assert ours.value == pytest.approx(spearman(a, b, gold))
    assert ours.interval == pytest.approx(tuple(theirs.confidence_interval), abs=0.012)
    assert ours.p == pytest.approx(2 * stats.norm.sf(abs(ours.value) / theirs.standard_error), abs=0.03)
    theirs = stats.bootstrap(tuple(hits), mean, **settings)
    assert mean_difference(hits[0], hits[1], 2).interval == pytest.approx(tuple(theirs.confidence_interval), abs=0.012)


def test_identical_models_tie() -> None:
    generator = np.random.default_rng(0)
    hits, scores, gold = generator.integers(0, 3, size=100), generator.random(100), generator.random(100)
    mined = generator.integers(0, 2, size=(100, 2))
    for same in (
        mean_difference(hits, hits, 2),
        spearman_difference(Correlation(scores, gold), Correlation(scores, gold)),
        f1_difference(mined, mined, 120),
    ):
        assert (same.value, same.p, same.interval, same.wins, same.losses) == (0, 1, (0, 0), 0, 0)


def test_f1_is_that_of_the_counts() -> None:
    # A: 2 right, 1 wrong; B: 1 right, none wrong; 4 gold.
    a, b = np.array([[1, 0], [1, 0], [0, 1]]), np.array([[1, 0], [0, 0], [0, 0]])
    found = f1_difference(a, b, 4)
    assert found.value == pytest.approx(2 * 2 / (3 + 4) - 2 * 1 / (1 + 4))
    assert (found.wins, found.losses) == (1, 1)
    assert found.interval[0] <= found.value <= found.interval[1]


def test_the_influences_of_f1_have_the_bootstraps_standard_error() -> None:
    generator = np.random.default_rng(2)
    right = generator.random((2, 500)) < [[0.9], [0.85]]
    wrong = generator.random((2, 500)) < [[0.1], [0.2]]
    a, b = (np.stack(side, axis=1).astype(int) for side in zip(right, wrong, strict=True))
    found = f1_difference(a, b, 600)
    (influence,) = found.influence.values()
    assert np.sqrt(influence @ influence) == pytest.approx(np.std(found.drawn), rel=0.06)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.value) / np.std(found.drawn)), abs=0.03)


def test_subsets_that_share_their_sentences_are_one_sample() -> None:
    """The same subset three times says no more than once; three different ones say more."""
    generator = np.random.default_rng(3)
    hits = (generator.random((3, 2, 400)) < [[0.9], [0.87]]).astype(int)
    once, others = mean_difference(hits[0, 0], hits[0, 1], 1), [mean_difference(a, b, 1) for a, b in hits]
    thrice = mean_of([once, once, once])
    assert np.std(thrice.drawn) == pytest.approx(np.std(once.drawn))
    assert thrice.p == pytest.approx(2 * stats.norm.sf(abs(once.value) / np.std(once.drawn)), rel=0.2)
    mean = mean_of(others)
    assert mean.value == pytest.approx(np.mean([d.value for d in others]))
    error = np.sqrt(sum(moved @ moved for moved in mean.influence.values()))
    assert error == pytest.approx(np.std(mean.drawn), rel=0.06)
    assert error < 0.7 * np.std(once.drawn)


def made(value: float, influence: dict[int, np.ndarray]) -> Difference:
    return Difference(value, influence, draw=lambda: np.array([value]), test=lambda: 1.0)


def test_seeds_alone_have_students_test() -> None:
    """Where no sentence matters, the runs' values are a sample like any other."""
    values = [0.02, 0.05, 0.03]
    found = over_seeds([made(value, {100: np.zeros(100)}) for value in values])
    expected = stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx(expected.confidence_interval(0.95))
    assert found.negated().p == pytest.approx(expected.pvalue)
    assert found.negated().interval == pytest.approx([-end for end in found.interval[::-1]])


def test_seeds_that_agree_say_what_one_says() -> None:
    """Their mean is then the one, and p that of its sentences."""
    moved = np.random.default_rng(0).normal(0, 0.001, 400)
    found = over_seeds([made(0.04, {400: moved})] * 3)
    assert found.p == pytest.approx(2 * stats.norm.sf(0.04 / np.sqrt(moved @ moved)))
    once = made(0.04, {400: moved})
    assert over_seeds([once]) is once


@pytest.mark.parametrize("of_sentences", [0.001, 0.01, 0.1])
def test_two_seeds_have_voigts_distribution(of_sentences: float) -> None:
    """Student's with one degree of freedom is Cauchy's, whose sum with a normal one has a name and a closed form."""
    moved = np.full(100, of_sentences / 10)
    found = over_seeds([made(0.02, {100: moved}), made(0.05, {100: moved})])

    def tails(value: float) -> float:
        return 2 * quad(lambda x: voigt_profile(x, of_sentences, 0.015), value, np.inf, limit=200)[0]

    assert found.p == pytest.approx(tails(found.value), rel=1e-6)
    assert tails((found.interval[1] - found.interval[0]) / 2) == pytest.approx(0.05, rel=1e-6)


def test_seeds_are_shared_by_the_subsets_of_a_task() -> None:
    """The mean of two subsets has the runs' means as its runs: a seed that is good in both is no two samples."""
    subsets = [
        over_seeds([made(value, {n: np.zeros(n)}) for value in values])
        for n, values in ((100, (0.01, 0.05, 0.03)), (200, (0.03, 0.07, 0.02)))
    ]
    expected = stats.ttest_1samp([0.02, 0.06, 0.025], 0)
    assert mean_of(subsets).p == pytest.approx(expected.pvalue)
    assert mean_of(subsets).interval == pytest.approx(expected.confidence_interval(0.95))


@pytest.mark.parametrize("of_seeds", [0.0, 0.01, 0.02, 0.1])
def test_of_seeds_that_do_not_differ_few_are_called_different(of_seeds: float) -> None:
    """Sentences, seeds, and what a seed does to single sentences: at most 5 % of 1,000 simulated pairs of recipes."""
    generator = np.random.default_rng(4)
    n, k, found = 300, 3, 0
    for _ in range(1_000):
        d = generator.normal(0, of_seeds, (k, 1)) + generator.normal(0, 0.2, n) + generator.normal(0, 0.2, (k, n))
        runs = [made(row.mean(), {n: (row - row.mean()) / n}) for row in d]
        found += over_seeds(runs).p < 0.05
    assert found < 1_000 * (0.05 + 3 * np.sqrt(0.05 * 0.95 / 1_000))


def simulated(n: int, rounds: int, gap: float, seed: int = 0):
    """Two models whose hits go together, in two directions that go together; A is better by `gap`."""
    generator = np.random.default_rng(seed)
    for _ in range(rounds):
        ease = generator.normal(size=(n, 1))
        a, b = (
            (ease + generator.normal(size=(n, 2)) * 0.7 < stats.norm.ppf(share) * np.sqrt(1.49)).sum(1)
            for share in (0.92 + gap, 0.92)
        )
        yield mean_difference(a, b, 2)


def test_intervals_of_the_difference_cover_and_equal_models_are_rarely_told_apart() -> None:
    found = list(simulated(1_000, 400, 0.0))
    covered = np.mean([d.interval[0] <= 0 <= d.interval[1] for d in found])
    assert 0.93 <= covered <= 0.97
    # Binomial(400, 0.05) is above 32 once in 200.
    assert np.mean([d.p < 0.05 for d in found]) <= 0.08


def test_a_point_is_found_as_often_as_its_power_says() -> None:
    found = list(simulated(1_000, 200, 0.01))
    error = np.std([d.value for d in found])
    power = stats.norm.sf(1.96 - 0.01 / error) + stats.norm.cdf(-1.96 - 0.01 / error)
    assert np.mean([d.p < 0.05 for d in found]) == pytest.approx(power, abs=0.1)


def test_holm_is_statsmodels() -> None:
    generator = np.random.default_rng(0)
    for n in (1, 2, 3, 20, 200):
        p_values = generator.choice([*generator.random(5), *generator.random(5) / 100, 0, 1], size=n).tolist()
        assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist(), abs=1e-12)
