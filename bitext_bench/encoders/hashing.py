"""The hash of a model directory, and a check that its files do not change before they are loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError
from ..io.checksums import file_sha256
from .model import Encoder

Load = Callable[[], Encoder]


@contextmanager
def readable() -> Iterator[None]:
    """Raise a UserError for a file that cannot be read. Also works as a decorator."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error


def hash_with_guard(
    directory: Path, files: Callable[[Path], Sequence[Path]], hashing: Callable[[Path], str]
) -> tuple[str, Callable[[Load], Load]]:
    """Return the hash of a directory, and a decorator for loaders that refuses files changed since.

    The files are hashed again only if their size, time stamps or inode changed.

    Args:
        directory: The model directory.
        files: Returns the files that the hash covers.
        hashing: Returns the hash.
    """
    before = _states(files(directory))
    digest = hashing(directory)

    def unchanged(load: Load) -> Load:
        @readable()
        def loaded() -> Encoder:
            encoder = load()
            if _states(files(directory)) != before and hashing(directory) != digest:
                raise UserError("the model's files changed while it was being loaded: run the command again")
            return encoder

        return loaded

    return digest, unchanged


def _states(files: Sequence[Path]) -> dict[Path, tuple[int, ...]]:
    """Return a value for each file that changes whenever the file is written or replaced."""
    stats = {file: file.stat() for file in files}
    return {file: (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for file, s in stats.items()}


def files_of(directory: Path) -> list[Path]:
    """Return the files in a directory, sorted; not those in its subdirectories."""
    return sorted(file for file in directory.iterdir() if file.is_file())


def hash_files(directory: Path) -> str:
    """Return the sha256 of the names and contents of the files in a directory."""
    total = hashlib.sha256()
    for file in files_of(directory):
        total.update(f"{file.name}\0{file_sha256(file)}\n".encode())
    return total.hexdigest()
