"""Read mteb's result files with mteb itself, so that all its formats are interpreted correctly."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..io.json_files import NotJson, read_json
from ..io.terminal import quiet_mteb

META = "model_meta.json"
EXPERIMENTS = "experiments"
UNKNOWN = "unknown"
# A commit, mteb's names for a missing commit, or a version number: 1, 0_1_10, v2.
_REVISION = re.compile(r"[0-9a-f]{7,40}|no_revision_available|external|main|v?\d+([._]\d+)*")


@dataclass(frozen=True, slots=True)
class MtebResult:
    """One result file of mteb.

    Attributes:
        model: name of the model, followed by non-default settings in parentheses.
        revision: revision of the model; "unknown" if neither the path nor model_meta.json has one.
        kind: mteb's type of the task ("BitextMining", "STS"); "" if the installed mteb does not have the task.
        data: revision of the data set.
        version: version of mteb, or "unknown".
        date: date in ISO 8601, or "".
        scores: split -> subset -> mteb's scores by name.
    """

    model: str
    revision: str
    task: str
    kind: str
    data: str
    version: str
    date: str
    scores: dict[str, dict[str, dict[str, Any]]]


def read_mteb_result(file: Path) -> MtebResult:
    """Read a file with `mteb.results.TaskResult.from_disk`, which knows the formats of all versions.

    Raises:
        UserError: mteb cannot read it, or bitext-bench wrote it.
    """
    _check_origin(file)
    from mteb.results import TaskResult

    try:
        with quiet_mteb():
            result = TaskResult.from_disk(file)
        scores = {
            split: {str(entry["hf_subset"]): dict(entry) for entry in entries}
            for split, entries in result.scores.items()
        }
    # Errors that mteb's reader raises for unexpected content; pydantic's are ValueErrors.
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{file}: mteb cannot read it as a result ({type(error).__name__}: {reason})") from error
    model, revision = read_model_name(file)
    return MtebResult(
        model=model,
        revision=revision,
        task=result.task_name,
        kind=task_kind(result.task_name),
        data=result.dataset_revision,
        version=result.mteb_version or UNKNOWN,
        date=result.date.isoformat() if result.date else "",
        scores=scores,
    )


@cache
def _metadata(task: str) -> Any:  # noqa: ANN401 (mteb's TaskMetadata)
    """Return mteb's metadata of a task; None if the installed mteb does not have it."""
    import mteb

    try:
        with quiet_mteb():
            return mteb.get_task(task).metadata
    except (KeyError, ValueError):
        return None


def task_kind(task: str) -> str:
    """Return mteb's type of a task ("BitextMining", "STS"); "" if the installed mteb does not have it."""
    metadata = _metadata(task)
    return "" if metadata is None else str(metadata.type)


def reported_split(task: str) -> str:
    """Return the split of a task that MTEB reports: test, devtest, or its first other one; "test" if mteb lacks it."""
    metadata = _metadata(task)
    return "test" if metadata is None else _choose_split(metadata, metadata.eval_splits) or "test"


@cache
def subset_sizes(task: str) -> Mapping[str, int]:
    """Return n of each subset in the split that MTEB reports, from mteb's statistics; empty if it has none."""
    metadata = _metadata(task)
    if metadata is None:
        return {}
    statistics = metadata.descriptive_stats or {}
    whole = statistics.get(_choose_split(metadata, statistics), {})
    by_subset = whole.get("hf_subset_descriptive_stats") or {"default": whole}
    return {str(name): int(own["num_samples"]) for name, own in by_subset.items() if own.get("num_samples")}


def _choose_split(metadata: Any, available: Collection[str]) -> str:  # noqa: ANN401
    return next((name for name in ("test", "devtest", *metadata.eval_splits) if name in available), "")


def _check_origin(file: Path) -> None:
    try:
        content = read_json(file)
    except NotJson as error:
        raise UserError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict) or not {"task_name", "mteb_dataset_name", "bitext_bench"} & content.keys():
        raise UserError(f"{file} is not a result of mteb: expected task_name or mteb_dataset_name")
    if "bitext_bench" in content:
        raise UserError(f"{file} was written by bitext-bench: it needs no import")


def read_model_name(file: Path) -> tuple[str, str]:
    """Return the name and revision of the model of an mteb result file.

    They are read from model_meta.json next to the file, or else from the path: <org>__<model>/<revision>/<Task>.json,
    <org>__<model>/<revision>/experiments/<settings>/<Task>.json, or <model>/<Task>.json (older versions of mteb).
    """
    folder, settings = _model_folder(file)
    name, revision = _name_by_path(folder)
    for meta in _meta_files(file):
        said = _meta(meta)
        if isinstance(said.get("name"), str) and said["name"]:
            return said["name"] + settings, str(said.get("revision") or revision)
    return name + settings, revision


def read_meta(file: Path) -> dict[str, Any]:
    """Return the content of the model_meta.json of an mteb result file; an empty dict if it has none."""
    return next(filter(None, map(_meta, _meta_files(file))), {})


def _meta_files(file: Path) -> tuple[Path, Path]:
    return file.with_name(META), _model_folder(file)[0] / META


def _model_folder(file: Path) -> tuple[Path, str]:
    """Return the directory of a model's results, and the settings of an experiment as they follow the model's name."""
    folder = file.resolve().parent
    if folder.parent.name == EXPERIMENTS:
        return folder.parent.parent, f" ({folder.name})"
    return folder, ""


def _name_by_path(folder: Path) -> tuple[str, str]:
    named_so = "__" in folder.parent.name or _REVISION.fullmatch(folder.name)
    with_revision = named_so and "__" not in folder.name
    model, revision = (folder.parent.name, folder.name) if with_revision else (folder.name, UNKNOWN)
    # A name on the hub has one slash; any further __ is part of the name.
    return model.replace("__", "/", 1) or UNKNOWN, revision


def _meta(file: Path) -> dict[str, Any]:
    """Return the content of a model_meta.json; an empty dict if it is missing or damaged."""
    try:
        content = read_json(file)
    except (UserError, NotJson):
        return {}
    return content if isinstance(content, dict) else {}
