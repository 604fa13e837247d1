"""State that a command shares with its supervising process, in shared memory."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable
from pathlib import Path

_BYTES = 1 << 16
_STOPPING, _SAID, _PATHS = 0, 1, 2  # offsets in bytes


class Status:
    """Two flags, and the command's current temporary files and folders."""

    def __init__(self) -> None:
        self._memory: bytearray | mmap.mmap = bytearray(_BYTES)
        self._process = 0

    def share(self) -> None:
        """Share this state with processes forked from now on."""
        self._memory = mmap.mmap(-1, _BYTES)
        self._process = os.getpid()

    @property
    def process(self) -> int:
        """The id of the process that the user started, for messages."""
        return self._process or os.getpid()

    @property
    def stops_by_itself(self) -> bool:
        """Whether the command saves its work at the first signal and then ends."""
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
        """The temporary files and folders, without those that do not fit into the memory."""
        content, _, _ = bytes(self._memory[_PATHS:]).partition(b"\0\0")
        return [Path(os.fsdecode(name)) for name in content.split(b"\0") if name]

    @unfinished.setter
    def unfinished(self, paths: Iterable[Path]) -> None:
        content = b"".join(os.fsencode(os.path.abspath(path)) + b"\0" for path in paths) + b"\0"
        if len(content) <= _BYTES - _PATHS:
            self._memory[_PATHS : _PATHS + len(content)] = content


STATUS = Status()
