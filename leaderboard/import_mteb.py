"""`bitext-bench import-mteb`: result files of mteb become reported figures, never measured ones."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bitext_bench.baselines import Reported
from bitext_bench.errors import UserError
from bitext_bench.report import printable
from bitext_bench.store import make_folder, write_whole

from .reported import FILE, read_reported, render_rows

# What we call mteb's scores. Accuracy and F1 are of bitext mining in one direction only where precision and recall
# stand beside them: classification has them too.
_BITEXT = {"accuracy": "mteb_accuracy", "f1": "mteb_f1"}
_STS = {"cosine_spearman": "cosine_spearman"}


def run_import(arguments: argparse.Namespace) -> int:
    """Add the figures of mteb's files to reported.tsv in the results folder; of two for one thing the new one stays.

    Raises:
        UserError: there is no such path, or nothing in it that mteb wrote.
    """
    path: Path = arguments.path
    files = [path] if path.is_file() else sorted(path.rglob("*.json"))
    figures: dict[tuple[str, ...], tuple[str, Reported]] = {}
    for file in files:
        try:
            new = list(figures_of(file))
        except UserError as error:
            print(f"bitext-bench: left out: {error}", file=sys.stderr)
            continue
        figures |= {_key(name, figure): (name, figure) for name, figure in new}
    if not figures:
        raise UserError(f"{path} holds no result file of mteb: expected <org>__<model>/<revision>/<Task>.json")
    output = arguments.results / FILE
    before = {_key(name, figure): (name, figure) for name, figure in read_reported(arguments.results)}
    make_folder(arguments.results)
    write_whole(output, render_rows([row for _, row in sorted({**before, **figures}.items())]).encode())
    print(f"bitext-bench: {len(figures):,} reported figures are in {output}", file=sys.stderr)
    return 0


def _key(name: str, figure: Reported) -> tuple[str, ...]:
    return name, figure.task, figure.subset, figure.metric, figure.source


def figures_of(file: Path) -> Iterator[tuple[str, Reported]]:
    """Yield (model, figure) of every subset of one result file of mteb; nothing of its model_meta.json.

    Raises:
        UserError: the file is damaged, or no result of mteb (one of this harness is measured, not reported).
    """
    if file.name == "model_meta.json":
        return
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict) or "scores" not in content or "task_name" not in content:
        raise UserError(f"{file} is no result of mteb: expected task_name and scores")
    if "bitext_bench" in content:
        raise UserError(f"{file} was measured by this harness: it is a result already")
    task, version = str(content["task_name"]), content.get("mteb_version") or "unknown"
    model, revision = _model(file)
    source = f"mteb result file, {model}, revision {revision}, data {content.get('dataset_revision')}"
    note = f"mteb {version}; the prompt is not recorded"
    for subset, scores in _subsets(file, content["scores"]):
        names = {**_STS, **(_BITEXT if {"precision", "recall"} <= scores.keys() else {})}
        for theirs, ours in names.items():
            value = scores.get(theirs)
            if isinstance(value, float | int) and math.isfinite(value):
                yield model, Reported(task, subset, ours, float(value), source, note)


def _model(file: Path) -> tuple[str, str]:
    folders = file.resolve().parts[:-1]
    if len(folders) < 2:
        return printable(file.stem), "unknown"
    return printable(folders[-2].replace("__", "/", 1)), printable(folders[-1])


def _subsets(file: Path, splits: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 (anything may stand in a file)
    """Yield (subset, scores) of the test split, or of the only one there is."""
    if not isinstance(splits, dict) or not splits:
        raise UserError(f"{file} has no scores")
    entries = splits.get("test", next(iter(splits.values())))
    if not isinstance(entries, list):
        raise UserError(f"{file} has scores of an older layout: open it with mteb and save it again")
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("hf_subset"), str):
            raise UserError(f"{file} has a subset without a name")
        yield printable(entry["hf_subset"]), entry
