"""The process that the user sees: it runs the command in a child, and answers Ctrl-C and SIGTERM within a second.

Libraries keep Python's lock for seconds (a tokenizer that is read, a library that is loaded). No handler and no thread
of the same process could answer meanwhile. The child has half a second to end by itself. After that it is killed, and
what it was writing is removed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..io.interrupts import MESSAGE, SAME, SIGNALS
from ..io.status import STATUS
from ..io.temporary import remove
from ..io.terminal import say

_MEND = (
    "finished work is kept, the same command goes on from there (train: with --resume); try a smaller --batch-tokens, "
    "--batch-size (train) or --max-memory (mine), or a machine with more memory"
)
_PATIENCE = 0.5  # seconds
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # of Linux, <sys/prctl.h>


def supervise(command: Callable[[], int]) -> int:
    """Run a command in a child process; returns its exit code, 130 after Ctrl-C and 143 after SIGTERM.

    Both processes return from this function. A command that was killed ends this process by the same signal.
    """
    if not hasattr(os, "fork"):
        return command()
    STATUS.share()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # so that children of the child can be found when it has ended
    ours = {number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN}
    ours |= {signal.SIGCHLD, signal.SIGALRM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    parent = os.getpid()
    child = os.fork()
    if child:
        return _watch(child, ours)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    if signal.SIGINT in ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command has its own handler
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*ours, *SIGNALS})
    code = command()
    if code in {128 + number for number in SIGNALS}:
        _end_at_once(code)
    return code


def _end_at_once(code: int) -> None:
    """End without waiting for the threads of libraries: all has been said and saved."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _watch(child: int, ours: set[signal.Signals]) -> int:
    """Pass signals on to the child until it ends; returns its exit code, or that of the signal."""
    signal.signal(signal.SIGCHLD, lambda *_: None)  # One that is ignored by default cannot be waited for everywhere.
    asked: float | None = None  # when a command was signaled that stops by itself
    ends_by = 0
    while True:
        number = signal.sigwait(ours)
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return _finish_child(os.waitstatus_to_exitcode(status), ends_by)
        elif number == signal.SIGALRM:
            os.kill(child, signal.SIGKILL)
        else:
            os.kill(child, number)
            now = time.monotonic()
            if STATUS.stops_by_itself and asked is None:
                asked = now
            elif not ends_by and (asked is None or now - asked > SAME):
                ends_by = number
                signal.setitimer(signal.ITIMER_REAL, _PATIENCE)


def _finish_child(code: int, ends_by: int) -> int:
    """Clean up after a child that has ended; returns the exit code for this process.

    Args:
        code: the child's, or the negative number of the signal that it died of.
        ends_by: the signal that it was to end by, or 0.
    """
    if code < 0 or code >= 128 or ends_by:
        _kill_orphans()
        for path in STATUS.unfinished:
            remove(path)
    if code and ends_by:
        if not STATUS.reported:
            print(f"\n{MESSAGE}", file=sys.stderr)
        return 128 + ends_by
    if code < 0:
        with suppress(OSError):  # where nobody reads stderr any more
            if reason := _death_cause(-code):
                print(file=sys.stderr)  # A progress bar leaves the cursor behind itself.
                say(f"error: {reason}: {_MEND}")
        with suppress(OSError):  # SIGKILL cannot be set, and need not be.
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)
    return code


def _death_cause(number: int) -> str:
    """Return why a command died of a signal that lets it say nothing itself; "" for those that somebody sends."""
    if number == signal.SIGKILL:
        return "the command was killed (SIGKILL), probably because the machine ran out of memory"
    if number in {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}:
        return f"the command crashed in a library ({signal.Signals(number).name}), perhaps for lack of memory"
    return ""


def _kill_orphans() -> None:
    """Kill the processes that the child has started and left; on Linux they are now this process's children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with suppress(OSError):
        while pids := [int(pid) for pid in children.read_text().split()]:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
