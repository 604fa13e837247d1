"""The software that computes vectors: versions of libraries, and a hash of this package's encoders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

TRANSFORMERS = ("torch", "transformers", "tokenizers", "sentence-transformers")


def software(libraries: Iterable[str]) -> str:
    """Return a hash of this package's encoders and the versions of libraries, in one line."""
    return ", ".join([f"bitext-bench {_own_digest()}", *(f"{name} {_version(name)}" for name in libraries)])


def code_digest(folder: Path) -> str:
    """Return the first 12 digits of a sha256 of all Python files in a folder, at any depth."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        total.update(f"{file.relative_to(folder).as_posix()}\0".encode() + file.read_bytes())
    return total.hexdigest()[:12]


@cache
def _own_digest() -> str:
    return code_digest(Path(__file__).parent)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"
