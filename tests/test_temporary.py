"""Temporary files: a killed process's are removed by the next command, and never those that are being written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bitext_bench.cli.main import main
from bitext_bench.embedding.store import VectorStore, make_folder, write_atomic
from bitext_bench.io.temporary import remove_stale, remove_unfinished, temporary_file, temporary_folder

ROOT = Path(__file__).parents[1]
WRITER = """
import sys, time
from pathlib import Path
from bitext_bench.io.temporary import temporary_file
with temporary_file(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    print(temporary, flush=True)
    time.sleep(600)
"""


def writing(file: Path) -> tuple[subprocess.Popen[str], Path]:
    """Return a process that is writing a file, and the temporary file."""
    command = [sys.executable, "-c", WRITER, str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    if process.stdout is None:
        raise ValueError
    with process.stdout as stream:
        return process, Path(stream.readline().strip())


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    assert process.wait() == -signal.SIGKILL


@pytest.fixture
def stale(tmp_path: Path) -> Callable[[Path], Path]:
    """Create the temporary file of a killed run, with the name of a real one."""

    def leave(file: Path) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(file) as temporary:
            pass
        temporary.write_bytes(b"half")
        return temporary

    return leave


def test_a_killed_writers_file_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    killed, left = writing(tmp_path / "one")
    living, current = writing(tmp_path / "one")
    kill(killed)
    try:
        assert left.exists()
        make_folder(tmp_path)
        assert not left.exists()
        assert current.read_bytes() == b"half"
    finally:
        kill(living)
    remove_stale(tmp_path)
    assert not list(tmp_path.iterdir())


def test_only_our_own_temporary_files_are_removed(tmp_path: Path) -> None:
    for name in (
        ".x.tmp",
        ".x.0.tmp",
        "x.00000000000000000000000000000000.tmp",
        ".00000000000000000000000000000000.tmp",
    ):
        (tmp_path / name).write_bytes(b"another's")
    before = sorted(tmp_path.iterdir())
    remove_stale(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_files_can_be_written_while_others_look_for_stale_ones(tmp_path: Path) -> None:
    """A file has no lock in the moment in which it is created: who loses it then creates it again."""
    looking = """
import sys, time
from pathlib import Path
from bitext_bench.io.temporary import remove_stale
print("ready", flush=True)
while True:
    remove_stale(Path(sys.argv[1]))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", looking, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        if process.stdout is None:
            raise ValueError
        process.stdout.readline()
        for number in range(150):
            write_atomic(tmp_path / "file", b"%d" % number)
            assert (tmp_path / "file").read_bytes() == b"%d" % number
        process.kill()
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_process_that_ends_at_once_removes_its_own(tmp_path: Path) -> None:
    with temporary_file(tmp_path / "one") as file, temporary_folder() as folder:
        (folder / "within").write_bytes(b"x")
        remove_unfinished()
        assert not file.exists() and not folder.exists()


def test_every_command_removes_what_a_killed_one_left_where_it_writes(
    tmp_path: Path, stale: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, results, output = tmp_path / "cache", tmp_path / "results", tmp_path / "output"
    run = ["run", "--model", "toys:hashing", "--data", "mini", "--tasks", "Mini-Tatoeba"]
    run += ["--cache-folder", str(cache), "--output", str(results)]
    assert main(run) == 0
    (result,) = results.rglob("*.json")
    (space,) = (path for path in cache.iterdir() if path.is_dir())
    left = [stale(space / "a.shard"), stale(result)]
    assert main(run) == 0
    left.append(stale(output / "board.md"))
    assert main(["leaderboard", "--results", str(results), "--output", str(output / "board.md")]) == 0
    left.append(stale(output / "errors.tsv"))
    errors = ["compare", "toys", "--errors", "--results", str(results), "--data", "mini", "--format", "tsv"]
    assert main([*errors, "--output", str(output / "errors.tsv")]) == 0
    for name in ("source", "target"):
        (tmp_path / name).write_text("".join(f"{name} {number}\n" for number in range(8)))
    mine = ["mine", str(tmp_path / "source"), str(tmp_path / "target"), "--model", "toys:hashing"]
    left += [stale(output / "pairs.tsv"), stale(output / "pairs.tsv.work/texts/source.00000.txt")]
    left += [stale(output / "pairs.tsv.work/encode/x.npy"), stale(output / "pairs.tsv.work/manifest.json")]
    assert main([*mine, "-o", str(output / "pairs.tsv")]) == 0
    assert [file for file in left if file.exists()] == []
    assert not list(tmp_path.rglob(".*.tmp"))


def test_opening_a_store_removes_them(tmp_path: Path, stale: Callable[[Path], Path]) -> None:
    left = stale(tmp_path / "space/a.shard")
    assert len(VectorStore(tmp_path, "space")) == 0
    assert not left.exists()
