"""Two small corpora of which some sentences translate each other, for tests of `mine`."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

from builders import write

from bitext_bench.cli.main import main

N_PAIRS, N_ALONE = 60, 40


def corpora(folder: Path) -> tuple[Path, Path, list[tuple[int, int]]]:
    """Write source.txt and target.txt, with repeated and blank lines; returns them and the gold pairs of lines."""
    draw = random.Random(0)
    words = [f"word{i}" for i in range(200)]
    source = [draw.choices(words, k=8) for _ in range(N_PAIRS + N_ALONE)]
    target = [[*sentence[:7], "x"] for sentence in source[:N_PAIRS]]
    target += [draw.choices(words, k=8) for _ in range(N_ALONE)]
    order = list(range(len(target)))
    draw.shuffle(order)
    texts = [" ".join(sentence) for sentence in source]
    write(folder / "source.txt", [*texts, texts[3], "", texts[5]])
    write(folder / "target.txt", [" ".join(target[i]) for i in order])
    return folder / "source.txt", folder / "target.txt", [(i + 1, order.index(i) + 1) for i in range(N_PAIRS)]


def mine(*arguments: object, model: str = "toys:hashing") -> int:
    return main(["mine", *map(str, arguments), "--model", model])


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def lines(file: Path) -> list[tuple[int, int]]:
    return [(int(row["source_line"]), int(row["target_line"])) for row in rows(file)]


def report(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.with_name(f"{file.name}.report.json").read_text())
    return content


def written(work: Path) -> dict[Path, int]:
    """Return the arrays in a work folder, and when each was written."""
    return {file: file.stat().st_mtime_ns for file in work.rglob("*.npy")}
