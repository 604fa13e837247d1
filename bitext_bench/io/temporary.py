"""Temporary files, and the removal of those from killed runs.

A temporary file is locked (flock) while it is written. The system releases the lock when the process ends, even if it
is killed, so an unlocked file is stale.
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

from .interrupts import STATUS

_NAME = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")
_unfinished: set[Path] = set()  # of this process


@contextmanager
def temporary_file(file: Path) -> Iterator[Path]:
    """Create an empty file in the folder of `file`, to write and then rename to `file`; otherwise it is removed.

    Raises:
        OSError: The file cannot be created.
    """
    temporary = file.with_name(f".{file.name[:50]}.{uuid.uuid4().hex}.tmp")  # at most 255 bytes
    with remove_at_end(temporary), _create(temporary):
        yield temporary


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a folder in the system's temporary directory; it is removed with its contents."""
    folder = Path(tempfile.mkdtemp(prefix="bitext-bench-"))
    with remove_at_end(folder):
        yield folder


@contextmanager
def remove_at_end(path: Path) -> Iterator[None]:
    """Remove a file or folder at the end of this context, if it exists, even after an interrupt."""
    _note(path)
    try:
        yield
    finally:
        remove(path)


def remove_stale(folder: Path) -> None:
    """Remove the temporary files in a folder, not in its subfolders, that no running process is writing."""
    for file in folder.glob(".*.tmp"):
        if _NAME.fullmatch(file.name):
            with suppress(OSError), file.open("r+b") as stream:
                _lock(stream, wait=False)
                file.unlink()


def remove_unfinished() -> None:
    """Remove the temporary files and folders of this process, in case a `finally` clause was interrupted."""
    for file in list(_unfinished):
        remove(file)


def _note(path: Path) -> None:
    _unfinished.add(path)
    STATUS.unfinished = list(_unfinished)


def remove(path: Path) -> None:
    """Remove a temporary file or folder, if it exists."""
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    _unfinished.discard(path)
    STATUS.unfinished = list(_unfinished)


def _create(file: Path) -> BinaryIO:
    """Return a new file, open and locked. On Windows it is closed: an open file cannot be renamed or removed."""
    while True:
        stream = file.open("xb")
        if sys.platform == "win32":
            stream.close()
            return stream
        with suppress(OSError):  # Some file systems have no locks. There, no file is considered stale.
            _lock(stream, wait=True)
        if file.exists():
            return stream
        stream.close()  # Another process removed the file before it was locked.


def _lock(stream: BinaryIO, *, wait: bool) -> None:
    """Lock an open file until it is closed.

    Raises:
        OSError: Another process has locked it, or the file system has no locks.
    """
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
