"""Result files, in the folder structure of mteb.

<folder>/<org>__<model>/<revision>/<Task>.json            scores, with checksums of the scores and the outcomes
<folder>/<org>__<model>/<revision>/<Task>.outcomes.npz    per-sentence outcomes
<folder>/<org>__<model>/<revision>/<Task>.<data>.json     scores on data other than the official data
<folder>/<org>__<model>/<revision>/experiments/<settings>/...   results with settings other than the model's own

`mteb.results.TaskResult.from_disk` reads the JSON: it has mteb's fields next to ours (see mteb_fields.py).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..embedding.store import make_folder, write_all_atomic
from ..encoders import Model
from ..errors import DamagedResult, UserError
from ..io.checksums import content_sha256
from ..io.json_files import NotJson, read_json
from .mteb_results import EXPERIMENTS
from .outcomes import outcomes_file, pack_outcomes
from .records import FORMAT, Outcomes, TaskResult

_LONGEST_SHOWN = 40  # characters


def result_folder(root: Path, model: Model) -> Path:
    """Return the folder for a model's results. No name can escape the root, and no two names share a folder."""
    folder = root / _safe_name(model.name.replace("/", "__", 1)) / _safe_name(model.revision)
    if model.overrides:
        # "none" means no prompt. The prompt "none" gets a space, so that _safe_name adds a hash.
        named = {"": "none", "none": "none "}
        slug = "__".join(f"{key}_{named.get(value, value)}" for key, value in model.overrides)
        folder = folder / EXPERIMENTS / _safe_name(slug)
    return folder


def settings_folder(file: Path) -> str:
    """Return the settings folder of a result file; "" if the settings are the model's own."""
    return file.parent.name if file.parent.parent.name == EXPERIMENTS else ""


def _safe_name(name: str) -> str:
    """Replace all characters except letters, digits, `.`, `_` and `-`. A changed name gets a hash of the original."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:100]
    if kept and kept == name:
        return name
    return f"{kept}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def write_result(folder: Path, result: TaskResult, outcomes: Outcomes, stem: str | None = None) -> Path:
    """Write a result and its outcomes, both or neither, and return the path of the JSON file.

    Args:
        folder: folder of the model.
        result: the result; the checksum of the outcomes is computed again.
        outcomes: outcomes of all its subsets.
        stem: file name without .json; None for the name of the task.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    make_folder(folder)
    file = folder / f"{stem or result.task}.json"
    packed = pack_outcomes(outcomes)
    text = replace(result, outcomes_sha256=hashlib.sha256(packed).hexdigest()).to_json()
    write_all_atomic({outcomes_file(file): packed, file: text.encode()})
    return file


def read_result(file: Path) -> TaskResult:
    """Read a result file of bitext-bench.

    Raises:
        DamagedResult: the file is not JSON, was changed after it was written, or has invalid fields.
        UserError: the file cannot be read, was written by another program (mteb), or has an unknown format.
    """
    try:
        content: Any = read_json(file)
    except NotJson as error:
        raise DamagedResult(f"{file} is not JSON: {error}; was it cut off? run the task again") from error
    if not isinstance(content, dict) or "bitext_bench" not in content:
        raise UserError(f"{file} is not a result of bitext-bench: expected a file that bitext-bench run wrote")
    written, version = content["bitext_bench"], content.get("version", "?")
    if isinstance(written, dict):  # format 1
        version, written = written.get("version", "?"), written.get("format")
    if written != FORMAT:
        raise UserError(
            f"{file} has format {_shorten(written)} (bitext-bench {_shorten(version)}); this is version "
            f"{__version__} and reads format {FORMAT}: use the version that wrote it, or run the task again"
        )
    try:
        intact = content["sha256"] == content_sha256(content)
        result = TaskResult.from_json(content) if intact else None
    except KeyError as error:
        raise DamagedResult(f"{file} is damaged: {error} is missing; run the task again") from error
    except ValueError as error:
        raise DamagedResult(f"{file} is damaged: {error}; run the task again") from error
    if result is None:
        raise DamagedResult(f"{file} was changed after it was written (its checksum differs): run the task again")
    return result


def _shorten(value: object) -> str:
    """Shorten a value from the file for a message."""
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
