"""Errors for the person at the keyboard: what was given, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitext_bench.cli.main import main
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError, unknown_name_error
from bitext_bench.languages import resolve
from bitext_bench.tasks import find_task

TASKS = ["Tatoeba", "BUCC.v2", "BUCC-mining", "FLORES-200", "STS12", "STS13", "STS14", "STS15", "STS16", "STSBenchmark"]


@pytest.mark.parametrize(
    ("given_", "near"),
    [
        ("Tatoba", "Tatoeba"),
        ("tatoeba ", "Tatoeba"),
        ("TATOEBA2", "Tatoeba"),  # in any letter case, and in the spelling that can be copied
        ("flores200", "FLORES-200"),
        ("bucc", "BUCC.v2, BUCC-mining"),
        ("STSB", "STSBenchmark, STS16, STS15"),
        ("STS11", "STS16, STS15, STS14"),  # no more than three
        ("bench", "STSBenchmark"),  # a part of a longer name
    ],
)
def test_near_misses(given_: str, near: str) -> None:
    expected = f"unknown task {given_!r}: did you mean {near}? (all of them: bitext-bench list tasks)"
    assert str(unknown_name_error("task", given_, TASKS)) == expected


@pytest.mark.parametrize("given_", ["", "zzzzzzzz", "日本語", "\0", "T" * 500])
def test_nothing_near_is_not_guessed(given_: str) -> None:
    message = str(unknown_name_error("task", given_, TASKS))
    assert message == f"unknown task {given_!r} (all of them: bitext-bench list tasks)"


def test_nothing_known() -> None:
    assert "did you mean" not in str(unknown_name_error("task", "x", []))


@given(st.text())
def test_whatever_was_typed_stays_on_one_line(text: str) -> None:
    message = str(unknown_name_error("task", text, TASKS))
    assert len(message.splitlines()) == 1
    assert message.isprintable()


@pytest.mark.parametrize(
    ("kind", "look_up"),
    [
        ("task", find_task),
        ("language", resolve),
        ("model", lambda name: resolve_model(name, ModelOptions())),
    ],
)
def test_the_list_that_it_points_to_exists(
    kind: str, look_up: Callable[[str], object], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError) as caught:
        look_up("qqqqqqqqqqqq")
    message = str(caught.value)
    assert message.startswith(f"unknown {kind} 'qqqqqqqqqqqq'")
    command = message[message.rindex("bitext-bench list") : -1]
    assert main(command.split()[1:]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_the_command_line_prints_one_line_and_returns_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--model", "toys:hashing", "--data", "mini", "--tasks", "Mini-Tatoba\nx"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(r"bitext-bench: error: unknown task 'Mini-Tatoba\nx': did you mean Mini-Tatoeba")
