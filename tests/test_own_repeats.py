"""Repeated rows of your own pairs: candidates are the distinct texts, and every row is a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bitext_bench.data import Bitext, Provenance
from bitext_bench.languages import LangPair
from bitext_bench.scoring.metrics import text_classes
from bitext_bench.scoring.neighbors import normalize
from bitext_bench.tasks.pairs import score_both, score_each, score_forward
from bitext_bench.tasks.retrieval import _same_text, scores_of_both, search_both

PAIR = LangPair.parse("de-sw")
DATA = Provenance("own", "0" * 64)
N_TEXTS = 60
Rows = list[tuple[str, str]]


def vector(text: str) -> NDArray[np.float64]:
    """Texts of one meaning, the number at the end, are near each other."""
    signal = np.random.default_rng(int(text.split()[-1])).normal(size=10)
    noise = np.random.default_rng(list(text.encode())).normal(size=10)
    return np.asarray(signal + 0.7 * noise)


def unit(texts: Sequence[str]) -> NDArray[np.float64]:
    rows = np.stack([vector(text) for text in texts])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def vectors_of(rows: Rows) -> list[NDArray[np.float32]]:
    return [normalize(np.stack([vector(row[side]) for row in rows])) for side in (0, 1)]


def bitext_of(rows: Rows) -> Bitext:
    return Bitext(tuple(a for a, _ in rows), tuple(b for _, b in rows), DATA)


def scores_of(rows: Rows) -> dict[str, float | None]:
    return score_both("de-sw", PAIR, bitext_of(rows), vectors_of(rows)).scores


PLAIN: Rows = [(f"de {i}", f"sw {i}") for i in range(N_TEXTS)]
SEVERAL: Rows = [
    *PLAIN,
    *PLAIN[:20],  # copies of a pair
    *[(f"de {i}", f"sw other {i}") for i in range(10, 40)],  # a second target of a source
    *[(f"de other {i}", f"sw {i}") for i in range(30, 50)],  # a second source of a target
    *PLAIN[:3] * 8,
]


def slow_scores(rows: Rows, side: int) -> dict[str, float]:
    """Return the scores of one direction by the definition, with loops over distinct texts, in float64."""
    rows = [row if side == 0 else (row[1], row[0]) for row in rows]
    weight = Counter(a for a, _ in rows)
    queries, candidates = list(weight), list(dict.fromkeys(b for _, b in rows))
    cosines = unit(queries) @ unit(candidates).T
    near = [np.sort(c)[:, ::-1] for c in (cosines, cosines.T)]
    around = {k: [n[:, :k].mean(axis=1) for n in near] for k in (4, 10)}
    totals: Counter[str] = Counter()
    occurrences = np.zeros(len(candidates))
    for i, query in enumerate(queries):
        order = sorted(range(len(candidates)), key=lambda j: -cosines[i, j])
        right = [(query, candidates[j]) in set(rows) for j in order]
        rank = right.index(True) + 1
        four = order[:4]
        mean = {j: (around[4][0][i] + around[4][1][j]) / 2 for j in four}
        best = {
            "accuracy": order[0],
            "accuracy_ratio": max(four, key=lambda j: cosines[i, j] / mean[j]),
            "accuracy_distance": max(four, key=lambda j: cosines[i, j] - mean[j]),
            "accuracy_csls": max(order, key=lambda j: 2 * cosines[i, j] - around[10][1][j]),
        }
        found = {name: float((query, candidates[j]) in set(rows)) for name, j in best.items()}
        found["xsim_ratio"] = 1 - found["accuracy_ratio"]
        found |= {f"recall_at_{k}": float(rank <= k) for k in (5, 10)}
        found["mrr"] = 1 / rank if rank <= 16 else 0.0
        totals.update({name: value * weight[query] for name, value in found.items()})
        occurrences[order[:10]] += weight[query]
    scores = {name: total / len(rows) for name, total in totals.items()}
    apart = occurrences - occurrences.mean()
    scores["hub_skewness"] = (apart**3).mean() / occurrences.std() ** 3
    scores["antihubs"] = (occurrences == 0).mean()
    scores["robin_hood"] = np.abs(apart).sum() / (2 * occurrences.sum())
    return scores


@pytest.mark.parametrize("rows", [PLAIN, SEVERAL], ids=["plain", "repeated"])
def test_every_score_equals_the_definition(rows: Rows) -> None:
    scores = scores_of(rows)
    for side, direction in enumerate(("forward", "backward")):
        expected = slow_scores(rows, side)
        found = {name: scores[f"{name}_{direction}"] for name in expected}
        assert found == pytest.approx(expected, abs=1e-6)
        assert 0.3 < expected["accuracy_ratio"] < 1  # neither side of the range would show an error
    assert {name.removesuffix("_forward") for name in scores if name.endswith("_forward")} == set(expected)


def test_repeating_all_rows_changes_no_score_and_no_interval() -> None:
    once, thrice = (
        score_both("de-sw", PAIR, bitext_of(rows), vectors_of(rows)) for rows in (PLAIN, [*PLAIN, *PLAIN, *PLAIN])
    )
    assert thrice.scores == pytest.approx(once.scores, abs=1e-12)
    assert thrice.intervals.keys() == once.intervals.keys()
    for name, interval in once.intervals.items():
        assert thrice.intervals[name] == pytest.approx(interval, abs=1e-12)
    several = [*SEVERAL, *SEVERAL]
    assert scores_of(several) == pytest.approx(scores_of(SEVERAL), abs=1e-12)


def test_without_repeated_texts_the_scores_are_those_of_tatoeba() -> None:
    forward, backward = search_both(
        vectors_of(PLAIN), _same_text([b for _, b in PLAIN]), _same_text([a for a, _ in PLAIN])
    )
    scores = scores_of(PLAIN)
    for name, value in scores_of_both(forward, backward).items():
        assert scores[name] == value  # every bit


def test_the_outcomes_are_those_of_rows() -> None:
    scored = score_both("de-sw", PAIR, bitext_of(SEVERAL), vectors_of(SEVERAL))
    sources, targets = ([row[side] for row in SEVERAL] for side in (0, 1))
    for direction, queries, candidates in (("forward", sources, targets), ("backward", targets, sources)):
        outcomes = scored.outcomes[direction]
        assert len(outcomes["hit"]) == len(SEVERAL)
        assert outcomes["neighbor"].tolist() == text_classes(candidates)[outcomes["neighbor"]].tolist()
        cosines = unit(queries) @ unit(candidates).T
        assert cosines[np.arange(len(SEVERAL)), outcomes["neighbor"]] == pytest.approx(cosines.max(axis=1), abs=1e-6)


def test_the_two_directions_alone_and_a_search_among_more_targets() -> None:
    vectors = vectors_of(SEVERAL)
    both = score_both("de-sw", PAIR, bitext_of(SEVERAL), vectors)
    there, back = score_each(["de-sw", "sw-de"], PAIR, bitext_of(SEVERAL), vectors)
    for name, value in there.scores.items():
        assert (value, back.scores[name]) == (both.scores[f"{name}_forward"], both.scores[f"{name}_backward"])
    gold = tuple(range(len(SEVERAL)))
    (bitext, more) = bitext_of(SEVERAL), [f"sw {i}" for i in (*range(100, 130), *range(100, 130))]
    among = Bitext(bitext.source, (*bitext.target, *more), DATA, gold)
    once = Bitext(bitext.source, (*bitext.target, *more[:30]), DATA, gold)
    found = [
        score_forward("de-sw", PAIR, each, [vectors[0], normalize(np.stack([vector(t) for t in each.target]))])
        for each in (among, once)
    ]
    assert found[0].scores == pytest.approx(found[1].scores, abs=1e-12)
