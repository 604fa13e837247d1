"""Read JSON files as untrusted input: their size and nesting are limited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import UserError

MOST_BYTES = 128 << 20  # a result on all 41,412 pairs of FLORES-200 has 50 MB
MOST_LEVELS = 32  # a result has 6


class NotJson(ValueError):
    """A file is not JSON, or is nested too deeply."""


def read_json(file: Path) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the content of a file.

    Raises:
        NotJson: The file is not JSON in UTF-8, or has more than MOST_LEVELS levels.
        UserError: The file cannot be read, is not a regular file, or is larger than MOST_BYTES.
    """
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise UserError(f"cannot read {file}: it is not a regular file")
        with file.open("rb") as stream:
            text = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    if len(text) > MOST_BYTES:
        raise UserError(f"cannot read {file}: it is larger than {MOST_BYTES >> 20} MB")
    try:
        content = json.loads(text.decode("utf-8"))
    except RecursionError as error:
        raise NotJson("it is nested too deeply") from error
    except ValueError as error:
        raise NotJson(str(error)) from error
    if _is_deeper(content, MOST_LEVELS):
        raise NotJson(f"it is nested more than {MOST_LEVELS} levels deep")
    return content


def _is_deeper(content: object, most: int) -> bool:
    level = [content]
    for _ in range(most + 1):
        level = [item for each in level for item in _parts(each)]
        if not level:
            return False
    return True


def _parts(content: object) -> list[Any]:
    """Return the objects and arrays directly inside an object or array."""
    if isinstance(content, dict):
        content = list(content.values())
    if not isinstance(content, list):
        return []
    return [item for item in content if isinstance(item, dict | list)]
