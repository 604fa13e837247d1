"""Directories that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..encoders import Model
from ..encoders.loaded import is_cacheable
from ..errors import UserError
from ..io.cache import cache_folder
from .array_inputs import brief


def as_path(name: str, given: str | Path) -> Path:
    """Return the path of a directory.

    Raises:
        UserError: it is not a path.
    """
    if not isinstance(given, str | Path):
        raise UserError(f"{name} is {brief(given)}: expected the path of a directory")
    return Path(given)


@contextmanager
def vector_folder(model: Model, cache: str | Path | None) -> Iterator[Path]:
    """Give the directory for the vectors of a model: the cache, or a temporary one if they may not be cached.

    Raises:
        UserError: `cache` is not a path.
    """
    folder = cache_folder(None if cache is None or cache == "" else as_path("cache", cache))
    if is_cacheable(model):
        yield folder
    else:
        with TemporaryDirectory(prefix="bitext-bench-") as temporary:
            yield Path(temporary)
