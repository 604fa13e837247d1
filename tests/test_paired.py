"""Paired tests against scipy and statsmodels, with simulated error rates and interval coverage."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import voigt_profile
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from leaderboard.stats.paired import (
    Correlation,
    Difference,
    average,
    f1_difference,
    holm_correction,
    mean_difference,
    over_seeds,
    spearman_difference,
)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [100, 1_000])
def test_one_direction_gives_mcnemars_test(seed: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.random((2, n)) < [[0.9], [0.86]]
    table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(~a & b), np.sum(~a & ~b)]]
    found = mean_difference(a.astype(int), b.astype(int), 1)
    assert found.p == pytest.approx(mcnemar(table, exact=False, correction=False).pvalue, rel=1e-9)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert (found.wins, found.losses) == (table[0][1], table[1][0])


def test_several_judgements_have_the_normal_form_of_the_sign_flip_test() -> None:
    """The sum of differences with random signs has a known standard deviation."""
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 21, size=(2, 500))
    d = a - b
    flipped = generator.choice([-1, 1], size=(4_000, 500)) @ d
    p = mean_difference(a, b, 20).p
    assert p == pytest.approx(2 * stats.norm.sf(abs(d.sum()) / np.sqrt((d**2).sum())), rel=1e-9)
    assert p == pytest.approx(np.mean(abs(flipped) >= abs(d.sum())), abs=0.03)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
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


@pytest.mark.parametrize("rows", [20, 100])
def test_identical_models_tie(rows: int) -> None:
    generator = np.random.default_rng(0)
    hits, scores, gold = generator.integers(0, 3, size=rows), generator.random(rows), generator.random(rows)
    counts = generator.integers(0, 2, size=(rows, 3))
    for same in (
        mean_difference(hits, hits, 2),
        spearman_difference(Correlation(scores, gold), Correlation(scores, gold)),
        f1_difference(counts, counts),
    ):
        assert (same.value, same.p, same.wins, same.losses) == (0, 1, 0, 0)
        assert same.interval[0] == -same.interval[1]


@pytest.mark.parametrize(("judgements", "n"), [(1, 100), (1, 1_000), (2, 100)])
def test_equal_hits_do_not_give_a_point(judgements: int, n: int) -> None:
    """Tango's interval reaches z^2 / (n + z^2); a second judgement halves it."""
    low, high = mean_difference(np.ones(n, int), np.ones(n, int), judgements).interval
    assert high == pytest.approx(1.96**2 / (n + 1.96**2) / judgements, rel=1e-3)
    assert low == -high


def test_three_sentences_are_not_enough() -> None:
    assert mean_difference(np.array([1, 1, 0]), np.array([0, 1, 0]), 1).interval == (-1, 1)


def slow_interval(d: np.ndarray, step: float) -> tuple[float, float]:
    """Try all differences; reject those more than 1.96 standard errors from the mean."""
    tried = np.linspace(-1, 1, 20_001)
    mean = d.mean()
    around = np.var(d) + (mean - tried) ** 2
    error = np.sqrt(np.maximum(around, step * np.abs(tried) - tried**2) / len(d))
    accepted = tried[abs(mean - tried) <= stats.norm.ppf(0.975) * error + 1e-12]
    return accepted.min(), accepted.max()


@pytest.mark.parametrize("judgements", [1, 2])
@given(st.lists(st.sampled_from([-2, -1, 0, 0, 0, 0, 0, 1, 1, 2]), min_size=12, max_size=60))
def test_the_interval_has_all_differences_that_the_test_does_not_reject(
    judgements: int, differences: list[int]
) -> None:
    whole = np.array(differences) if judgements == 2 else np.sign(differences)
    found = mean_difference(whole, np.zeros(len(whole), int), judgements)
    assert found.interval == pytest.approx(slow_interval(whole / judgements, 1 / judgements), abs=2e-4)


def test_f1_is_computed_from_the_counts() -> None:
    # A: 2 right, 1 wrong; B: 1 right, none wrong; 4 gold.
    a = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2]])
    b = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 2]])
    found = f1_difference(a, b)
    assert found.value == pytest.approx(2 * 2 / (3 + 4) - 2 * 1 / (1 + 4))
    assert (found.wins, found.losses) == (1, 1)
    assert found.interval[0] <= found.value <= found.interval[1]


def test_the_influences_of_f1_have_the_bootstraps_standard_error() -> None:
    generator = np.random.default_rng(2)
    a, b = (mined(generator.random(500) < recall, generator.random(500) < 0.6) for recall in (0.9, 0.85))
    found = f1_difference(a, b)
    (influence,) = found.influence.values()
    drawn = [f1_difference(a[rows], b[rows]).value for rows in generator.integers(0, 500, (2_000, 500))]
    assert np.sqrt(influence @ influence) == pytest.approx(np.std(drawn), rel=0.06)
    assert found.interval == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.006)


def mined(hit: np.ndarray, adds: np.ndarray) -> np.ndarray:
    """Return right, wrong and missed pairs of clusters with one gold pair each; some misses add a wrong pair."""
    return np.stack([hit, ~hit & adds, ~hit], axis=1).astype(int)


def test_subsets_that_share_their_sentences_are_one_sample() -> None:
    """Three copies of a subset give no more evidence than one; three different subsets do."""
    generator = np.random.default_rng(3)
    hits = (generator.random((3, 2, 400)) < [[0.9], [0.87]]).astype(int)
    once, others = mean_difference(hits[0, 0], hits[0, 1], 1), [mean_difference(a, b, 1) for a, b in hits]
    thrice = average([once, once, once])
    assert thrice.p == pytest.approx(once.p)
    assert thrice.interval == pytest.approx(once.interval)
    mean = average(others)
    assert mean.value == pytest.approx(np.mean([d.value for d in others]))
    drawn = (hits[:, 0] - hits[:, 1]).mean(axis=0)[generator.integers(0, 400, (2_000, 400))].mean(axis=1)
    assert mean.interval == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.004)
    assert np.ptp(mean.interval) < 0.7 * np.ptp(once.interval)


def made(value: float, influence: dict[int, np.ndarray]) -> Difference:
    return Difference(value, influence)


def test_variance_over_seeds_only_gives_students_test() -> None:
    """Without variance over sentences, the values of the runs are an ordinary sample."""
    values = [0.02, 0.05, 0.03]
    found = over_seeds([made(value, {100: np.zeros(100)}) for value in values])
    expected = stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx(expected.confidence_interval(0.95))
    assert found.negated().p == pytest.approx(expected.pvalue)
    assert found.negated().interval == pytest.approx([-end for end in found.interval[::-1]])


def test_equal_seeds_give_the_p_of_one_run() -> None:
    """If all seeds have equal values, p is that of a single run."""
    moved = np.random.default_rng(0).normal(0, 0.001, 400)
    found = over_seeds([made(0.04, {400: moved})] * 3)
    assert found.p == pytest.approx(2 * stats.norm.sf(0.04 / np.sqrt(moved @ moved)))
    once = made(0.04, {400: moved})
    assert over_seeds([once]) is once


@pytest.mark.parametrize("of_sentences", [0.001, 0.01, 0.1])
def test_two_seeds_have_voigts_distribution(of_sentences: float) -> None:
    """Student's T with one degree of freedom is Cauchy's; its sum with a normal variable has Voigt's closed form."""
    moved = np.full(100, of_sentences / 10)
    found = over_seeds([made(0.02, {100: moved}), made(0.05, {100: moved})])

    def tails(value: float) -> float:
        return 2 * quad(lambda x: voigt_profile(x, of_sentences, 0.015), value, np.inf, limit=200)[0]

    assert found.p == pytest.approx(tails(found.value), rel=1e-6)
    assert tails((found.interval[1] - found.interval[0]) / 2) == pytest.approx(0.05, rel=1e-6)


def test_seeds_are_shared_by_the_subsets_of_a_task() -> None:
    """The runs of a mean are the runs' means: one seed on two subsets is not two samples."""
    subsets = [
        over_seeds([made(value, {n: np.zeros(n)}) for value in values])
        for n, values in ((100, (0.01, 0.05, 0.03)), (200, (0.03, 0.07, 0.02)))
    ]
    expected = stats.ttest_1samp([0.02, 0.06, 0.025], 0)
    assert average(subsets).p == pytest.approx(expected.pvalue)
    assert average(subsets).interval == pytest.approx(expected.confidence_interval(0.95))


@pytest.mark.parametrize("of_seeds", [0.0, 0.01, 0.02, 0.1])
def test_equal_recipes_rarely_differ_over_seeds(of_seeds: float) -> None:
    """Simulate sentences, seeds, and seed effects on single sentences: at most 5 % of 1,000 equal recipes differ."""
    generator = np.random.default_rng(4)
    n, k, found = 300, 3, 0
    for _ in range(1_000):
        d = generator.normal(0, of_seeds, (k, 1)) + generator.normal(0, 0.2, n) + generator.normal(0, 0.2, (k, n))
        runs = [made(row.mean(), {n: (row - row.mean()) / n}) for row in d]
        found += over_seeds(runs).p < 0.05
    assert found < 1_000 * (0.05 + 3 * np.sqrt(0.05 * 0.95 / 1_000))


Simulated = Callable[[np.random.Generator, int, float], Difference]
EVERY = 2_000


def hits(generator: np.random.Generator, n: int, gap: float, judgements: int, share: float = 0.9) -> Difference:
    """Return correlated hits of two models in correlated directions; A is better by `gap`."""
    ease = generator.normal(size=(n, 1))
    a, b = (
        (ease + generator.normal(size=(n, judgements)) * 0.7 < stats.norm.ppf(p) * np.sqrt(1.49)).sum(1)
        for p in (share + gap, share)
    )
    return mean_difference(a, b, judgements)


def coupled(generator: np.random.Generator, n: int, gap: float, recall: float = 0.9) -> Difference:
    """Each miss adds a wrong pair, so that F1 is the recall."""
    ease = generator.normal(size=n)
    lucky = [ease + generator.normal(size=n) * 0.7 < stats.norm.ppf(p) * np.sqrt(1.49) for p in (recall + gap, recall)]
    a, b = (mined(hit, np.ones(n, dtype=bool)) for hit in lucky)
    return f1_difference(a, b)


def apart(generator: np.random.Generator, n: int, gap: float, recall: float = 0.9) -> Difference:
    """As many wrong pairs as misses, but independent of them."""
    sides = []
    for p in (recall + gap, recall):
        misses = mined(generator.random(n) < p, np.zeros(n, dtype=bool))
        sides.append(np.concatenate([misses, np.outer(generator.random(n) < 1 - p, [0, 1, 0])]))
    return f1_difference(sides[0], sides[1])


def correlations(generator: np.random.Generator, n: int, gap: float) -> Difference:
    """Return scores of two models with correlated errors; for normal variables the rank correlations are known."""
    gold, shared = generator.normal(size=(2, n))
    pearson = 2 * np.sin(np.pi / 6 * (np.array([gap, 0]) + 0.7))
    a, b = (gold + np.sqrt(1 / r**2 - 1) * (0.6 * shared + 0.8 * generator.normal(size=n)) for r in pearson.tolist())
    return spearman_difference(Correlation(a, gold), Correlation(b, gold))


SIMULATED: dict[str, tuple[Simulated, float]] = {
    "one direction": (lambda g, n, gap: hits(g, n, gap, 1), 0.05),
    "two directions": (lambda g, n, gap: hits(g, n, gap, 2), 0.05),
    "twenty pairs": (lambda g, n, gap: hits(g, n, gap, 20), 0.05),
    "few misses": (lambda g, n, gap: hits(g, n, gap, 2, share=0.95), 0.02),
    "F1, each miss adds a wrong pair": (coupled, 0.05),
    "F1, recall 0.7, each miss adds a wrong pair": (lambda g, n, gap: coupled(g, n, gap, 0.7), 0.05),
    "F1, independent": (apart, 0.05),
    "correlations": (correlations, 0.1),
}


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 1_000])
@pytest.mark.parametrize("name", SIMULATED)
def test_p_and_interval_agree_and_have_the_nominal_level_and_coverage(name: str, n: int) -> None:
    """The level is at most 5.5 % and the coverage 93 to 97 %, up to simulation error (3 in 1,000)."""
    simulated, gap = SIMULATED[name]
    rounds = EVERY // (1 if n == 100 else 4) // (2 if name == "correlations" else 1)
    slack = 2.75 * np.sqrt(0.05 * 0.95 / rounds)
    generator = np.random.default_rng(1)
    for truth in (0.0, gap):
        found = [simulated(generator, n, truth) for _ in range(rounds)]
        apart = np.array([d.p < 0.05 for d in found])
        without = np.array([d.interval[0] > 0 or d.interval[1] < 0 for d in found])
        assert (apart == without).all()
        covered = np.mean([d.interval[0] <= truth <= d.interval[1] for d in found])
        assert 0.93 - slack <= covered <= 0.97 + slack
        assert truth or apart.mean() <= 0.055 + slack


def test_the_power_is_as_computed() -> None:
    generator = np.random.default_rng(0)
    found = [hits(generator, 1_000, 0.01, 2, share=0.92) for _ in range(200)]
    error = np.std([d.value for d in found])
    power = stats.norm.sf(1.96 - 0.01 / error) + stats.norm.cdf(-1.96 - 0.01 / error)
    assert np.mean([d.p < 0.05 for d in found]) == pytest.approx(power, abs=0.1)


def test_holm_is_statsmodels() -> None:
    generator = np.random.default_rng(0)
    for n in (1, 2, 3, 20, 200):
        p_values = generator.choice([*generator.random(5), *generator.random(5) / 100, 0, 1], size=n).tolist()
        assert holm_correction(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist(), abs=1e-12)
