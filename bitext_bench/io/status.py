"""What the supervising process has to know of a command: memory that both see."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable
from pathlib import Path

_BYTES = 1 << 16
_STOPPING, _SAID, _PATHS = 0, 1, 2  # where they begin


class Status:
    """Two flags and the temporary files and folders that the command has at the moment."""

    def __init__(self) -> None:
        self._memory: bytearray | mmap.mmap = bytearray(_BYTES)
        self._process = 0

    def share(self) -> None:
        """From now on, share it with the processes that this one forks."""
        self._memory = mmap.mmap(-1, _BYTES)
        self._process = os.getpid()

    @property
    def process(self) -> int:
        """The number of the process that the user sees, for messages."""
        return self._process or os.getpid()

    @property
    def stops_by_itself(self) -> bool:
        """Whether the command takes a first signal as a request, and ends when it has saved its work."""
        return bool(self._memory[_STOPPING])

    @stops_by_itself.setter
    def stops_by_itself(self, value: bool) -> None:
        self._memory[_STOPPING] = value

    @property
    def reported(self) -> bool:
        """Whether the command has told the user that it was interrupted."""
        return bool(self._memory[_SAID])

    @reported.setter
    def reported(self, value: bool) -> None:
        self._memory[_SAID] = value

    @property
    def unfinished(self) -> list[Path]:
        """The temporary files and folders; names that do not fit into the memory are missing."""
        content, _, _ = bytes(self._memory[_PATHS:]).partition(b"\0\0")
        return [Path(os.fsdecode(name)) for name in content.split(b"\0") if name]

    @unfinished.setter
    def unfinished(self, paths: Iterable[Path]) -> None:
        content = b"".join(os.fsencode(os.path.abspath(path)) + b"\0" for path in paths) + b"\0"
        if len(content) <= _BYTES - _PATHS:
            self._memory[_PATHS : _PATHS + len(content)] = content


STATUS = Status()
