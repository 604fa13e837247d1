"""Synthetic results for tests of the paper's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from made_results import result_of, subset_of

from bitext_bench.cli.main import main
from bitext_bench.results.files import write_result
from leaderboard.entries.read import read_results
from leaderboard.paper_tables.arrange import ArrangedTable, arrange
from leaderboard.paper_tables.measured import MeasuredRow, find_rows
from leaderboard.paper_tables.tables import PAPER_TABLES

EN_XX = ("en-ko", "en-ja", "en-ru", "en-fr")
ALL = (*EN_XX, "ru-ja", "ru-fr", "ru-ko", "ja-fr", "ja-ko", "fr-ko")
FOUR = {"Tatoeba": {"fra-eng": 0.9, "jpn-eng": 0.8, "kor-eng": 0.7, "rus-eng": 0.6}}
STUDENT = {"name": "local/student", "revision": "abc", "prompt": "query: "}


def training(**changes: Any) -> dict[str, Any]:
    """A training record: Priority + TMS on en-ja, unless changed."""
    return {
        "recipe": "cpu-minutes",
        "student": STUDENT,
        "teacher": STUDENT,
        "pairs": ["en-ja"],
        "loss": "soft-contrastive",
        "num_hard_negatives": 0,
        "batch_size": 32,
        "learning_rate": 5e-5,
        "seed": 42,
        "label": "priority",
        "tms": True,
        "lambda_cross": 0.1,
        "tau_teacher": 0.1,
        "tau_student": 0.1,
        "corpora": {"made en-ja": 1000},
        "settings": "0123456789ab",
        "steps": 200,
        "curve": [[100, 0.5], [200, 0.6]],
        **changes,
    }


@dataclass
class Results:
    """A results folder to add models to."""

    root: Path
    count: int = field(default=0)

    def add(
        self,
        scores: Mapping[str, Mapping[str, float | None]],
        said: dict[str, Any] | None = None,
        *,
        data: str = "made@sha256:1",
        **model: Any,
    ) -> None:
        """Write the result files of one model; `scores` maps task and subset to a score, with intervals of +- 0.01."""
        self.count += 1
        whole = {
            "name": f"local/model-{self.count}",
            "registered": None,
            "revision": f"r{self.count}",
            "prompt": "query: ",
            "pooling": "mean",
            "dtype": "fp32",
            "max_length": 512,
            **model,
        }
        for task, subsets in scores.items():
            name = {"Tatoeba": "accuracy", "BUCC.v2": "accuracy", "FLORES-200": "xsim"}.get(task, "cosine_spearman")
            entries = [
                subset_of(
                    subset,
                    {name: value},
                    languages=["eng-Latn"],
                    intervals={name: None if value is None else (value - 0.01, value + 0.01)},
                    signature=f"task:{task}|data:{data}",
                )
                for subset, value in subsets.items()
            ]
            result = result_of(task, entries, model=whole, lower_is_better=name == "xsim", training=said)
            folder = self.root / f"model-{self.count}" / str(whole["revision"])
            floats = ("score", "gold") if name == "cosine_spearman" else ("score", "margin")
            columns = {column: np.zeros(entries[0].n, np.float32) for column in floats}
            if name != "cosine_spearman":
                rows = np.arange(entries[0].n, dtype=np.int32)
                columns |= {"hit": rows >= 0, "neighbor": rows}
            direction = "pairs" if name == "cosine_spearman" else "forward"
            outcomes = {(entry.subset, direction): columns for entry in entries}
            write_result(folder, result, outcomes)

    def arranged(self, name: str) -> ArrangedTable:
        return arrange(name, PAPER_TABLES[name], read_results(self.root).entries)

    def rows(self, name: str) -> list[tuple[str, str]]:
        return [(m.row.group, " / ".join(m.row.labels)) for m in self.measured(name)]

    def measured(self, name: str) -> list[MeasuredRow]:
        return find_rows(PAPER_TABLES[name], read_results(self.root).entries)

    def table(self, name: str, *more: str) -> str:
        output = self.root.parent / f"{name}.md"
        command = [
            "leaderboard",
            "--results",
            str(self.root),
            "--paper-table",
            name.removeprefix("table"),
            "--output",
            str(output),
            *more,
        ]
        assert main(command) == 0
        return output.read_text(encoding="utf-8")


def tatoeba(value: float) -> dict[str, dict[str, float | None]]:
    return {"Tatoeba": {"jpn-eng": value}}


def measured_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ") and "*paper*" not in line][2:]
