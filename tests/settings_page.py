"""Writes training/SETTINGS.md from the docstrings and defaults of the settings: python tests/settings_page.py."""

from __future__ import annotations

import argparse
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from bitext_bench.cli.train_options import add_train
from bitext_bench.embedding.store import write_atomic
from training.config import TrainConfig
from training.losses.objective import Objective

PAGE = Path(__file__).parents[1] / "training/SETTINGS.md"
START = """# Settings

All settings of a training run, with their defaults. Set them by the flag, by `--set NAME=VALUE`, in a recipe (TOML,
see [recipes/](recipes)) or in Python (`training.TrainConfig` and `training.Objective`). A recipe changes some defaults.
Equations are those of Park et al. 2024 ([arXiv:2405.16155](https://arxiv.org/abs/2405.16155)).

`python tests/settings_page.py` writes this page from `training/config.py` and `training/losses/objective.py`.
[How to choose](README.md#choose-label-tms-temperatures-and-teacher) has measured advice.
"""


def page() -> str:
    return "\n".join(
        [
            START,
            "## Run\n",
            *_table(TrainConfig, ""),
            "\n## Soft contrastive loss\n",
            *_table(Objective, "objective."),
            "",
        ]
    )


def _table(settings: type, prefix: str) -> Iterator[str]:
    yield "| setting | flag | default | meaning | equation |"
    yield "|---|---|---|---|---|"
    flags, meanings = _flags(), attributes(settings)
    for field in fields(settings):
        if field.name == "objective":
            continue
        flag = flags.get(prefix + field.name, "")
        meaning = meanings[field.name]
        cells = [f"`{prefix}{field.name}`", flag, _default(field), meaning, ", ".join(equations(meaning))]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def attributes(settings: type) -> dict[str, str]:
    """Return the description of each attribute in a class's docstring."""
    text = inspect.cleandoc(settings.__doc__ or "").split("\nAttributes:\n")[1].split("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", text, re.MULTILINE)
    return {name: re.sub(r"\s+", " ", meaning) for name, meaning in entries}


def equations(meaning: str) -> list[str]:
    """Return the numbers of the equations that a description names."""
    found = re.findall(r"equations? (\d+(?:(?: to |, | and )\d+(?: to \d+)?)*)", meaning)
    return [number for part in found for number in re.split(r", | and ", part)]


def _default(field: Field[Any]) -> str:
    if field.default is MISSING:
        return "required"
    return "none" if field.default in (None, (), "") else f"`{json.dumps(field.default)}`"


def _flags() -> dict[str, str]:
    parser = argparse.ArgumentParser()
    add_train(parser)
    return {action.dest: f"`{action.option_strings[0]}`" for action in parser._actions if action.option_strings}


if __name__ == "__main__":
    write_atomic(PAGE, page().encode())
