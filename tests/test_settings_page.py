"""training/SETTINGS.md: it is what the code says, and its defaults are those of a run."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from settings_page import PAGE, page

from training.config import make_config
from training.losses.objective import Objective

GIVEN = {"student": "a", "pairs": ["en-ja"]}


def rows() -> dict[str, list[str]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {name.strip("`"): others for name, *others in cells}


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python tests/settings_page.py"


def test_its_defaults_are_those_of_a_run() -> None:
    usual = make_config(GIVEN).to_dict()
    named: dict[str, Any] = {**usual, **{f"objective.{name}": value for name, value in asdict(Objective()).items()}}
    del named["objective"]
    assert named.keys() == rows().keys()
    for name, (_, default, _, _) in rows().items():
        if default == "none":
            assert not named[name] or name in GIVEN
        elif default != "required":
            read = json.loads(default.strip("`"))
            assert (tuple(read) if isinstance(read, list) else read) == named[name], name


def test_every_setting_is_described_and_every_equation_of_the_loss_has_one() -> None:
    assert all(len(meaning) > 10 for _, _, meaning, _ in rows().values())
    found = {int(n) for *_, equations in rows().values() for n in re.findall(r"\d+", equations)}
    assert found == {2, 3, 4, 5, 6, 7, 8}


def test_flags_are_those_of_the_command() -> None:
    flags = {name: flag.strip("`") for name, (flag, *_) in rows().items()}
    assert (flags["objective.lambda_cross"], flags["lora_rank"], flags["student"]) == ("--lambda", "--lora", "--model")
    assert flags["max_grad_norm"] == ""
