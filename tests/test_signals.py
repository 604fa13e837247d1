"""Real commands, signaled at many moments from their start to their end: start, loading, encoding, scoring, writing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import write
from training_runs import made_rows

TESTS = Path(__file__).parent
RESULTS = TESTS.parent / "results"
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
MOMENTS = 8
SECONDS = 1.0  # from the signal to the end of the process
MARK = "BITEXT_BENCH_TEST_OF_SIGNALS"
TEMPORARY = (".*.tmp", ".partial", ".*.lock", ".*.holder", "bitext-bench-*")

pytestmark = pytest.mark.signals

Command = Callable[[Path, str], list[str]]  # from the folder that it writes to, and a model


def run(place: Path, model: str, *more: str) -> list[str]:
    folders = ["--output", str(place / "results"), "--cache-folder", str(place / "cache")]
    return ["run", "--model", model, "--data", "mini", *folders, *more]


def verify(place: Path, model: str) -> list[str]:
    (file,) = (place.parent / "made/results").rglob("Mini-Tatoeba.json")
    return ["verify", str(file), "--model", model, "--data", "mini", "--cache-folder", str(place / "cache")]


def mine(place: Path, model: str) -> list[str]:
    for code, first in (("fr", ""), ("en", "en ")):
        write(place.parent / f"texts/{code}", [f"{first}{row}" for row in made_rows(3000)])
    texts = [str(place.parent / "texts" / code) for code in ("fr", "en")]
    # A cache of its own, as the run before has stored all vectors in its cache.
    own = ["--cache-folder", str(place / "cache"), "-o", str(place / "pairs.tsv.gz")]
    return ["mine", *texts, "--model", model, "--shard-lines", "500", *own]


def train(place: Path, model: str) -> list[str]:
    write(place.parent / "pairs/made/en-fr.tsv", made_rows(400))
    what = (
        f"--model {model} --data {place.parent}/pairs --benchmarks mini --pair en-fr --precision fp32 --batch-size 16"
    )
    steps = f"--epochs 2 --set eval_steps=10 --set dev_size=20 --cache-folder {place}/cache --output {place}/out"
    return ["train", *what.split(), *steps.split()]


def leaderboard(place: Path, model: str) -> list[str]:
    return ["leaderboard", "--results", str(RESULTS), "--output", str(place / "board/README.md")]


def page(place: Path, model: str) -> list[str]:
    return ["leaderboard", "--results", str(RESULTS), "--format", "html", "--output", str(place / "page.html")]


def compare(place: Path, model: str) -> list[str]:
    return ["compare", "muse", "local/minilm-l6", "--results", str(RESULTS)]


def misses(place: Path, model: str) -> list[str]:
    made = ["--results", str(place.parent / "made/results"), "--data", "mini"]
    return ["compare", "tiny", "--errors", *made, "--format", "html", "--output", str(place / "misses.html")]


def export(place: Path, model: str) -> list[str]:
    return ["export-mteb", str(RESULTS), "--output", str(place / "mteb")]


COMMANDS: dict[str, Command] = {
    "run": run,
    "verify": verify,
    "mine": mine,
    "train": train,
    "leaderboard": leaderboard,
    "page": page,
    "compare": compare,
    "misses": misses,
    "export": export,
}


def start(command: list[str], place: Path) -> subprocess.Popen[str]:
    (place / "tmp").mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "bitext_bench", *command],
        env={**environment, "TMPDIR": str(place / "tmp"), MARK: str(place)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background lets them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def whole(command: list[str], place: Path) -> float:
    """Let a command run to its end; returns the seconds that took."""
    begun = time.monotonic()
    process = start(command, place)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return time.monotonic() - begun


def left_running(place: Path) -> list[str]:
    """Return the command lines of the processes that have this place in their environment and have not ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={place}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def faults(process: subprocess.Popen[str], number: signal.Signals, place: Path, *, late: bool) -> str:
    """Signal a running process; returns what is wrong with how it ends.

    A command that is signaled `late` may just have done its work.
    """
    begun = time.monotonic()
    process.send_signal(number)
    process.wait(60)
    seconds = time.monotonic() - begun
    _, errors = process.communicate()
    deadline = time.monotonic() + 3
    while (running := left_running(place)) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [str(path.relative_to(place)) for name in TEMPORARY for path in place.rglob(name)]
    wrong = [
        (seconds > SECONDS, f"{seconds:.2f} s"),
        (process.returncode != CODES[number] and not (late and not process.returncode), f"code {process.returncode}"),
        ("Traceback" in errors, errors[-2000:]),
        (bool(left), f"left: {left}"),
        (bool(running), f"running: {running}"),
    ]
    return ", ".join(text for holds, text in wrong if holds)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("name", COMMANDS)
def test_every_moment(tmp_path: Path, tiny_model: Path, name: str) -> None:
    model = str(tiny_model)
    if name in ("verify", "misses"):
        whole(run(tmp_path / "made", model, "--tasks", "Mini-Tatoeba"), tmp_path / "made")
    seconds = whole(COMMANDS[name](tmp_path / "whole", model), tmp_path / "whole")
    found, signaled = [], 0
    for moment in range(MOMENTS):
        place = tmp_path / f"at-{moment}"
        command = COMMANDS[name](place, model)
        number = list(CODES)[moment % 2]
        process = start(command, place)
        # Not before Python itself has started, which takes it a tenth of a second where the machine is busy.
        at = max(0.15, seconds * (moment + 0.5) / MOMENTS)
        try:
            process.wait(at)
            process.communicate()
        except subprocess.TimeoutExpired:
            signaled += 1
            if said := faults(process, number, place, late=at > 0.8 * seconds):
                found.append(f"{number.name} after {at:.2f} of {seconds:.2f} s: {said}")
            if moment % 4 == 3:
                begun = name == "train" and (place / "out/checkpoints").exists()
                done = name == "train" and not begun and (place / "out/model.safetensors").exists()
                if not done:
                    whole([*command, "--resume"] if begun else command, place)
    assert not found, "\n".join(found)
    assert signaled >= MOMENTS // 2, "it ended before most of the signals"
