"""One training at a time writes into a folder; a second one says which process holds it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from training_runs import Folders, error_line

from bitext_bench.cli.main import main
from bitext_bench.errors import UserError
from training.checkpoint.folder import lock_folder

TESTS = Path(__file__).parent
HOLDER = """
import sys, time
from pathlib import Path
from training.checkpoint.folder import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""


def holding(output: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    command = [sys.executable, "-c", HOLDER, str(output)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    if process.stdout is None:
        raise ValueError
    assert process.stdout.readline() == "locked\n"
    return process


def test_the_second_is_told_who_holds_it_and_gets_it_when_that_one_is_killed(
    folders: Folders, capfd: pytest.CaptureFixture[str]
) -> None:
    output = folders.root / "runs/out"
    process = holding(output)
    try:
        for more in ([], ["--resume"], ["--overwrite"]):
            assert main(folders.command("runs/out", *more)) == 1
            line = error_line(capfd)
            assert (
                f"{output} is in use by another training run (process {process.pid} on {socket.gethostname()}, " in line
            )
            assert "since 20" in line and "pass another --output" in line
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.communicate()
    with lock_folder(output):
        assert not output.exists()
    assert not (folders.root / "runs/out").exists()
    assert not list((folders.root / "runs").iterdir())


def test_nothing_is_left_of_a_lock(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no data"), lock_folder(tmp_path / "runs/out"):
        raise UserError("no data")
    assert not list(tmp_path.iterdir())
    (tmp_path / "full").mkdir()
    with lock_folder(tmp_path / "full/out"):
        (tmp_path / "full/out").mkdir()
        with pytest.raises(UserError, match="in use by another training"), lock_folder(tmp_path / "full/../full/out"):
            pass
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["out"]


def test_a_place_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot create the directory"), lock_folder(tmp_path / "file/out"):
        pass
    # Nobody can make a file here, root included.
    with pytest.raises(UserError, match="cannot write in /proc"), lock_folder(Path("/proc/out")):
        pass
