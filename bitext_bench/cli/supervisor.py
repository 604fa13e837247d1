"""Run the command in a child process, so that Ctrl-C and SIGTERM take effect within a second.

Libraries hold Python's global lock for seconds, for example while they read a tokenizer. No handler or thread in the
same process could respond meanwhile. The child has half a second to exit. After that it is killed, and its unfinished
files are removed.
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

from ..io.interrupts import MESSAGE, SAME, SIGNALS, STATUS
from ..io.temporary import remove
from ..io.terminal import say

_MEND = (
    "finished work is kept, and the same command continues from it (train: with --resume); try a smaller "
    "--batch-tokens, --batch-size (train) or --max-memory (mine), or a machine with more memory"
)
_PATIENCE = 0.5  # seconds
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # Linux, <sys/prctl.h>


def supervise(command: Callable[[], int]) -> int:
    """Run a command in a child process. Return its exit code, 130 after Ctrl-C or 143 after SIGTERM.

    Both processes return from this function. If the child was killed, this process ends by the same signal.
    """
    if not hasattr(os, "fork"):
        return command()
    STATUS.share()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # to inherit the child's own children when it ends
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
    """Exit without waiting for the threads of libraries. All output is complete at this point."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _watch(child: int, ours: set[signal.Signals]) -> int:
    """Forward signals to the child until it ends. Return its exit code, or that of the signal."""
    signal.signal(signal.SIGCHLD, lambda *_: None)  # Some systems cannot wait for ignored signals.
    asked: float | None = None  # time of the first signal to a command that stops by itself
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
    """Clean up after the child has ended. Return the exit code for this process.

    Args:
        code: exit code of the child, or the negative number of the signal that killed it.
        ends_by: signal that was sent to end the child, or 0.
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
        with suppress(OSError):  # if stderr is closed
            if reason := _death_cause(-code):
                print(file=sys.stderr)  # A progress bar leaves the cursor at its end.
                say(f"error: {reason}: {_MEND}")
        with suppress(OSError):  # The handler of SIGKILL cannot be set and need not be.
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)
    return code


def _death_cause(number: int) -> str:
    """Return the likely cause of a fatal signal that gave the command no chance to report it; "" for other signals."""
    if number == signal.SIGKILL:
        return "the command was killed (SIGKILL), probably because the machine ran out of memory"
    if number in {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}:
        return f"the command crashed in a library ({signal.Signals(number).name}), perhaps for lack of memory"
    return ""


def _kill_orphans() -> None:
    """Kill the processes that the child left behind. On Linux they are now children of this process."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with suppress(OSError):
        while pids := [int(pid) for pid in children.read_text().split()]:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
