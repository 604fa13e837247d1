"""The benchmark of growth: the power that it finds, its commands, and its picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.claims import Setup
from benchmarks.growth import COMMANDS, Point, draw, exponent
from builders import write

from bitext_bench.cli.parser import build_parser

ROWS = [125 * 4**power for power in range(4)]


@pytest.mark.parametrize("power", [0.5, 1, 1.5, 2])
def test_the_start_of_a_process_is_no_growth(power: float) -> None:
    assert exponent([Point(n, 7 + 1e-5 * n**power, 1.0) for n in ROWS]) == pytest.approx(power)


def test_no_growth() -> None:
    assert exponent([Point(n, 7 + (n == ROWS[-1]), 1.0) for n in ROWS]) > 10  # a jump is never hidden
    assert exponent([Point(n, 7 + (n > ROWS[1]) + 0.001 * (n > ROWS[2]), 1.0) for n in ROWS]) < 0


def test_its_commands_are_known(tmp_path: Path) -> None:
    write(tmp_path / "data/train/manythings-tatoeba/en-fr.tsv", [f"one {i}\tun {i}" for i in range(50)])
    for command in COMMANDS:
        arguments = command.arguments(Setup(tmp_path / "data", tmp_path / "model", tmp_path, quick=True), 16)
        assert build_parser(arguments).parse_args(arguments).command == command.name


def test_the_picture(tmp_path: Path) -> None:
    points = [Point(n, 7 + 0.01 * n, 1 + 1e-4 * n) for n in ROWS]
    draw({command.name: points for command in COMMANDS}, tmp_path / "growth.svg")
    text = (tmp_path / "growth.svg").read_text(encoding="utf-8")
    assert [command.name for command in COMMANDS if f">{command.name}<" not in text] == []
    draw({command.name: points for command in COMMANDS}, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text(encoding="utf-8") == text
