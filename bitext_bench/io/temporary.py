"""Files that have a temporary name until they are complete, and the removal of those that a killed run left.

A temporary file is locked (flock) while it is written. The system releases the lock when the process ends, however it
ends, so an unlocked one is stale.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .status import STATUS

_NAME = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")
_unfinished: set[Path] = set()  # of this process


@contextmanager
def temporary_file(file: Path) -> Iterator[Path]:
    """Create an empty file beside `file`, to be written and moved into its place; it is removed if it was not moved.

    Raises:
        OSError: it cannot be created.
    """
    temporary = file.with_name(f".{file.name[:50]}.{uuid.uuid4().hex}.tmp")  # at most 255 bytes
    with remove_at_end(temporary), _create(temporary):
        yield temporary


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a folder in the system's place for temporary files; it is removed with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="bitext-bench-"))
    with remove_at_end(folder):
        yield folder


@contextmanager
def remove_at_end(path: Path) -> Iterator[None]:
    """Remove a file or folder at the end of this context, if it is there, also where the process is interrupted."""
    _note(path)
    try:
        yield
    finally:
        remove(path)


def remove_stale(folder: Path) -> None:
    """Remove the temporary files in a folder (not those below it) that no living process is writing."""
    for file in folder.glob(".*.tmp"):
        if _NAME.fullmatch(file.name):
            with suppress(OSError), file.open("r+b") as stream:
                _lock(stream, wait=False)
                file.unlink()


def remove_unfinished() -> None:
    """Remove the temporary files and folders of this process, where a `finally` clause was interrupted."""
    for file in list(_unfinished):
        remove(file)


def _note(path: Path) -> None:
    _unfinished.add(path)
    STATUS.unfinished = list(_unfinished)


def remove(path: Path) -> None:
    """Remove a temporary file or folder, if it is there."""
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    _unfinished.discard(path)
    STATUS.unfinished = list(_unfinished)


def _create(file: Path) -> BinaryIO:
    """Return a new file, open and locked; on Windows closed, as an open file can be neither moved nor removed there."""
    while True:
        stream = file.open("xb")
        if sys.platform == "win32":
            stream.close()
            return stream
        with suppress(OSError):  # Some file systems have no locks. Nothing is taken for stale there.
            _lock(stream, wait=True)
        if file.exists():
            return stream
        stream.close()  # Another process removed it before it was locked.


def _lock(stream: BinaryIO, *, wait: bool) -> None:
    """Lock an open file until it is closed.

    Raises:
        OSError: another process has locked it, or the file system has no locks.
    """
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
