"""What a checkpoint says of the benchmarks that its training rows were compared with."""

from __future__ import annotations

from typing import Any

import pytest

from bitext_bench.encoders import ContaminationAudit

PAIR, EACH, ALL, MONO = {"T": ("en-fr",)}, {"T": ("en", "fr", "ja")}, {"T": None}, {"T": ("en-en", "fr-fr")}


@pytest.mark.parametrize(
    ("tasks", "languages", "covered"),
    [
        (PAIR, "fr en", True),
        (PAIR, "en", False),
        (PAIR, "en ja", False),
        (EACH, "ja en", True),
        (EACH, "ja", True),
        (EACH, "ko en", False),
        (ALL, "ko en", True),
        (MONO, "en", True),
        (MONO, "en fr", False),  # the sentences of en-fr are others than those of en-en and fr-fr
        ({}, "en", False),
        ({"U": None}, "en", False),
    ],
)
def test_a_task_is_covered_in_the_languages_whose_sentences_were_compared(
    tasks: dict[str, Any], languages: str, covered: bool
) -> None:
    assert ContaminationAudit(tasks).covers("T", languages.split()) is covered


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (PAIR, PAIR, PAIR),
        (PAIR, EACH, PAIR),
        (EACH, MONO, {"T": ("en-en", "fr-fr")}),
        (ALL, EACH, EACH),
        (ALL, ALL, ALL),
        (PAIR, MONO, {}),
        (EACH, {"T": ("en", "ko")}, {"T": ("en",)}),
        (EACH, {"U": ("en",)}, {}),
    ],
)
def test_two_trainings_have_in_common_what_both_compared(
    one: dict[str, Any], other: dict[str, Any], both: dict[str, Any]
) -> None:
    assert (
        ContaminationAudit(one).intersection(ContaminationAudit(other))
        == ContaminationAudit(other).intersection(ContaminationAudit(one))
        == ContaminationAudit(both)
    )
    assert ContaminationAudit(one).intersection(None) == ContaminationAudit(one)


@pytest.mark.parametrize(
    ("record", "tasks"),
    [
        ({"checked": {"T": ["en-fr"]}, "covered": {"T": ["en-fr", "en-ja"]}}, {"T": ("en-fr",)}),
        ({"checked": {"T": None, "U": ["en", "ja"]}}, {"T": None, "U": ("en", "ja")}),
        ({"checked": ["T"]}, {}),  # damaged: nothing is known to be compared
        ({"rows": 0, "kept": False}, {}),
    ],
)
def test_a_record_names_what_was_compared(record: dict[str, Any], tasks: dict[str, Any]) -> None:
    assert ContaminationAudit.from_record(record) == ContaminationAudit(tasks)


@pytest.mark.parametrize("record", [None, [], "x"])
def test_a_model_without_a_record_claims_nothing(record: object) -> None:
    assert ContaminationAudit.from_record(record) is None
