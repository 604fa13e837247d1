"""Time and peak memory of `run`, `mine` and `train`, whole processes, at four sizes that are a factor of 4 apart.

The start of a process takes seconds whatever the size, so growth is that of the differences between sizes: if time is
a + b n^e, then (t(16 n) - t(4 n)) / (t(4 n) - t(n)) = 4^e. This draws growth.svg, which README.md shows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .claims import Claim, Measured, Setup, Skipped
from .processes import run_bitext_bench

PICTURE = Path(__file__).with_suffix(".svg")
FACTOR = 4
DIMENSIONS = 384
PAIRS = "train/manythings-tatoeba/en-fr.tsv"


class Point(NamedTuple):
    """One measured size: rows, seconds, and the peak memory in GB."""

    rows: int
    seconds: float
    memory: float


@dataclass(frozen=True)
class Growing:
    """A command that is measured at four sizes.

    Attributes:
        first: the smallest number of rows: pairs of `run` and `train`, vectors per side of `mine`.
        work: the power of the rows with which its work grows.
        memory: the most gigabytes that a million rows more may take.
        arguments: the command for a number of rows.
    """

    name: str
    first: int
    work: float
    memory: float
    arguments: Callable[[Setup, int], list[str]]

    def points(self, setup: Setup) -> Iterator[Point]:
        """Measure each size."""
        for power in range(4):
            rows = self.first * FACTOR**power
            seconds, peak = run_bitext_bench(self.arguments(setup, rows))
            yield Point(rows, seconds, peak / 1e9)


def measure(setup: Setup) -> Measured:
    if setup.quick:
        yield Skipped("growth", "twelve processes are not quick")
        return
    found: dict[str, list[Point]] = {}
    for command in COMMANDS:
        found[command.name] = points = list(command.points(setup))
        detail = ", ".join(f"{x.rows:,} rows {x.seconds:.1f} s {x.memory:.2f} GB" for x in points)
        grows = f"{command.name}: time grows with a power of the rows, beyond that of the work ({command.work:g})"
        yield Claim(grows, exponent(points) - command.work, 0.2, at_least=False, detail=detail)
        added = (points[3].memory - points[2].memory) / (points[3].rows - points[2].rows) * 1e6
        yield Claim(f"{command.name}: GB for a million rows more", added, command.memory, at_least=False)
    draw(found, PICTURE)


def exponent(points: list[Point]) -> float:
    """Return the power e of the rows with which time grows from the second size to the fourth."""
    second, third, fourth = (x.seconds for x in points[1:])
    return math.log((fourth - third) / max(third - second, 1e-9), FACTOR)


def draw(found: dict[str, list[Point]], file: Path) -> None:
    """Draw time and memory, with dashed lines that grow as the work does from the last point."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for axes, unit in zip(figure.subplots(1, 2), ("seconds", "memory"), strict=True):
        for command in COMMANDS:
            points = found[command.name]
            rows, values = [x.rows for x in points], [getattr(x, unit) for x in points]
            (line,) = axes.plot(rows, values, "o-", label=command.name)
            if unit == "seconds":
                ideal = [values[-1] * (n / rows[-1]) ** command.work for n in rows]
                axes.plot(rows, ideal, "--", color=line.get_color(), linewidth=0.8)
        axes.set(xscale="log", yscale="log", xlabel="rows", ylabel={"memory": "peak memory, GB"}.get(unit, unit))
        axes.legend()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "growth"}):  # text as text, the same file each time
        figure.savefig(file, metadata={"Date": None})


def _run(setup: Setup, rows: int) -> list[str]:
    file = setup.scratch / f"{rows}.tsv"
    file.write_text("".join(_pairs(setup, rows)), encoding="utf-8")
    places = ["--cache-folder", str(setup.scratch / f"run-{rows}"), "--output", str(setup.scratch / f"results-{rows}")]
    return ["run", "--model", str(setup.model), "--bitext", str(file), "--languages", "en", "fr", *places]


def _mine(setup: Setup, rows: int) -> list[str]:
    generator = np.random.default_rng(rows)
    files = [setup.scratch / f"{rows}.{side}.npy" for side in ("source", "target")]
    for file in files:
        np.save(file, generator.standard_normal((rows, DIMENSIONS), dtype=np.float32))
    return ["mine", *map(str, files), "-o", str(setup.scratch / f"{rows}.pairs.tsv"), "--search", "exact"]


def _train(setup: Setup, rows: int) -> list[str]:
    file = setup.scratch / f"train-{rows}" / "some" / "en-fr.tsv"
    file.parent.mkdir(parents=True)
    file.write_text("".join(_pairs(setup, rows)), encoding="utf-8")
    return [
        *("train", "--recipe", "cpu-minutes", "--model", str(setup.model), "--prompt", "query: ", "--pair", "en-fr"),
        *("--data", str(file.parents[1]), "--benchmarks", "mini", "--epochs", "1", "--set", "dev_size=10"),
        *("--set", "eval_steps=100000"),  # one evaluation and one checkpoint, at the end
        *("--cache-folder", str(setup.scratch / f"store-{rows}"), "--output", str(setup.scratch / f"trained-{rows}")),
    ]


def _pairs(setup: Setup, rows: int) -> list[str]:
    with (setup.data / PAIRS).open(encoding="utf-8", newline="\n") as stream:
        return random.Random(0).sample(list(stream), rows)


COMMANDS = (
    Growing("run", 64, 1, 60, _run),
    Growing("mine", 1_500, 2, 20, _mine),
    Growing("train", 48, 1, 60, _train),
)
