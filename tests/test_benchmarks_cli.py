"""The command of the benchmarks: their names, what it prints, and its status. Nothing is measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.__main__ import BENCHMARKS, as_json, machine, main, run
from benchmarks.claims import Claim, Setup, Skipped

FOLDER = Path(__file__).parent / "benchmarks"
FAST, SLOW = Claim("speed", 3.0, 2.0, detail="(6 s)"), Claim("seconds", 3.0, 2.0, at_least=False)


def test_every_benchmark_has_a_name() -> None:
    files = {file.stem for file in FOLDER.glob("*.py") if "\ndef measure(" in file.read_text(encoding="utf-8")}
    assert {name.replace("-", "_") for name in BENCHMARKS} == files


def test_every_benchmark_is_in_the_readme() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in BENCHMARKS if f"`{name}`" not in text and f"benchmarks {name}" not in text] == []


def test_help_names_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "--quick" in printed and ", ".join(BENCHMARKS) in printed


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["encode", "encoding"])
    assert "invalid choice: 'encoding'" in capsys.readouterr().err


def test_claims_are_printed_as_they_are_made(capsys: pytest.CaptureFixture[str]) -> None:
    def measured() -> Iterator[Claim | Skipped]:
        yield FAST
        assert capsys.readouterr().out == "toy: speed: 3 (at least 2: holds) (6 s)\n"
        yield SLOW
        assert capsys.readouterr().out == "toy: seconds: 3 (at most 2: FAILS)\n"
        yield Skipped("bf16", "this CPU has no bf16 hardware")
        assert capsys.readouterr().out == "toy: bf16: skipped, this CPU has no bf16 hardware\n"

    assert [claim.what for claim in run("toy", measured())] == ["speed", "seconds", "bf16"]
    assert capsys.readouterr().out == "toy: 0 s\n"


def test_json_has_values_bounds_and_reasons() -> None:
    found = json.loads(as_json({"toy": [SLOW, Skipped("bf16", "none here")]}))
    assert found["machine"] == machine()
    slow, skipped = found["claims"]
    assert (slow["benchmark"], slow["measured"], slow["bound"], slow["holds"]) == ("toy", 3.0, 2.0, False)
    assert skipped == {"benchmark": "toy", "what": "bf16", "why": "none here"}


@pytest.mark.parametrize("quick", [True, False])
def test_a_quick_run_does_not_judge_what_needs_the_full_size(quick: bool) -> None:
    made = Setup(Path(), Path(), Path(), quick).at_full_size(FAST)
    assert str(made) == ("speed: 3 (6 s): skipped, the bound 2 is for the full size" if quick else str(FAST))


def test_the_first_line_names_the_cpu() -> None:
    assert " cores, " in machine() and "bf16 hardware" in machine()
