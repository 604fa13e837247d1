"""What is done: a record a unit, with the sum of each of its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embedding.store import make_folder, write_atomic
from ..io.checksums import content_sha256, file_sha256
from .arrays import array_bytes
from .plan import Plan, Record, WorkUnit


def write_unit(plan: Plan, unit: WorkUnit, arrays: dict[str, NDArray[Any]], **about: float | str) -> None:
    """Write a unit's array files, then its record: a unit with a record is done.

    Raises:
        UserError: a file cannot be written.
    """
    files = {}
    for what, array in arrays.items():
        file = plan.path(unit, what)
        make_folder(file.parent)
        content = array_bytes(array)
        write_atomic(file, content)
        files[file.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    record = plan.record_file(unit)
    make_folder(record.parent)
    write_atomic(record, dump_checksummed({"files": files, **about}))


def read_record(plan: Plan, unit: WorkUnit) -> Record | None:
    """Return a unit's record where it is done and its files are there in full length; nothing of them is read."""
    try:
        record = parse_checksummed(plan.record_file(unit).read_bytes())
    except OSError:
        return None
    folder = plan.root / unit.stage
    if record is None or any(_size(folder / name) != file["bytes"] for name, file in record["files"].items()):
        return None
    return record


def is_intact(plan: Plan, unit: WorkUnit) -> bool:
    """Return whether a unit is done and its files have the sums that they were written with."""
    record = read_record(plan, unit)
    if record is None:
        return False
    return all(try_sha256(plan.root / unit.stage / name) == file["sha256"] for name, file in record["files"].items())


def load_array(plan: Plan, unit: WorkUnit, what: str) -> NDArray[Any]:
    """Return an array of a unit that is done, mapped: what is not looked at is not read."""
    array: NDArray[Any] = np.load(plan.path(unit, what), mmap_mode="r", allow_pickle=False)
    return array


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


def dump_checksummed(content: dict[str, Any]) -> bytes:
    """Return an object as JSON that carries its own sum."""
    return json.dumps({**content, "sha256": content_sha256(content)}, indent=1).encode()


def parse_checksummed(text: bytes) -> dict[str, Any] | None:
    """Return what was sealed; None where it has been changed since, or is something else."""
    try:
        content = json.loads(text)
        digest = content.pop("sha256")
        return content if digest == content_sha256(content) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def try_sha256(file: Path) -> str | None:
    """Return a file's sha256; None where it cannot be read."""
    try:
        return file_sha256(file)
    except OSError:
        return None
