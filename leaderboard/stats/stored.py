"""Statistics of earlier runs, so that a leaderboard with few new results takes little time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import bitext_bench
from bitext_bench import scoring
from bitext_bench.embedding.store import make_folder, write_atomic
from bitext_bench.errors import UserError
from bitext_bench.io.json_files import NotJson, read_json

_MOST = 50_000  # values in the file; the oldest are removed first


class StoredStatistics:
    """Numbers by a hash of all that they are computed from: the outcomes, our code and the version of NumPy.

    So a changed result or a new version of a statistic is computed again. A damaged file counts as empty.

    Args:
        file: where the numbers are kept; None keeps them for this run only.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._code = _code_sha256()
        self._values = _read(file) if file else {}
        self._is_new = False

    def get(self, name: str, data: Sequence[str], count: int, compute: Callable[[], Sequence[float]]) -> list[float]:
        """Return the numbers of a statistic, computed if they are not stored.

        Args:
            name: the statistic.
            data: hashes of what it is computed from.
            count: how many numbers it has; other stored ones do not count.
            compute: computes it.
        """
        key = hashlib.sha256("\n".join([self._code, name, *data]).encode()).hexdigest()
        values = self._values.pop(key, [])
        if len(values) != count:
            values, self._is_new = [float(value) for value in compute()], True
        self._values[key] = values
        return values

    def save(self) -> None:
        """Write the file, unless nothing is new or it cannot be written."""
        if self._file is None or not self._is_new:
            return
        kept = dict(list(self._values.items())[-_MOST:])
        try:
            make_folder(self._file.parent)
            write_atomic(self._file, json.dumps(kept).encode())
        except UserError:
            return  # A full disk or a read-only home costs the next run some time, and nothing else


def _read(file: Path) -> dict[str, list[float]]:
    try:
        content = read_json(file)
    except (NotJson, UserError):
        return {}
    valid = isinstance(content, dict) and all(
        isinstance(values, list) and all(isinstance(value, float) for value in values) for values in content.values()
    )
    return content if valid else {}


def _code_sha256() -> str:
    folders = [Path(__file__).parent, Path(scoring.__file__).parent]
    sources = [source.read_bytes() for folder in folders for source in sorted(folder.glob("*.py"))]
    versions = f"{bitext_bench.__version__} {np.__version__}".encode()
    return hashlib.sha256(b"\0".join([versions, *sources])).hexdigest()
