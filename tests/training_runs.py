"""Runs of `bitext-bench train` on made rows, as the tests of training begin them and look at them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import WORDS, write


def made_rows(n: int, seed: int = 0) -> list[str]:
    """Return rows whose target is the source under a cipher of words: nothing that an untrained model could know."""
    rng = random.Random(seed)
    words = list(dict.fromkeys(WORDS))[:16]
    cipher = dict(zip(words, [*words[5:], *words[:5]], strict=True))
    chosen: dict[str, str] = {}
    while len(chosen) < n:
        sentence = rng.sample(words, 5)
        chosen.setdefault(" ".join(sentence), " ".join(cipher[word] for word in sentence))
    return [f"{source}\t{target}" for source, target in chosen.items()]


@dataclass(frozen=True)
class Folders:
    """Where a test trains: the data, the cache, and checkpoints by name."""

    root: Path
    model: Path

    @property
    def data(self) -> Path:
        return self.root / "pairs"

    @property
    def cache(self) -> list[str]:
        return ["--cache-folder", str(self.root / "cache")]

    def command(self, output: str, *more: str) -> list[str]:
        """Return a run of 12 steps in two epochs, looked at every 4, that gets better with each."""
        usual = (
            f"--model {self.model} --data {self.data} --benchmarks mini --pair en-fr --precision fp32 --batch-size 16"
        )
        steps = "--epochs 2 --set eval_steps=4 --set dev_size=10 --learning-rate 1e-2 --seed 10"
        soft = "--no-tms --teacher toys:hashing --set objective.tau_teacher=0.05"
        output_folder = ["--output", str(self.root / output)]
        return ["train", *usual.split(), *steps.split(), *soft.split(), *self.cache, *output_folder, *more]


def folders_at(root: Path, model: Path) -> Folders:
    write(root / "pairs/made/en-fr.tsv", made_rows(104))
    return Folders(root, model)


def record(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((output / "train_config.json").read_text(encoding="utf-8"))
    return content


def weights(output: Path) -> bytes:
    return (output / "model.safetensors").read_bytes()


def error_line(capfd: pytest.CaptureFixture[str]) -> str:
    """Return the one line of the error; fails where there is none, another one, or a traceback."""
    errors = capfd.readouterr().err
    assert "Traceback" not in errors
    (line,) = [x for x in errors.splitlines() if "error:" in x]
    assert errors.rstrip().endswith(line)
    return line


def same_run(one: Path, other: Path) -> None:
    for name in ("losses", "log", "dev_curve", "steps", "rows"):
        assert record(one)[name] == record(other)[name], name
    assert weights(one) == weights(other)
