"""The paper's averages: every member or none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_results import result_of, subset_of

from bitext_bench.languages import LangPair, resolve
from bitext_bench.results.averages import PAIR_BUCC, PAIR_STS, PAIR_TATOEBA, PAPER_AVERAGES, Average, compute
from bitext_bench.results.records import TaskResult
from bitext_bench.tasks import TASKS
from bitext_bench.tasks.sts import Sts

BY_NAME = {average.name: average for average in PAPER_AVERAGES}


def result(task: str, scores: Mapping[str, Mapping[str, float | None]]) -> TaskResult:
    """A result file with these subsets, each with these scores."""
    return result_of(task, [subset_of(subset, dict(values)) for subset, values in scores.items()])


TATOEBA = result("Tatoeba", {f"{x}-eng": {"accuracy": v} for x, v in [("fra", 0.9), ("jpn", 0.8), ("kor", 0.7)]})
RUSSIAN = result("Tatoeba", {"rus-eng": {"accuracy": 0.6}})


@pytest.mark.parametrize(
    ("name", "n_members"),
    [
        ("Tatoeba", 4),
        ("BUCC", 2),
        ("FLORES-200 xSIM", 20),  # every ordered pair of five languages
        ("STS (en)", 8),
        ("STS (ko)", 1),
        ("STS (fr)", 1),
        ("STS (ru)", 1),
        ("STS (en-fr)", 1),
    ],
)
def test_the_papers_averages_have_these_members(name: str, n_members: int) -> None:
    members = BY_NAME[name].members
    assert len(set(members)) == len(members) == n_members


def test_no_other_average_is_the_papers() -> None:
    assert len(BY_NAME) == len(PAPER_AVERAGES) == 8
    assert sum(len(average.members) for average in PAPER_AVERAGES) == 38


def names_a_subset(task: str, subset: str) -> bool:
    """Whether the task files a subset under this name."""
    known = TASKS[task]
    if isinstance(known, Sts):
        return subset in known.subsets
    pair = LangPair.parse(subset)
    return subset == {"Tatoeba": lambda: pair.tatoeba, "FLORES-200": lambda: pair.flores}.get(task, pair.__str__)()


OF_ONE_PAIR = [*PAIR_TATOEBA.values(), *PAIR_BUCC.values()]


@pytest.mark.parametrize("average", [*PAPER_AVERAGES, *OF_ONE_PAIR], ids=lambda average: average.name)
def test_every_member_can_exist(average: Average) -> None:
    """A member under a name that no task uses would be missing for ever."""
    for task, subset, score in average.members:
        assert names_a_subset(task, subset), f"{task} has no {subset}"
        assert score in ("accuracy", "xsim", "cosine_spearman")
        assert TASKS[task].lower_is_better == average.lower_is_better


def test_one_pair_has_the_score_of_its_languages() -> None:
    assert PAIR_TATOEBA.keys() == {"en-fr", "en-ja", "en-ko", "en-ru"}
    assert PAIR_BUCC.keys() == {"en-fr", "en-ru"}
    for pair, average in [*PAIR_TATOEBA.items(), *PAIR_BUCC.items()]:
        ((_, subset, _),) = average.members
        assert LangPair.parse(subset).reversed == LangPair.parse(pair)
    for pair, average in PAIR_STS.items():
        assert average is BY_NAME[f"STS ({pair[-2:]})"]


def test_xsim_covers_both_orders_of_the_papers_languages() -> None:
    pairs = [LangPair.parse(subset) for _, subset, _ in BY_NAME["FLORES-200 xSIM"].members]
    five = {resolve(code) for code in ("en", "fr", "ja", "ko", "ru")}
    assert {(p.source, p.target) for p in pairs} == {(a, b) for a in five for b in five if a != b}


@pytest.mark.parametrize(
    ("results", "value", "missing"),
    [
        ([TATOEBA, RUSSIAN], 0.75, ()),
        ([RUSSIAN, result("BUCC.v2", {"fra-eng": {"accuracy": 0.0}}), TATOEBA], 0.75, ()),
        ([TATOEBA], None, ("Tatoeba rus-eng",)),
        ([RUSSIAN], None, ("Tatoeba fra-eng", "Tatoeba jpn-eng", "Tatoeba kor-eng")),
        ([], None, ("Tatoeba fra-eng", "Tatoeba jpn-eng", "Tatoeba kor-eng", "Tatoeba rus-eng")),
        # Another score, another task, or a score that could not be computed is no member.
        ([TATOEBA, result("Tatoeba", {"rus-eng": {"mteb_accuracy": 0.6}})], None, ("Tatoeba rus-eng",)),
        ([TATOEBA, result("BUCC.v2", {"rus-eng": {"accuracy": 0.6}})], None, ("Tatoeba rus-eng",)),
        ([TATOEBA, result("Tatoeba", {"rus-eng": {"accuracy": None}})], None, ("Tatoeba rus-eng",)),
        # A score of nothing is a score.
        ([TATOEBA, result("Tatoeba", {"rus-eng": {"accuracy": 0.0}})], 0.6, ()),
        # What is there beside the members does not count.
        ([TATOEBA, RUSSIAN, result("Tatoeba", {"deu-eng": {"accuracy": 0.1}})], 0.75, ()),
    ],
)
def test_whole_or_not_at_all(results: list[TaskResult], value: float | None, missing: tuple[str, ...]) -> None:
    average = BY_NAME["Tatoeba"]
    found = compute(average, results)
    assert found.average is average
    assert found.value == (None if value is None else pytest.approx(value))
    assert found.missing == missing


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_missing_member_is_named(data: st.DataObject) -> None:
    average = data.draw(st.sampled_from(PAPER_AVERAGES))
    there = data.draw(st.lists(st.booleans(), min_size=len(average.members), max_size=len(average.members)))
    results, total = [], 0.0
    for i, ((task, subset, score), present) in enumerate(zip(average.members, there, strict=True)):
        if present:
            results.append(result(task, {subset: {score: i / 40}}))
            total += i / 40
    found = compute(average, data.draw(st.permutations(results)))
    absent = [f"{t} {s}" for (t, s, _), present in zip(average.members, there, strict=True) if not present]
    assert list(found.missing) == absent
    assert found.value == (None if absent else pytest.approx(total / len(there)))
