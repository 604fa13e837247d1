"""F1 and its interval: clusters against a search of the graph, coverage in simulation, the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bitext_bench.scoring.f1 import cluster_pairs, count_outcomes, f1_influence, f1_interval
from bitext_bench.scoring.intervals import wilson_interval

RIGHT, WRONG, MISSED, COUPLED = [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]


def slow_clusters(pairs: list[tuple[int, int]]) -> list[set[int]]:
    """Grow a cluster by any pair that has a sentence of one in it, until there is none."""
    left, found = set(range(len(pairs))), []
    while left:
        cluster = {left.pop()}
        while more := {
            i for i in left if any(pairs[i][0] == pairs[j][0] or pairs[i][1] == pairs[j][1] for j in cluster)
        }:
            cluster |= more
            left -= more
        found.append(cluster)
    return found


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=15))
def test_clusters_are_those_of_a_search(pairs: list[tuple[int, int]]) -> None:
    source, target = np.array(pairs).T
    found = cluster_pairs(source, target)
    assert sorted(map(sorted, slow_clusters(pairs))) == sorted(
        np.flatnonzero(found == number).tolist() for number in range(found.max() + 1)
    )
    lowest = [source[found == number].min() for number in range(found.max() + 1)]
    assert lowest == sorted(lowest)


def test_a_miss_is_in_one_cluster_with_the_wrong_pair_of_its_sentence() -> None:
    """Gold 0-0 is found; 1-1 is missed as 1 was taken with 5; 2-2 and 3-3 as 2 was taken with 3; 4-4 by itself."""
    pairs = [
        ((0, 0), 1, 1),
        ((1, 1), 0, 1),
        ((1, 5), 1, 0),
        ((2, 2), 0, 1),
        ((3, 3), 0, 1),
        ((2, 3), 1, 0),
        ((4, 4), 0, 1),
    ]
    source, target = np.array([pair for pair, _, _ in pairs]).T
    taken, gold = (np.array(column, dtype=bool) for column in zip(*((t, g) for _, t, g in pairs), strict=True))
    counts = count_outcomes(cluster_pairs(source, target), taken, gold, 4)
    assert counts.tolist() == [RIGHT, COUPLED, [0, 1, 2], MISSED]
    f1, influence = f1_influence(counts)
    assert f1 == pytest.approx(2 * 1 / (3 + 5))
    assert influence.sum() == pytest.approx(0)


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=30), st.data())
def test_an_influence_is_what_one_more_cluster_moves(counts: list[list[int]], data: st.DataObject) -> None:
    """By its definition: F1 of a thousand copies of the sample and one cluster more."""
    sample = np.array(counts)
    if not sample.any():
        return
    f1, influence = f1_influence(sample)
    i, copies = data.draw(st.integers(0, len(counts) - 1)), 10_000

    def score(right: int, wrong: int, missed: int) -> float:
        return 2 * right / (2 * right + wrong + missed)

    assert f1 == pytest.approx(score(*sample.sum(0)))
    more = score(*(copies * sample.sum(0) + sample[i]))
    assert influence[i] == pytest.approx((more - f1) * copies, abs=1e-3)


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    """Of clusters drawn by index, scored one resample at a time."""
    counts = np.repeat([RIGHT, WRONG, MISSED, COUPLED], [300, 30, 30, 40], axis=0)
    generator = np.random.default_rng(0)
    draws = [f1_influence(counts[generator.integers(0, 400, 400)])[0] for _ in range(3_000)]
    assert f1_interval(counts) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])), abs=0.006)


def made(generator: np.random.Generator, n: int, recall: float, how: str) -> tuple[NDArray[np.int64], float]:
    """A sample of n gold pairs and what a model does with them, and the true F1."""
    hit = generator.random(n) < recall
    found, lost = np.array(RIGHT), np.array(COUPLED if how == "each miss adds a wrong pair" else MISSED)
    counts = np.where(hit[:, None], found, lost)
    if how == "a wrong pair takes two":  # n counts events: a find, or one wrong pair that two gold pairs are missed by
        counts = np.where(hit[:, None], found, [0, 1, 2])
        return counts, 2 * recall / (2 * recall + 3 * (1 - recall))
    if how == "independent":
        wrong = generator.random(n) < 1 - recall
        return np.concatenate([counts, np.outer(wrong, WRONG)]), recall
    return counts, recall if how == "each miss adds a wrong pair" else 2 * recall / (1 + recall)


@pytest.mark.parametrize("n", [100, 1_000])
@pytest.mark.parametrize("recall", [0.9, 0.7])
@pytest.mark.parametrize(
    "how", ["each miss adds a wrong pair", "independent", "nothing wrong is taken", "a wrong pair takes two"]
)
def test_coverage(n: int, recall: float, how: str) -> None:
    generator = np.random.default_rng(6)
    covered, rounds = 0, 4_000
    for _ in range(rounds):
        counts, truth = made(generator, n, recall, how)
        low, high = f1_interval(counts)
        covered += low <= truth <= high
    assert 0.93 <= covered / rounds <= 0.97


def test_a_miss_that_adds_a_wrong_pair_is_one_event() -> None:
    """F1 is then the share of gold pairs found, and its interval that share's."""
    counts = np.repeat([RIGHT, COUPLED], [90, 10], axis=0)
    assert f1_interval(counts) == pytest.approx(wilson_interval(0.9, 100), abs=1e-12)


@pytest.mark.parametrize("kind", [RIGHT, WRONG, MISSED])
def test_all_of_one_kind_is_not_certainty(kind: list[int]) -> None:
    low, high = f1_interval(np.array([kind] * 100))
    assert (low, high) == pytest.approx(wilson_interval(float(kind == RIGHT), 100), abs=1e-12)
    assert 0.03 < high - low < 0.05


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=0, max_size=30))
def test_the_interval_holds_the_point(counts: list[list[int]]) -> None:
    sample = np.array(counts, dtype=np.int64).reshape(-1, 3)
    low, high = f1_interval(sample)
    if not sample.any():
        assert np.isnan([low, high]).all()
        return
    assert 0 <= low <= f1_influence(sample)[0] <= high <= 1
    assert low < high
