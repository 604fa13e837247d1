"""Intervals: scipy's on the same data, coverage in simulation, the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bitext_bench.scoring.intervals import (
    RESAMPLES,
    SEED,
    _weighted_pearson,
    clustered_interval,
    mean_interval,
    resampled_ranks,
    resampled_spearman,
    spearman_influence,
    spearman_interval,
)


@pytest.mark.parametrize(
    ("hits", "n"), [(0, 1), (1, 1), (0, 10), (10, 10), (1, 1000), (837, 1000), (500, 1012), (99_999, 100_000)]
)
def test_hits_and_misses_havewilsons_interval(hits: int, n: int) -> None:
    outcomes = np.repeat([1.0, 0.0], [hits, n - hits])
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert mean_interval(outcomes) == pytest.approx((expected.low, expected.high), abs=1e-12)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=40), st.integers(1, 6))
def test_the_interval_holds_the_mean_and_mirrors(values: list[float], judgements: int) -> None:
    outcomes = np.array(values)
    low, high = mean_interval(outcomes, judgements)
    assert 0.0 <= low <= outcomes.mean() + 1e-12
    assert outcomes.mean() - 1e-12 <= high <= 1.0
    assert low < high  # never certain
    # Of misses it is the same interval, seen from the other end.
    assert mean_interval(1 - outcomes, judgements) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_a_second_direction_is_worth_what_it_adds() -> None:
    """The same outcome twice is worth nothing; an independent one is worth as much as the first; never more."""
    first = np.repeat([1.0, 1.0, 0.0, 0.0], 100)
    independent = np.tile([1.0, 0.0], 200)
    alone = mean_interval(first)
    assert mean_interval((first + first) / 2, judgements=2) == pytest.approx(alone, abs=1e-12)
    twice = mean_interval(np.concatenate([first, independent]))
    assert mean_interval((first + independent) / 2, judgements=2) == pytest.approx(twice, abs=1e-12)
    # Directions that fail in turn have almost no variance: that is no evidence beyond two judgements.
    opposite = np.full(400, 0.5)
    opposite[0] = 1.0
    low, high = mean_interval(opposite, judgements=2)
    assert high - low > 0.99 * (twice[1] - twice[0])


# (n = 100 at 0.99 is one of the places where no interval of whole hits comes nearer: 0.921.)
@pytest.mark.parametrize("n", [100, 400, 500, 1_000, 1_012])
@pytest.mark.parametrize("p", [0.5, 0.75, 0.86, 0.9, 0.95, 0.98])
def test_coverage_of_one_direction(n: int, p: float) -> None:
    """Exact: the probability of every number of hits whose interval holds p."""
    covered = 0.0
    for hits in range(n + 1):
        probability = float(stats.binom.pmf(hits, n, p))
        if probability > 1e-9:
            low, high = mean_interval(np.repeat([1.0, 0.0], [hits, n - hits]))
            covered += probability * (low <= p <= high)
    assert 0.93 <= covered <= 0.97


def test_coverage_over_many_pairs_of_sentences_of_unequal_difficulty() -> None:
    """FLORES: 20 judgements of each of 300 sentences, some of which are hard in every language."""
    generator = np.random.default_rng(11)
    covered, rounds = 0, 1_000
    for _ in range(rounds):
        difficulty = generator.beta(0.5, 4.5, size=300)  # one error in ten on average
        low, high = mean_interval(generator.binomial(20, difficulty) / 20, judgements=20)
        covered += low <= 0.1 <= high
    assert 0.93 <= covered / rounds <= 0.97


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


@pytest.mark.parametrize("judgements", [1, 2, 20])
def test_nothing_missed_is_not_certainty(judgements: int) -> None:
    low, high = mean_interval(np.ones(1_012), judgements)
    assert 0.99 < low < 0.999
    assert high == pytest.approx(1.0)
    assert mean_interval(np.zeros(1_012), judgements) == pytest.approx((0.0, 1 - low), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(n=st.integers(3, 40), seed=st.integers(0, 999), levels=st.integers(2, 50))
def testresampled_ranks_are_those_of_the_resample(n: int, seed: int, levels: int) -> None:
    generator = np.random.default_rng(seed)
    predicted, gold = generator.standard_normal(n).round(1), generator.integers(0, levels, n).astype(float)
    draws = generator.integers(0, n, (4, n))
    counts = np.stack([np.bincount(drawn, minlength=n) for drawn in draws]).astype(float)
    found = _weighted_pearson(resampled_ranks(predicted, counts), resampled_ranks(gold, counts), counts)
    expected = [
        stats.spearmanr(predicted[drawn], gold[drawn])[0]
        if np.ptp(predicted[drawn]) and np.ptp(gold[drawn])
        else np.nan  # with a constant there is no correlation
        for drawn in draws
    ]
    assert found.tolist() == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("n", [2, 60])
def test_the_spearman_interval_is_the_percentiles_of_its_resamples(n: int) -> None:
    """Each of the 1,000 drawn by index, ranked by scipy and correlated by numpy."""
    generator = np.random.default_rng(3)
    gold = generator.integers(0, 6, n).astype(float)
    gold[0] += 0.5
    predicted = (gold + generator.standard_normal(n)).round(1)
    correlations = []
    for drawn in np.random.default_rng(SEED).integers(0, n, size=(RESAMPLES, n)):
        if np.ptp(predicted[drawn]) and np.ptp(gold[drawn]):
            ranks = stats.rankdata([predicted[drawn], gold[drawn]], axis=1)
            correlations.append(np.corrcoef(ranks)[0, 1])
    assert len(correlations) > RESAMPLES / 3
    expected = np.percentile(correlations, [2.5, 97.5])
    assert spearman_interval(predicted, gold) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_spearman_interval_is_that_of_a_plain_bootstrap() -> None:
    generator = np.random.default_rng(1)
    gold = generator.integers(0, 11, 400) / 2
    predicted = gold + 2 * generator.standard_normal(400)
    draws = [generator.integers(0, 400, 400) for _ in range(600)]
    plain = np.percentile([stats.spearmanr(predicted[d], gold[d])[0] for d in draws], [2.5, 97.5])
    assert spearman_interval(predicted, gold) == pytest.approx(plain, abs=0.012)
    assert spearman_interval(predicted, gold) == spearman_interval(predicted, gold)


@settings(deadline=None, max_examples=40)
@given(n=st.integers(3, 40), levels=st.integers(2, 50), seed=st.integers(0, 999), data=st.data())
def test_an_influence_is_what_one_more_pair_moves(n: int, levels: int, seed: int, data: st.DataObject) -> None:
    """By its definition: scipy's correlation of a thousand copies of the sample and one pair more."""
    generator = np.random.default_rng(seed)
    predicted, gold = generator.standard_normal(n).round(1), generator.integers(0, levels, n).astype(float)
    rho, influence = spearman_influence(predicted, gold)
    if not np.ptp(predicted) or not np.ptp(gold):
        assert np.isnan(rho) and np.isnan(influence).all()
        return
    assert rho == pytest.approx(stats.spearmanr(predicted, gold).statistic, abs=1e-12)
    i, copies = data.draw(st.integers(0, n - 1)), 1_000
    more = [np.append(np.repeat(side, copies), side[i]) for side in (predicted, gold)]
    moved = stats.spearmanr(*more).statistic - stats.spearmanr(predicted, gold).statistic
    assert influence[i] == pytest.approx(moved * n * copies, abs=0.02)


@pytest.mark.parametrize(("n", "levels"), [(250, 11), (1_379, 26)])
def test_influences_have_the_bootstraps_standard_error(n: int, levels: int) -> None:
    generator = np.random.default_rng(4)
    gold = generator.integers(0, levels, n) / levels
    predicted = gold + 0.3 * generator.standard_normal(n)
    error = np.sqrt(np.sum(spearman_influence(predicted, gold)[1] ** 2)) / n
    assert error == pytest.approx(np.std(resampled_spearman(predicted, gold)), rel=0.06)


@pytest.mark.slow
def test_coverage_of_spearman() -> None:
    """STS17's 250 pairs; the true correlation of two normal variables is known (Pearson 1907)."""
    generator = np.random.default_rng(5)
    noise = 0.75
    truth = 6 / np.pi * np.arcsin(1 / np.sqrt(1 + noise**2) / 2)
    rounds, covered = 1_000, 0
    for _ in range(rounds):
        gold = generator.standard_normal(250)
        low, high = spearman_interval(gold + noise * generator.standard_normal(250), gold)
        covered += low <= truth <= high
    assert 0.93 <= covered / rounds <= 0.97


def test_the_same_order_is_certain() -> None:
    gold = np.arange(30.0)
    assert spearman_interval(gold**3, gold) == pytest.approx((1.0, 1.0))
    assert spearman_interval(-gold, gold) == pytest.approx((-1.0, -1.0))


@pytest.mark.parametrize(
    ("predicted", "gold"),
    [(np.ones(5), np.arange(5.0)), (np.arange(5.0), np.ones(5)), (np.full(7, 0.1), np.full(7, 0.3)), ([0.5], [1.0])],
)
def test_a_constant_side_has_no_interval(predicted: list[float], gold: list[float]) -> None:
    """And says so without a warning: pytest makes an error of one."""
    assert all(np.isnan(spearman_interval(np.asarray(predicted), np.asarray(gold))))


def test_copies_do_not_narrow_the_interval() -> None:
    """Each outcome five times gives the interval of the outcomes once; plain rows give that of `mean_interval`."""
    once = np.random.default_rng(0).random(200) < 0.7
    rows = np.arange(200)
    assert clustered_interval(once.astype(float), rows) == mean_interval(once.astype(float))
    copied = clustered_interval(np.repeat(once, 5).astype(float), np.repeat(rows, 5))
    assert copied == pytest.approx(mean_interval(once.astype(float)))
    all_hit = clustered_interval(np.ones(1_000), np.repeat(rows, 5))
    assert all_hit == pytest.approx(mean_interval(np.ones(200)))


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_interval_of_clusters_covers_the_mean(share: float) -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        sizes = random.integers(1, 6, 150)
        hits = np.repeat(random.random(150) < share, sizes).astype(float)
        low, high = clustered_interval(hits, np.repeat(np.arange(150), sizes))
        covered += low <= share <= high
    assert 0.92 <= covered / 400 <= 0.98
