"""Records of finished work units, with the checksums of their files."""

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
    """Write a unit's array files, then the record that marks it as done.

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
    """Return a unit's record if it is done and its files have the right sizes; their content is not read."""
    try:
        record = parse_checksummed(plan.record_file(unit).read_bytes())
    except OSError:
        return None
    folder = plan.root / unit.stage
    if record is None or any(_size(folder / name) != file["bytes"] for name, file in record["files"].items()):
        return None
    return record


def is_intact(plan: Plan, unit: WorkUnit) -> bool:
    """Check whether a unit is done and its files match their checksums."""
    record = read_record(plan, unit)
    if record is None:
        return False
    return all(try_sha256(plan.root / unit.stage / name) == file["sha256"] for name, file in record["files"].items())


def load_array(plan: Plan, unit: WorkUnit, what: str) -> NDArray[Any]:
    """Return a memory-mapped array of a finished unit."""
    array: NDArray[Any] = np.load(plan.path(unit, what), mmap_mode="r", allow_pickle=False)
    return array


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


def dump_checksummed(content: dict[str, Any]) -> bytes:
    """Return an object as JSON with its own checksum."""
    return json.dumps({**content, "sha256": content_sha256(content)}, indent=1).encode()


def parse_checksummed(text: bytes) -> dict[str, Any] | None:
    """Parse the output of `dump_checksummed`; None if it is damaged."""
    try:
        content = json.loads(text)
        digest = content.pop("sha256")
        return content if digest == content_sha256(content) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def try_sha256(file: Path) -> str | None:
    """Return a file's sha256; None if it cannot be read."""
    try:
        return file_sha256(file)
    except OSError:
        return None
