"""What is done: a record a unit, with the sum of each of its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store import make_folder, write_whole
from .arrays import array_bytes
from .plan import Plan, Record, Unit


def finish(plan: Plan, unit: Unit, arrays: dict[str, NDArray[Any]], **about: float | str) -> None:
    """Write a unit's array files, then its record: a unit with a record is done.

    Raises:
        UserError: a file cannot be written.
    """
    files = {}
    for what, array in arrays.items():
        file = plan.path(unit, what)
        make_folder(file.parent)
        content = array_bytes(array)
        write_whole(file, content)
        files[file.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    record = plan.record_file(unit)
    make_folder(record.parent)
    write_whole(record, json.dumps({"files": files, **about}, indent=1).encode())


def record_of(plan: Plan, unit: Unit) -> Record | None:
    """Return a unit's record where it is done and its files are there in full length; nothing of them is read."""
    try:
        record: Record = json.loads(plan.record_file(unit).read_bytes())
        sizes = {name: file["bytes"] for name, file in record["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, or damaged: the same
    folder = plan.root / unit.stage
    return record if all(_size(folder / name) == size for name, size in sizes.items()) else None


def is_intact(plan: Plan, unit: Unit) -> bool:
    """Return whether a unit is done and its files have the sums that they were written with."""
    record = record_of(plan, unit)
    if record is None:
        return False
    return all(_sha256(plan.root / unit.stage / name) == file["sha256"] for name, file in record["files"].items())


def load(plan: Plan, unit: Unit, what: str) -> NDArray[Any]:
    """Return an array of a unit that is done, mapped: what is not looked at is not read."""
    array: NDArray[Any] = np.load(plan.path(unit, what), mmap_mode="r", allow_pickle=False)
    return array


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


def _sha256(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
