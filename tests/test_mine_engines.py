"""The same pairs whoever does the work: one process, shares of a job array, Ray; and what a killed one has to redo."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from mining_material import corpora, lines, written

from bitext_bench.cli.main import main

TESTS = Path(__file__).parent


def command(folder: Path, *arguments: str, model: str = "toys:logging_") -> None:
    """Run `mine` on a folder's corpora; raises what it said where it failed."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = main(["mine", *given(folder, *arguments, model=model)])
    if status:
        raise RuntimeError(said.getvalue())


def given(folder: Path, *arguments: str, model: str) -> list[str]:
    files = [str(folder / name) for name in ("source.txt", "target.txt")]
    return [*files, "-o", str(folder / "out.tsv"), "--model", model, "--shard-lines", "20", *arguments]


def process(folder: Path, *arguments: str) -> int:
    """Run `mine` in a process of its own, with the encoder that kills it once; returns its exit status."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{TESTS.parent}:{TESTS}",
        "TOY_DIES": (folder / "target.txt").read_text().split("\n")[-2],
        "TOY_MARK": str(folder / "mark"),
        "OMP_NUM_THREADS": "1",
    }
    line = [sys.executable, "-m", "bitext_bench", "mine", *given(folder, *arguments, model="toys:dying")]
    return subprocess.run(line, env=environment, capture_output=True, check=False).returncode


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))


@pytest.fixture(params=["exact", "approximate"])
def search(request: pytest.FixtureRequest) -> list[str]:
    name: str = request.param
    return ["--search", name, "--nprobe", "1"]


@pytest.fixture
def alone(tmp_path: Path, search: list[str]) -> bytes:
    folder = tmp_path / "alone"
    folder.mkdir()
    corpora(folder)
    command(folder, *search, "--cache-folder", str(folder / "cache"))
    return (folder / "out.tsv").read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    corpora(tmp_path)
    return tmp_path


def encoded(folder: Path) -> list[str]:
    return sorted((folder / "log").read_text().split("\n")[:-1])


@pytest.mark.parametrize("n", [1, 3, pytest.param(7, marks=pytest.mark.slow)])
def test_a_job_array_run_until_nothing_is_left_gives_the_same(
    folder: Path, alone: bytes, search: list[str], n: int
) -> None:
    stages = 3 if "exact" in search else 6
    (folder / "log").unlink()
    made: dict[Path, int] = {}
    for _ in range(stages if n > 1 else 1):
        for share in range(1, n + 1):
            command(folder, *search, "--shard", f"{share}/{n}")
            assert made.items() <= written(folder / "out.tsv.work").items(), "each is made once"
            made = written(folder / "out.tsv.work")
    done = set((folder / "out.tsv.work/done").iterdir())
    assert not (folder / "out.tsv").exists()
    texts = encoded(folder)
    command(folder, *search)
    assert set((folder / "out.tsv.work/done").iterdir()) == done
    assert written(folder / "out.tsv.work") == made
    assert set(encoded(folder)) == set(texts), "some are looked at again"
    assert (folder / "out.tsv").read_bytes() == alone


def test_shares_that_never_ran_are_done_by_the_plain_command(folder: Path, alone: bytes, search: list[str]) -> None:
    command(folder, *search, "--shard", "2/3")
    assert len(list((folder / "out.tsv.work/done").iterdir())) == 3
    command(folder, *search)
    assert (folder / "out.tsv").read_bytes() == alone


@pytest.mark.ray
def test_ray_gives_the_same_though_a_worker_is_killed(folder: Path) -> None:
    command(folder, "--work-dir", str(folder / "alone"), "--cache-folder", str(folder / "cache"))
    alone = (folder / "out.tsv").read_bytes()
    assert process(folder, "--engine", "ray") == 0
    assert (folder / "mark").exists()
    assert (folder / "out.tsv").read_bytes() == alone


@pytest.mark.slow
def test_a_killed_process_loses_one_shard(folder: Path, alone: bytes, search: list[str]) -> None:
    assert process(folder, *search) == -signal.SIGKILL
    before = {file: file.stat().st_mtime_ns for file in (folder / "out.tsv.work").rglob("*.npy")}
    assert len(list((folder / "out.tsv.work/done").iterdir())) == 9
    assert process(folder, *search) == 0
    assert all(file.stat().st_mtime_ns == time for file, time in before.items())
    assert (folder / "out.tsv").read_bytes() == alone


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "record"])
def test_a_damaged_shard_is_made_again(folder: Path, damage: str) -> None:
    command(folder)
    pairs = (folder / "out.tsv").read_bytes()
    work = folder / "out.tsv.work"
    made = written(work)
    file = work / "encode/encode.source.00001.vectors.npy"
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-1])
    elif damage == "flipped":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "gone":
        file.unlink()
    else:
        (work / "done/encode.source.00001.json").write_text("{}")
    command(folder)
    assert file.read_bytes() == content
    assert (folder / "out.tsv").read_bytes() == pairs
    assert {path for path, time in written(work).items() if time != made[path]} == {file}


def test_another_run_in_the_same_folder_is_refused(folder: Path) -> None:
    command(folder)
    for change in (["--shard-lines", "30"], ["--search", "approximate"], ["--prompt", "query: "]):
        with pytest.raises(RuntimeError, match="has another run, which differs in"):
            command(folder, *change)
    command(folder, "--max-memory", "8G", "--threshold", "1.5", "--batch-size", "3")
    (folder / "source.txt").write_text("other\n")
    with pytest.raises(RuntimeError, match="differs in SRC: pass another --output or --work-dir DIR"):
        command(folder)


def test_approximate_search_misses_little_and_says_how_much(folder: Path) -> None:
    command(folder)
    exact = set(lines(folder / "out.tsv"))
    command(folder, "--search", "approximate", "--nprobe", "1", "--work-dir", str(folder / "other"))
    found = json.loads((folder / "out.tsv.report.json").read_text())["recall"]
    assert found["sample"] == 200
    assert 0.5 < found["at_1"] <= found["pairs"] < 1
    assert len(exact & set(lines(folder / "out.tsv"))) >= 0.5 * len(exact)
    command(folder, "--search", "approximate", "--nprobe", "99", "--work-dir", str(folder / "all"))
    assert json.loads((folder / "out.tsv.report.json").read_text())["recall"] == {
        "sample": 200,
        "at_1": 1.0,
        "at_4": 1.0,
        "pairs": 1.0,
    }
    assert set(lines(folder / "out.tsv")) == exact


@pytest.mark.parametrize(
    "kinds", [[True, False], [False, True], *(pytest.param([kind], marks=pytest.mark.slow) for kind in (True, False))]
)
def test_machines_with_and_without_bf16_share_the_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kinds: list[bool]
) -> None:
    """Groups of cells written by one of each, in turn."""
    command(folder)
    exact = (folder / "out.tsv").read_bytes()
    turn = cycle(kinds)
    monkeypatch.setattr("bitext_bench.scoring.bf16.has_bf16_hardware", lambda: next(turn))
    command(folder, "--search", "approximate", "--nprobe", "99", "--work-dir", str(folder / "all"))
    kept = {np.load(file).dtype.kind for file in (folder / "all/gather").glob("*.vectors.npy")}
    assert kept == {{True: "i", False: "f"}[kind] for kind in kinds}
    assert (folder / "out.tsv").read_bytes() == exact
