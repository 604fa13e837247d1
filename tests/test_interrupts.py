"""Ctrl-C and SIGTERM: answered within a second whatever a process does, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bitext_bench.io.interrupts import Interrupted, Interruptible, delay_signals, on_first_signal

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
SECONDS = 1.0  # until the process has ended


@pytest.fixture(autouse=True)
def not_ignored() -> Iterator[None]:
    """A shell that runs the tests in the background lets them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class SignalsWhenDeleted:
    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


class FailsWhenDeleted:
    def __del__(self) -> None:
        raise ValueError("cannot be closed")


def swallowed_in_del(number: int) -> None:
    SignalsWhenDeleted(number)


def swallowed_in_callback(number: int) -> None:
    """The import system has such a callback, for its locks."""
    reference = weakref.ref(lock := threading.Event(), lambda _: signal.raise_signal(number))
    del lock
    assert reference() is None


def swallowed_by_bare_except(number: int) -> None:
    try:
        signal.raise_signal(number)
    except:  # noqa: E722 (as libraries do)
        return


def turned_into_another_error(number: int) -> None:
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt as error:
        raise ImportError("initialization failed") from error


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    "library", [swallowed_in_del, swallowed_in_callback, swallowed_by_bare_except, turned_into_another_error]
)
def test_what_libraries_do_with_an_exception_does_not_matter(library: object, number: int) -> None:
    assert callable(library)
    handlers = [signal.getsignal(x) for x in (*SIGNALS, signal.SIGALRM)]
    start = time.monotonic()
    with pytest.raises(Interrupted) as raised, Interruptible():
        library(number)
        time.sleep(10)
    assert raised.value.exit_code == SIGNALS[signal.Signals(number)]
    assert time.monotonic() - start < SECONDS
    assert [signal.getsignal(x) for x in (*SIGNALS, signal.SIGALRM)] == handlers
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("library", [swallowed_in_del, swallowed_in_callback])
def test_a_swallowed_exception_is_not_printed(
    library: Callable[[int], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with pytest.raises(Interrupted), Interruptible():
        library(signal.SIGTERM)
        time.sleep(10)
    assert capsys.readouterr() == ("", "")
    assert sys.unraisablehook is sys.__unraisablehook__


def test_any_other_swallowed_exception_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with Interruptible():
        FailsWhenDeleted()
    assert "ValueError: cannot be closed" in capsys.readouterr().err


def test_two_signals_at_once_raise_once() -> None:
    """A terminal signals both processes, and the supervisor passes its signal on."""
    cleaned = []
    with pytest.raises(Interrupted), Interruptible():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            cleaned.append(True)
    assert cleaned


def test_a_signal_waits_for_a_few_milliseconds_that_must_not_be_cut() -> None:
    reached = []
    with pytest.raises(Interrupted), Interruptible():
        with delay_signals():
            signal.raise_signal(signal.SIGTERM)
            reached.append("within")
        reached.append("after")
    assert reached == ["within"]


def test_a_first_signal_asks_and_a_second_one_raises() -> None:
    asked: list[int] = []
    with pytest.raises(Interrupted), Interruptible(), on_first_signal(asked.append):
        signal.raise_signal(signal.SIGTERM)
        assert asked == [signal.SIGTERM]
        time.sleep(0.3)
        signal.raise_signal(signal.SIGTERM)


def test_a_thread_that_is_not_the_main_one_leaves_signals_alone() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    found = []

    def look() -> None:
        with Interruptible(), delay_signals(), on_first_signal(print):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [handler]


# The real process of the command line around a command that does what libraries do at their worst.
SUPERVISED = """
import os, signal, subprocess, sys, time
from pathlib import Path
from bitext_bench.io.interrupts import Interrupted, Interruptible
from bitext_bench.cli.supervisor import supervise
from bitext_bench.io.temporary import temporary_file

def keeps_the_lock():
    sum(range(10**13))  # compiled code: no signal handler and no other thread of Python can run meanwhile

def never_ends():
    while True:
        try:
            time.sleep(60)
        except:
            pass

def has_children():
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    children = [subprocess.Popen(program, start_new_session=True) for _ in range(2)]
    print(*[child.pid for child in children], flush=True)
    time.sleep(60)

def writes():
    with temporary_file(Path(sys.argv[2]) / "file"):
        keeps_the_lock()

def command():
    try:
        with Interruptible():
            print("ready", flush=True)
            globals()[sys.argv[1]]()
    except Interrupted as interrupted:
        return interrupted.exit_code
    return 0

sys.exit(supervise(command))
"""


def supervised(*arguments: str, program: str = SUPERVISED) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        raise ValueError
    return process.stdout.readline().strip()


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Signal a process; return its exit code and output. Fail if that takes too long."""
    start = time.monotonic()
    process.send_signal(number)
    try:
        process.wait(60)
        seconds = time.monotonic() - start
    finally:
        process.kill()
    errors = process.communicate()[1]
    assert seconds < SECONDS, f"{seconds:.2f} s"
    assert "Traceback" not in errors
    return process.returncode, errors


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 5
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(is_running, pids))


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("command", ["keeps_the_lock", "never_ends", "has_children", "writes"])
def test_a_process_ends_in_time_and_leaves_nothing(tmp_path: Path, command: str, number: signal.Signals) -> None:
    process = supervised(command, str(tmp_path))
    assert line(process) == "ready"
    children = [int(pid) for pid in line(process).split()] if command == "has_children" else []
    deadline = time.monotonic() + 30
    while command == "writes" and not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    code, errors = ended(process, number)
    assert code == SIGNALS[number]
    assert "interrupted; finished work is kept" in errors.splitlines()[-1]
    assert not list(tmp_path.iterdir())
    assert gone(children)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_a_killed_process_takes_its_command_with_it() -> None:
    program = SUPERVISED.replace('print("ready"', "print(os.getpid()")
    process = supervised("keeps_the_lock", program=program)
    child = int(line(process))
    assert child != process.pid
    process.kill()
    process.communicate()
    assert gone([child])


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        ("sys.exit(0)", 0, ""),
        ("sys.exit(1)", 1, ""),
        ("sys.exit(2)", 2, ""),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, "the command was killed (SIGKILL)"),
        ("os.abort()", -signal.SIGABRT, "the command crashed in a library (SIGABRT)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, "the command crashed in a library (SIGSEGV)"),
        ("os.kill(os.getpid(), signal.SIGHUP)", -signal.SIGHUP, ""),
        ("os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)", -signal.SIGKILL, ""),
    ],
)
def test_any_other_end_is_passed_on(ending: str, code: int, said: str) -> None:
    program = (
        f"import os, signal, sys, time\nfrom bitext_bench.cli.supervisor import supervise\ndef command():\n    {ending}"
    )
    process = supervised(program=f"{program}\nsys.exit(supervise(command))")
    errors = process.communicate()[1]
    assert process.returncode == code
    if not said:
        assert errors == ""
        return
    (last,) = errors.strip().splitlines()
    assert last.startswith(f"bitext-bench: error: {said}")
    assert "a smaller --batch-tokens" in last and "--max-memory" in last and "more memory" in last


@pytest.mark.slow
def test_a_command_that_stops_by_itself_has_its_time_unless_it_is_signaled_again() -> None:
    program = SUPERVISED.replace(
        "def command():",
        """
def stops():
    from bitext_bench.io.interrupts import on_first_signal
    asked = []
    with on_first_signal(asked.append):
        print("in the loop", flush=True)
        while not asked:
            time.sleep(0.01)
        print("saving", flush=True)
        time.sleep(float(sys.argv[2]))
    os._exit(128 + asked[0])

def command():""",
    )
    process = supervised("stops", "1.5", program=program)
    assert (line(process), line(process)) == ("ready", "in the loop")
    process.send_signal(signal.SIGTERM)
    assert line(process) == "saving"
    process.communicate()
    assert process.returncode == 143
    process = supervised("stops", "60", program=program)
    assert (line(process), line(process)) == ("ready", "in the loop")
    process.send_signal(signal.SIGINT)
    assert line(process) == "saving"
    time.sleep(0.3)
    assert ended(process, signal.SIGINT)[0] == 130
