"""Verification: what differs is said, one line each; what float32 may move is forgiven, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_results import result_of, subset_of
from numpy.typing import NDArray

from bitext_bench.data import ParallelLines, Provenance, ScoredPairs
from bitext_bench.languages import resolve
from bitext_bench.results.records import Outcomes, SubsetResult, TaskResult, outcomes_of, subset_result
from bitext_bench.results.verify import NEAR_TIE, find_differences
from bitext_bench.scoring.metrics import mteb_f1
from bitext_bench.scoring.neighbors import Vectors
from bitext_bench.tasks.flores import XSim
from bitext_bench.tasks.sts import Sts

N = 20
LINE = 'task:T|pair:fr-en|prompt:"a: b"|data:v1@sha256:00|model:sha256:aa|bb:1'


def entry(subset: str) -> SubsetResult:
    scores = {"accuracy": 0.5, "mrr_forward": 0.7, "recall_at_5": 0.8, "hub_skewness": 40.0, "cosine_pearson": None}
    more = {"intervals": {"accuracy": (0.3, 0.7)}, "details": {"sentences": [N, N]}}
    return subset_of(subset, scores, n=N, signature=LINE, **more)


def made(*subsets: str) -> tuple[TaskResult, Outcomes]:
    """A result with these subsets: the even rows hit, and no row is near a tie."""
    names = subsets or ("fr-en", "ja-en")
    outcomes: Outcomes = {
        (name, direction): {
            "hit": np.arange(N) % 2 == 0,
            "neighbor": np.arange(N, dtype=np.int32) // 2 * 2,
            "score": np.full(N, 0.8, dtype=np.float32),
            "margin": np.where(np.arange(N) % 2 == 0, 0.25, -0.25).astype(np.float32),
        }
        for name in names
        for direction in ("forward", "backward")
    }
    return result_of("T", [entry(name) for name in names]), outcomes


def compare(change: Callable[[SubsetResult], object], *, on_file: bool = False) -> list[str]:
    """Return what is said when the first subset was changed in the computed result, or in the stored one."""
    (stored, outcomes), (computed, computed_outcomes) = made(), made()
    change((stored if on_file else computed).subsets[0])
    return find_differences(stored, outcomes, computed, computed_outcomes)


def compare_with(**changes: Any) -> list[str]:
    """Return what is said when the first computed subset has other values."""
    (stored, outcomes), (computed, computed_outcomes) = made(), made()
    computed.subsets[0] = replace(computed.subsets[0], **changes)
    return find_differences(stored, outcomes, computed, computed_outcomes)


def flip(outcomes: Outcomes, rows: list[int], block: tuple[str, str] = ("fr-en", "forward")) -> Outcomes:
    changed = copy.deepcopy(outcomes)
    changed[block]["hit"][rows] ^= True
    return changed


def with_near_ties(outcomes: Outcomes, rows: list[int], margin: float = 1e-7) -> Outcomes:
    changed = copy.deepcopy(outcomes)
    changed["fr-en", "forward"]["margin"][rows] = margin
    return changed


def test_the_same_does_not_differ() -> None:
    assert find_differences(*made(), *made()) == []
    assert compare(lambda subset: subset.details.clear()) == []  # they follow from the rest


def test_a_changed_interval_is_said() -> None:
    (line,) = compare(lambda subset: subset.intervals.update(accuracy=(0.3, 0.8)))
    assert line == "fr-en: interval of accuracy 1 is 0.7 on file, 0.8 computed"
    assert compare(lambda subset: subset.intervals.update(accuracy=None)) != []


def test_a_changed_summary_is_said() -> None:
    (stored, outcomes), (computed, _) = made(), made()
    for result, value in ((stored, 0.1), (computed, 0.2)):
        result.summary.update(xsim={"mean": value, "subsets": 2}, matrix=[[None, 0.5]])
    assert find_differences(stored, outcomes, computed, outcomes) == ["summary xsim mean is 0.1 on file, 0.2 computed"]


def test_a_score_that_only_the_derived_result_has_is_said() -> None:
    assert compare(lambda subset: subset.scores.pop("accuracy"), on_file=True) == [
        "fr-en: accuracy is None on file, 0.5 computed"
    ]


@pytest.mark.parametrize(("name", "moved", "said"), [("accuracy_ratio", 1 / N, False), ("xsim_csls", 2 / N, True)])
def test_one_near_tie_of_another_margin_is_granted(name: str, moved: float, said: bool) -> None:
    (stored, outcomes), (computed, _) = made(), made()
    stored.subsets[0].scores[name], computed.subsets[0].scores[name] = 0.5, 0.5 + moved
    assert bool(find_differences(stored, outcomes, computed, outcomes)) == said


@pytest.mark.parametrize(
    ("name", "moved", "said"), [("xsim_by_row", 2 / N, False), ("xsim_by_row", 3 / N, True), ("xsim", 1 / N, True)]
)
def test_a_score_by_row_may_move_by_as_many_rows_as_found_a_copy(name: str, moved: float, said: bool) -> None:
    """Rows 0 and 4 find a copy of their translation, or the translation itself: a score by text does not care."""
    (stored, outcomes), (computed, computed_outcomes) = made("fr-en"), made("fr-en")
    del outcomes["fr-en", "backward"], computed_outcomes["fr-en", "backward"]
    outcomes["fr-en", "forward"]["neighbor"][[0, 4]] = [5, 9]
    stored.subsets[0].scores[name], computed.subsets[0].scores[name] = 0.5, 0.5 + moved
    assert bool(find_differences(stored, outcomes, computed, computed_outcomes)) == said


def mined(*pairs: tuple[int, int, float, bool]) -> Outcomes:
    """The outcomes of these mined pairs."""
    source, target, score, hit = map(np.array, zip(*pairs, strict=True))
    return {("fr-en", "pairs"): {"source": source, "target": target, "score": score, "hit": hit}}


def test_an_unmined_gold_pair_is_no_rival_of_a_mined_one() -> None:
    """Source 1 was mined with target 2, or with target 3 at the same score; its gold pair was not mined."""
    (stored, _), (computed, _) = made("fr-en"), made("fr-en")
    for result in (stored, computed):
        result.subsets[0].scores.update(threshold=1.06)
    unmined = (1, 4, -np.inf, True)
    pairs = [mined((1, target, 1.1, False), unmined) for target in (2, 3)]
    assert find_differences(stored, pairs[0], computed, pairs[1]) == []
    assert find_differences(stored, pairs[0], computed, mined((1, 4, 1.2, True))) != []


@pytest.mark.parametrize("name", ["threshold", "threshold_laser"])
def test_pairs_near_either_threshold_may_move_f1(name: str) -> None:
    (stored, _), (computed, _) = made("fr-en"), made("fr-en")
    outcomes = mined((0, 0, 1.2, True), (1, 2, 1.1, False))
    for result in (stored, computed):
        result.subsets[0].scores.update({"threshold": 1.06, name: 1.1, "f1_laser": 0.5})
    computed.subsets[0].scores["f1_laser"] = 0.5 + 1 / N
    assert find_differences(stored, outcomes, computed, outcomes) == []
    computed.subsets[0].scores["f1_laser"] = 0.5 + 2 / N
    assert len(find_differences(stored, outcomes, computed, outcomes)) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (((0, 0, 1.2, True), (1, 2, 1.1, False)), ""),
        (((1, 2, 1.1, False), (0, 0, 1.2, True)), ""),  # in another order
        (((0, 0, 1.2, True), (1, 2, 1.1, True)), "(1, 2)"),  # judged otherwise
        (((0, 0, 1.2, True), (1, 2, 1.3, False)), "(1, 2)"),  # another score
        (((0, 0, 1.2, True),), "(1, 2)"),
        (((0, 0, 1.2, True), (1, 2, 1.1, False), (3, 3, 1.15, True)), "(3, 3)"),
        (((0, 0, 1.2, True), (1, 3, 1.1, False)), ""),  # a near tie of two targets
        (((0, 0, 1.2, True), (1, 3, 1.09, False)), "(1, 2)"),
        (((0, 0, 1.2, True), (1, 2, 1.1, False), (3, 4, 1.05, False)), ""),  # below the threshold
        (((0, 0, 1.2, True), (1, 2, 1.1, False), (3, 3, 1.05, True)), "(3, 3)"),  # another gold pair
        (((0, 0, 1.2, True), (1, 2, 1.1, False), (3, 3, -np.inf, True)), "(3, 3)"),
    ],
)
def test_mined_pairs_are_compared(changed: tuple[tuple[int, int, float, bool], ...], said: str) -> None:
    (stored, _), (computed, _) = made("fr-en"), made("fr-en")
    for result in (stored, computed):
        result.subsets[0].scores.update(threshold=1.06)
    lines = find_differences(stored, mined((0, 0, 1.2, True), (1, 2, 1.1, False)), computed, mined(*changed))
    assert bool(lines) == bool(said)
    assert all(line.startswith(f"fr-en pairs: other outcome in pairs {said}") for line in lines)


@pytest.mark.parametrize(
    ("column", "said"),
    [("score", "rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"), ("neighbor", "rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …")],
)
def test_a_column_that_was_not_derived_is_said(column: str, said: str) -> None:
    """Though every hit is right."""
    (stored, outcomes), (computed, after) = made("fr-en"), made("fr-en")
    outcomes["fr-en", "backward"][column] = np.zeros_like(outcomes["fr-en", "backward"][column])
    assert find_differences(stored, outcomes, computed, after) == [f"fr-en backward: other outcome in {said}"]


def test_a_twin_of_the_neighbor_is_forgiven() -> None:
    (stored, outcomes), (computed, after) = made("fr-en"), made("fr-en")
    after["fr-en", "forward"]["neighbor"][4] = 11
    assert find_differences(stored, outcomes, computed, after) == []


def test_blocks_columns_and_rows_that_one_side_lacks_are_said() -> None:
    (result, outcomes), (_, fewer), (_, thinner), (_, shorter) = (made("fr-en") for _ in range(4))
    del fewer["fr-en", "forward"]
    assert find_differences(result, outcomes, result, fewer) == ["fr-en forward: outcomes on file only"]
    assert find_differences(result, fewer, result, outcomes) == ["fr-en forward: outcomes computed only"]
    del thinner["fr-en", "forward"]["score"]
    assert find_differences(result, thinner, result, outcomes) == ["fr-en forward: other outcome in columns score"]
    shorter["fr-en", "forward"] = {name: column[:-1] for name, column in shorter["fr-en", "forward"].items()}
    (line,) = find_differences(result, shorter, result, outcomes)
    assert line == f"fr-en forward: other outcome in the number of rows: {N - 1} on file, {N} computed"


def test_mined_pairs_at_the_threshold_may_be_in_or_out() -> None:
    (stored, _), (computed, _) = made("fr-en"), made("fr-en")
    for result, f1 in ((stored, 0.5), (computed, 0.5 + 1 / N)):
        result.subsets[0].scores.update(f1=f1, threshold=1.06)
    near, clear = mined((0, 0, 1.2, True), (1, 1, 1.060001, True)), mined((0, 0, 1.2, True), (1, 1, 1.07, True))
    assert find_differences(stored, near, computed, near) == []
    assert len(find_differences(stored, clear, computed, clear)) == 1


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("pair:fr-en", "pair:en-fr", "fr-en: pair is fr-en on file, en-fr computed"),
        ('"a: b"', '""', 'fr-en: prompt is "a: b" on file, "" computed'),
        ("v1@sha256:00", "v1@sha256:01", "fr-en: data is v1@sha256:00 on file, v1@sha256:01 computed"),
        ("sha256:aa", "sha256:ab", "fr-en: model is sha256:aa on file, sha256:ab computed"),
        ("|bb:1", "|bb:1|dir:mean", "fr-en: dir is absent on file, mean computed"),
    ],
)
def test_a_changed_signature_field_is_named(before: str, after: str, line: str) -> None:
    assert before in LINE
    assert compare_with(signature=LINE.replace(before, after)) == [line]


def test_every_changed_field_has_a_line() -> None:
    changed = LINE.replace("fr-en", "en-fr").replace("sha256:aa", "sha256:ab")
    assert compare_with(signature=changed) == [
        "fr-en: pair is fr-en on file, en-fr computed",
        "fr-en: model is sha256:aa on file, sha256:ab computed",
    ]


def test_a_file_of_another_version_is_accepted_if_its_scores_are_derived() -> None:
    assert compare_with(signature=LINE.replace("bb:1", "bb:2")) == []


def test_another_n_is_said_and_nothing_is_compared_with_it() -> None:
    assert compare_with(n=19, scores={"accuracy": 0.1}) == ["fr-en: n is 20 on file, 19 computed"]


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("accuracy", 0.5, 0.5 + 9e-7, False),
        ("accuracy", 0.5, 0.5 + 2e-6, True),
        ("accuracy", 0.5, 0.45, True),
        ("accuracy", 0.0, 2e-6, True),
        # Read off all neighbors: some of them are always nearly equal.
        ("mrr_forward", 0.7, 0.7019, False),
        ("mrr_forward", 0.7, 0.7021, True),
        ("recall_at_5", 0.8, 0.7981, False),
        ("recall_at_5", 0.8, 0.7979, True),
        # Without a bound, so relative.
        ("hub_skewness", 40.0, 40.07, False),
        ("hub_skewness", 40.0, 40.09, True),
        # What cannot be computed is the same only as itself.
        ("cosine_pearson", None, None, False),
        ("cosine_pearson", None, 0.0, True),
        ("cosine_pearson", 0.0, None, True),
    ],
)
def test_a_score_may_move_as_far_as_float32_moves_it(
    name: str, before: float | None, after: float | None, said: bool
) -> None:
    (stored, outcomes), (computed, computed_outcomes) = made(), made()
    stored.subsets[0].scores[name], computed.subsets[0].scores[name] = before, after
    expected = [f"fr-en: {name} is {before} on file, {after} computed"] if said else []
    assert find_differences(stored, outcomes, computed, computed_outcomes) == expected


def test_a_score_that_is_no_longer_derived_is_said() -> None:
    assert compare(lambda subset: subset.scores.pop("accuracy")) == ["fr-en: accuracy is 0.5 on file, None computed"]


def test_a_subset_that_is_no_longer_there() -> None:
    stored, outcomes = made("fr-en", "ja-en")
    lines = find_differences(stored, outcomes, *made("ja-en"))
    assert lines == ["fr-en: on file, but not computed: the data have no such subset"]
    # One that is computed beside those on file is no difference: a file can be of some languages only.
    assert find_differences(*made("ja-en"), stored, outcomes) == []


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_flipped_outcome_is_named(direction: str) -> None:
    """Even where two flips leave the score as it is."""
    stored, outcomes = made()
    lines = find_differences(stored, outcomes, stored, flip(outcomes, [3, 16], ("ja-en", direction)))
    assert lines == [f"ja-en {direction}: other outcome in rows 3, 16"]


def test_of_many_flips_the_first_ten_are_named() -> None:
    stored, outcomes = made()
    (line,) = find_differences(stored, outcomes, stored, flip(outcomes, list(range(5, 16))))
    assert line == "fr-en forward: other outcome in rows 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, …"


@pytest.mark.parametrize(
    ("margin", "forgiven"), [(0.0, True), (0.9 * NEAR_TIE, True), (-0.9 * NEAR_TIE, True), (1.1 * NEAR_TIE, False)]
)
def test_a_near_tie_may_fall_either_way(margin: float, forgiven: bool) -> None:
    stored, outcomes = made()
    near = with_near_ties(outcomes, [7], margin)
    found = find_differences(stored, near, stored, flip(near, [7]))
    assert found == ([] if forgiven else ["fr-en forward: other outcome in rows 7"])


@pytest.mark.parametrize(
    ("near", "moved", "said"),
    [(1, 1 / N, False), (1, 1.1 / N, True), (2, 2 / N, False), (2, -2 / N, False), (0, 1 / N, True)],
)
def test_a_score_may_move_by_as_many_sentences_as_are_near_a_tie(near: int, moved: float, said: bool) -> None:
    (stored, outcomes), (computed, _) = made(), made()
    stored_outcomes = with_near_ties(outcomes, list(range(near)))
    computed.subsets[0].scores["accuracy"] += moved
    lines = find_differences(stored, stored_outcomes, computed, outcomes)
    assert [line.partition(" is ")[0] for line in lines] == (["fr-en: accuracy"] if said else [])
    # Near ties of one subset excuse no other.
    computed.subsets[0].scores["accuracy"], computed.subsets[1].scores["accuracy"] = 0.5, 0.5 + 1 / N
    assert len(find_differences(stored, stored_outcomes, computed, outcomes)) == 1


@settings(deadline=None, max_examples=60)
@given(flipped=st.sets(st.integers(0, N - 1)), near=st.sets(st.integers(0, N - 1)))
def test_just_the_flips_that_are_no_near_ties_are_named(flipped: set[int], near: set[int]) -> None:
    stored, outcomes = made("fr-en")
    before = with_near_ties(outcomes, sorted(near))
    lines = find_differences(stored, before, stored, flip(before, sorted(flipped)))
    rows = sorted(flipped - near)
    named = ", ".join(str(row) for row in rows[:10]) + (", …" if len(rows) > 10 else "")
    assert lines == ([f"fr-en forward: other outcome in rows {named}"] if rows else [])


def test_outcomes_without_hits_are_judged_by_their_scores() -> None:
    """Those of STS."""
    stored, _ = made("fr-en")
    computed, _ = made("fr-en")
    computed.subsets[0].scores["accuracy"] = 0.4
    before: Outcomes = {("fr-en", "pairs"): {"score": np.ones(3)}}
    assert find_differences(stored, before, computed, before) == ["fr-en: accuracy is 0.5 on file, 0.4 computed"]


def test_a_near_tie_may_move_mtebs_f1() -> None:
    """Row 0 finds its own target, or by a near tie target 1, whose own row then counts less too."""
    (stored, outcomes), (computed, _) = made("fr-en"), made("fr-en")
    before, after = (mteb_f1(np.array([first, *range(1, N)])) for first in (0, 1))
    stored.subsets[0].scores["mteb_f1"], computed.subsets[0].scores["mteb_f1"] = before, after
    near = with_near_ties(outcomes, [0])
    assert find_differences(stored, near, computed, flip(near, [0])) == []


COSINES = np.array([0.1, 0.4, 0.2, 0.8, 0.5, 0.5 + 2e-7, 0.9, 1.0])
GOLD = np.array([0.0, 1.0, 1.5, 2.0, 2.5, 4.5, 4.0, 5.0])
SWAPPED = COSINES + np.array([0, 0, 0, 0, 3e-7, 0, 0, 0])  # pairs 4 and 5 change places


def sts(cosines: NDArray[np.float64], gold: NDArray[np.float64] = GOLD) -> tuple[TaskResult, Outcomes]:
    """What the harness derives of these cosines."""
    angles = np.arccos(cosines)
    vectors = [np.tile([1.0, 0.0], (len(gold), 1)), np.stack([np.cos(angles), np.sin(angles)], axis=1)]
    source: Any = Scored(tuple(gold.tolist()))
    (work,) = Sts("x", {"default": "en-en"}, "x").load(source, None)
    subsets = work.score(vectors)
    return result_of("x", [subset_result(s, "pair:x") for s in subsets]), outcomes_of(subsets)


@dataclass
class Scored:
    """English pairs with these gold scores."""

    scores: tuple[float, ...]

    def scored(self, *_: object) -> ScoredPairs:
        n = len(self.scores)
        return ScoredPairs(("a",) * n, ("b",) * n, self.scores, Provenance("x", "0" * 64))


def test_cosines_near_a_tie_may_change_places() -> None:
    """Two gold ranks apart, by 12 * 2 / (n^3 - n)."""
    (stored, outcomes), (computed, after) = sts(COSINES), sts(SWAPPED)
    was, now = (result.subsets[0].scores["cosine_spearman"] for result in (stored, computed))
    assert was - now == pytest.approx(12 * 2 / (8**3 - 8))
    assert find_differences(stored, outcomes, computed, after) == []


@pytest.mark.parametrize("score", ["cosine_spearman", "cosine_pearson"])
def test_a_swap_excuses_no_more_than_it_moves(score: str) -> None:
    (stored, outcomes), (computed, after) = sts(COSINES), sts(SWAPPED)
    computed.subsets[0].scores[score] -= 2e-6
    (line,) = (line for line in find_differences(stored, outcomes, computed, after))
    assert line.startswith(f"default: {score} is ")


def test_equal_sentences_excuse_nothing() -> None:
    """Their cosine is 1 on every machine: a tie, and no near one."""
    cosines = np.where(COSINES >= 0.5, 1.0, COSINES)
    (stored, outcomes), (computed, after) = sts(cosines), sts(cosines)
    computed.subsets[0].scores["cosine_spearman"] += 2e-6
    assert find_differences(stored, outcomes, computed, after) != []


def test_another_cosine_is_named() -> None:
    """Even where the order, and with it the score, stays as it was."""
    (stored, outcomes), (computed, after) = sts(COSINES), sts(COSINES - np.array([2e-5] + 7 * [0]))
    assert "default pairs: other outcome in rows 0" in find_differences(stored, outcomes, computed, after)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), noise=st.sampled_from([1e-7, 1e-6, 3e-6]), decimals=st.integers(0, 3))
@example(seed=44557, noise=1e-7, decimals=2)  # few swaps, of pairs that one resample has four and three times
def test_rounding_is_forgiven_in_every_score_of_sts(seed: int, noise: float, decimals: int) -> None:
    """Cosines so near each other that rounding moves many of them past one another."""
    rng = np.random.default_rng(seed)
    gold = np.round(5 * rng.random(200), decimals)
    cosines = 0.8 + gold / 1e4 + rng.normal(0, 1e-4, 200)
    (stored, outcomes), (computed, after) = (
        sts(values, gold) for values in (cosines, cosines + rng.uniform(-noise, noise, 200))
    )
    lines = find_differences(stored, outcomes, computed, after)
    assert [line for line in lines if "pearson" not in line] == []  # cosines that lie together have an unsteady one


class Two:
    """French and English, two sentences each."""

    name = "two"

    def languages(self, collection: str) -> Any:
        return [resolve("fr"), resolve("en")]

    def aligned(self, collection: str, language: Any) -> ParallelLines:
        return ParallelLines(("a", "b"), Provenance("two", "0" * 64))


def derive(vectors: list[Vectors]) -> tuple[TaskResult, Outcomes]:
    source: Any = Two()
    (work,) = XSim("x", "x", "x").load(source, None)
    subsets = work.score(vectors)
    return result_of("x", [subset_result(s, "pair:x") for s in subsets]), outcomes_of(subsets)


def nearly_equal_ratios(other: float) -> tuple[TaskResult, Outcomes]:
    """Source 0 has cosines 0.6 and 0.5; target 0 is a hub that source 1 finds too, with the cosine `other`.

    The ratios are 0.6 / ((0.55 + (0.6 + other) / 2) / 2) and 0.5 / ((0.55 + 0.4) / 2): equal for other = 0.58.
    """
    return derive([np.eye(2, 3, dtype=np.float32), np.array([[0.6, other, 0], [0.5, 0.3, 0]], np.float32)])


def test_a_near_tie_of_ratio_margins_is_forgiven() -> None:
    stored, outcomes = nearly_equal_ratios(0.58 - 1e-6)
    computed, computed_outcomes = nearly_equal_ratios(0.58 + 1e-6)
    block = ("fra_Latn-eng_Latn", "forward")
    if (outcomes[block]["hit"][0], computed_outcomes[block]["hit"][0]) != (True, False):
        raise RuntimeError("the two must differ in the near tie")
    assert not [
        line for line in find_differences(stored, outcomes, computed, computed_outcomes) if "other outcome" in line
    ]
