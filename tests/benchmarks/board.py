"""A leaderboard of 500 models x 12 tasks: seconds and peak memory of the whole process.

The models are copies of mUSE's committed results, each with a different share of its outcomes changed at random. Many
models are close together, so the paired tests have work to do.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitext_bench.results.files import read_result, write_result
from bitext_bench.results.outcomes import read_outcomes
from bitext_bench.results.records import Outcomes, SubsetResult, TaskResult
from bitext_bench.scoring.intervals import mean_interval

from .claims import Claim, Measured, Setup
from .processes import run_bitext_bench

TASKS = 12
_TEMPLATES = Path(__file__).parents[2] / "results" / "google__muse-v3"


def measure(setup: Setup) -> Measured:
    models = 50 if setup.quick else 500
    results, output = make_results(setup.scratch / "results", models), setup.scratch / "README.md"
    seconds, peak = run_bitext_bench(["leaderboard", "--results", str(results), "--output", str(output)])
    detail = f"({output.read_text(encoding='utf-8').count(chr(10)):,} lines)"
    name = f"Markdown for {models} models x {TASKS} tasks"
    yield setup.at_full_size(Claim(f"{name}, seconds", seconds, 5, at_least=False, detail=detail))
    yield setup.at_full_size(Claim("peak memory of it, MB", peak / 2**20, 500, at_least=False))


def make_results(root: Path, models: int) -> Path:
    """Write a folder with the results of all models."""
    files = [file for file in sorted(_TEMPLATES.rglob("*.json")) if "mining" not in file.name][-TASKS:]
    for file in files:
        result = read_result(file)
        outcomes = read_outcomes(file, result)
        for number in range(models):
            generator = np.random.default_rng(number)
            write_result(root / f"made__model-{number:03}" / "1", *_disturbed(result, outcomes, number, generator))
    return root


def _disturbed(
    result: TaskResult, outcomes: Outcomes, number: int, generator: np.random.Generator
) -> tuple[TaskResult, Outcomes]:
    share = 0.4 * generator.random() ** 2
    changed = {key: _columns(columns, share, generator) for key, columns in outcomes.items()}
    subsets = [
        _rescored(entry, result.main_score, [columns for (name, _), columns in changed.items() if name == entry.subset])
        for entry in result.subsets
    ]
    name = f"made/model-{number:03}"
    model = result.model.model_copy(update={"name": name, "revision": "1", "fingerprint": name})
    return replace(result, subsets=subsets, model=model), changed


def _columns(columns: dict[str, NDArray[Any]], share: float, generator: np.random.Generator) -> dict[str, NDArray[Any]]:
    if "gold" in columns:  # STS
        noise = generator.standard_normal(len(columns["score"])) * share * columns["score"].std()
        return {**columns, "score": (columns["score"] + noise).astype(np.float32)}
    return {**columns, "hit": columns["hit"] & (generator.random(len(columns["hit"])) >= share)}


def _rescored(entry: SubsetResult, score: str, blocks: list[dict[str, NDArray[Any]]]) -> SubsetResult:
    if score == "cosine_spearman":
        from scipy.stats import spearmanr

        value = float(spearmanr(blocks[0]["score"], blocks[0]["gold"]).statistic)
        interval = value - 0.02, value + 0.02
    else:
        hits = np.mean([block["hit"] for block in blocks], axis=0)
        outcomes = 1 - hits if score == "xsim" else hits
        value, interval = float(outcomes.mean()), mean_interval(outcomes, len(blocks))
    changed = {score: value} | ({"mteb_accuracy": value} if "mteb_accuracy" in entry.scores else {})
    return replace(entry, scores={**entry.scores, **changed}, intervals={score: interval})
