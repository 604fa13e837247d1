"""Ctrl-C (SIGINT) and SIGTERM, which end a command in the same way, and what its supervising process must know.

The state that both processes share is in shared memory.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
MESSAGE = "bitext-bench: interrupted; finished work is kept: run the same command again (train: with --resume)"
# Signals within this many seconds count as one: a terminal signals both processes, and the supervisor forwards its own.
SAME = 0.25
_AGAIN = 0.25  # seconds


class Interrupted(KeyboardInterrupt):
    """A signal has ended the command.

    Attributes:
        exit_code: 130 for Ctrl-C, 143 for SIGTERM, as in a shell.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class Interruptible:
    """A context in which a signal raises `Interrupted` in the main thread.

    Libraries swallow exceptions in `__del__`, in callbacks and by a bare `except`, so it is raised every quarter of a
    second until it leaves the context. Python prints nothing about one that is swallowed. Any other exception that
    leaves the context after a signal becomes `Interrupted`.
    """

    def __init__(self) -> None:
        self._handlers: dict[signal.Signals, Any] = {}
        self._last = -SAME  # time of the last signal
        self._number = 0  # the signal that raised
        self._held = self._waiting = 0
        self._stop: Callable[[int], object] | None = None
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        """Install the handlers, if this is the main thread: only it can."""
        if threading.current_thread() is not threading.main_thread():
            return self
        _active.append(self)
        numbers = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        for number in (*numbers, signal.SIGALRM):
            self._handlers[number] = signal.signal(number, self._answer)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._report
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the previous handlers."""
        raised, self._number = self._number, 0
        if not self._handlers:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        _active.remove(self)
        sys.unraisablehook = self._hook
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if raised and kind is not None and not isinstance(error, Interrupted):
            raise Interrupted(raised) from None

    def _answer(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGALRM:
            if self._number:
                raise Interrupted(self._number)
            return
        now = time.monotonic()
        if now - self._last < SAME:
            return
        self._last = now
        if self._held:
            self._waiting = number
        elif self._stop:
            stop, self._stop = self._stop, None
            stop(number)
        else:
            self._number = number
            signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
            raise Interrupted(number)

    def _report(self, swallowed: sys.UnraisableHookArgs) -> None:
        if not isinstance(swallowed.exc_value, Interrupted):
            self._hook(swallowed)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if self._waiting and not self._held:
                number, self._waiting = self._waiting, 0
                self._last = -SAME
                signal.raise_signal(number)

    @contextmanager
    def _stopping(self, stop: Callable[[int], object]) -> Iterator[None]:
        self._stop, STATUS.stops_by_itself = stop, True
        try:
            yield
        finally:
            self._stop, STATUS.stops_by_itself = None, False


_active: list[Interruptible] = []


@contextmanager
def delay_signals() -> Iterator[None]:
    """Delay signals until the end of this context; use it for milliseconds only."""
    if not _active:
        yield
        return
    with _active[-1]._holding():
        yield


@contextmanager
def on_first_signal(stop: Callable[[int], object]) -> Iterator[None]:
    """Call `stop` with the number of the first signal in this context; only the second signal raises."""
    if not _active:
        yield
        return
    with _active[-1]._stopping(stop):
        yield


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
