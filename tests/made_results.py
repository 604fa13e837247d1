"""Synthetic results: records with given scores, and changed result files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bitext_bench.io.checksums import content_sha256
from bitext_bench.results.files import read_result, write_result
from bitext_bench.results.mteb_fields import mteb_fields
from bitext_bench.results.outcomes import read_outcomes
from bitext_bench.results.records import SubsetResult, TaskResult
from bitext_bench.results.schema import EncodingRecord, ModelRecord, TrainingRecord
from bitext_bench.tasks import TASKS

MODEL = {"name": "local/m", "registered": None, "revision": "1", "prompt": "", "pooling": "mean", "dtype": "fp32"}

HOSTILE = [
    "a|b",
    "`code`",
    "<script>alert(1)</script>",
    "two\nlines",
    "*bold* _it_ ~~no~~",
    "[x](y)",
    "\\",
    "&lt;",
    "שלום|",
    "\u202eevil",
]


def subset_of(name: str, scores: dict[str, float | None], **more: Any) -> SubsetResult:
    """A subset with these scores."""
    usual = {"languages": ["fra-Latn", "eng-Latn"], "n": 100, "intervals": {}, "signature": "data:made@sha256:1"}
    return SubsetResult(subset=name, scores=scores, **{**usual, **more})


def result_of(task: str, subsets: Sequence[SubsetResult], **more: Any) -> TaskResult:
    """A result with these subsets; the main score is the first score of the first subset."""
    usual = {
        "split": "test",
        "data": "mini-1",
        "main_score": next(iter(subsets[0].scores)),
        "lower_is_better": task in TASKS and TASKS[task].lower_is_better,
    }
    usual |= {"evaluation_time": 1.0, "model": MODEL, "summary": {}}
    values = {**usual, **more}
    return TaskResult(task=task, subsets=list(subsets), **typed(values))


def typed(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a result; dicts become typed records."""
    kinds = {"model": ModelRecord, "training": TrainingRecord, "encoding": EncodingRecord}
    given = {name: kind for name, kind in kinds.items() if isinstance(values.get(name), dict)}
    return values | {name: kind.model_validate(values[name]) for name, kind in given.items()}


def consistent(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a result file with mteb's fields for its other values, if those determine them."""
    try:
        return content | mteb_fields(content)
    except (AttributeError, KeyError, IndexError, TypeError):
        return content


def write_content(file: Path, content: dict[str, Any]) -> None:
    """Write any content as a result file with a valid checksum."""
    file.write_text(json.dumps({**content, "sha256": content_sha256(content)}, ensure_ascii=False), encoding="utf-8")


def write_again(file: Path, folder: Path | None = None, **changes: Any) -> Path:
    """Write a copy of a result file with changed fields and the same outcomes, in place or in another folder."""
    result = read_result(file)
    outcomes = read_outcomes(file, result)
    return write_result(folder or file.parent, replace(result, **typed(changes)), outcomes)
