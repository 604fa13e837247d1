"""SHA-256 of files and JSON, to detect damage and changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from ..errors import UserError


def file_sha256(file: Path) -> str:
    """Return the checksum of a file's bytes.

    Raises:
        OSError: The file cannot be read.
    """
    with file.open("rb") as stream:
        return stream_sha256(stream)


def input_sha256(file: Path) -> str:
    """Return the checksum of a file that the user passed.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        return file_sha256(file)
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error


def stream_sha256(stream: BufferedReader) -> str:
    """Return the checksum of an open binary file, from its current position to its end."""
    return hashlib.file_digest(stream, "sha256").hexdigest()


def content_sha256(content: Mapping[str, Any]) -> str:
    """Return the checksum of a file's content: JSON with sorted keys and no spaces, without the key `sha256`.

    Raises:
        ValueError: The content is not valid JSON (NaN, half a surrogate pair).
    """
    rest = {name: value for name, value in content.items() if name != "sha256"}
    text = json.dumps(rest, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
