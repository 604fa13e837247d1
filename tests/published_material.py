"""../shared/published/mteb.tsv as candidates: the source of the published scores in the package."""

from __future__ import annotations

import csv
from pathlib import Path

from bitext_bench.tasks import TASKS
from leaderboard.published.choose import Candidate
from leaderboard.published.records import Measure, ResultFile

SOURCE = Path(__file__).parents[2] / "shared" / "published" / "mteb.tsv"
COMMIT = "embeddings-benchmark/results@f4cc6c8b"
OURS = {"accuracy": "mteb_accuracy", "f1": "mteb_f1", "cosine_spearman": "cosine_spearman"}


def source_rows() -> list[dict[str, str]]:
    with SOURCE.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def source_measure(row: dict[str, str]) -> Measure:
    return Measure(row["task"], row["subset"], OURS[row["metric"]])


def source_candidates() -> list[Candidate]:
    """Return one candidate for each model, task, revision and version, of the tasks that bitext-bench has."""
    scores: dict[tuple[str, str, ResultFile], dict[Measure, float]] = {}
    for row in source_rows():
        if row["task"] in TASKS:
            version = "unknown" if row["mteb_version"] == "None" else row["mteb_version"]
            file = ResultFile(row["revision"], version, COMMIT)
            own = scores.setdefault((row["model"], row["task"], file), {})
            own[source_measure(row)] = float(row["value"])
    return [Candidate(*key, own) for key, own in scores.items()]
