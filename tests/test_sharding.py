"""Shares of a run's encoding: together they are the whole, each is done once, and Ray gives the same results."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from builders import shards

from bitext_bench.cli.main import main
from bitext_bench.embedding.sharding import Share
from bitext_bench.errors import UserError

TASKS = ["--tasks", "Mini-Tatoeba", "Mini-xSIM", "--languages", "en", "fr", "ja"]


def run(root: Path, *more: str, model: str = "toys:logging_") -> int:
    folders = ["--cache-folder", str(root / "store"), "--output", str(root / "results")]
    return main(["run", "--model", model, "--data", "mini", *TASKS, *folders, *more])


def scores(root: Path) -> list[object]:
    files = sorted((root / "results").rglob("*.json"))
    return [json.loads(file.read_text(encoding="utf-8"))["subsets"] for file in files]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Which sentences were encoded, one a line."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


@pytest.mark.parametrize("n", [1, 3, pytest.param(7, marks=pytest.mark.slow)])
def test_shares_are_the_whole_and_nothing_is_encoded_twice(tmp_path: Path, log: Path, n: int) -> None:
    assert run(tmp_path / "whole") == 0
    whole = log.read_text(encoding="utf-8").splitlines()
    log.unlink()
    for i in range(1, n + 1):
        assert run(tmp_path / "shared", "--shard", f"{i}/{n}") == 0
        assert not scores(tmp_path / "shared"), "a share scores nothing"
    assert sorted(log.read_text(encoding="utf-8").splitlines()) == sorted(whole)
    stored = shards(tmp_path / "shared")
    assert run(tmp_path / "shared") == 0
    assert shards(tmp_path / "shared") == stored, "all was there"
    assert scores(tmp_path / "shared") == scores(tmp_path / "whole")


def test_a_share_that_is_lost_is_all_that_is_done_again(tmp_path: Path, log: Path) -> None:
    for i in (1, 3):
        assert run(tmp_path, "--shard", f"{i}/3") == 0
    stored, done = shards(tmp_path), set(log.read_text(encoding="utf-8").splitlines())
    assert run(tmp_path, "--shard", "1/3") == 0
    assert shards(tmp_path) == stored
    log.unlink()
    assert run(tmp_path) == 0  # the whole run does what no share did, after a look at what they did
    lost = [line for line in log.read_text(encoding="utf-8").splitlines() if line not in done]
    log.unlink()
    assert run(tmp_path / "other", "--shard", "2/3") == 0
    assert sorted(log.read_text(encoding="utf-8").splitlines()) == sorted(lost)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_shares_that_are_none(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="expected i/N"):
        Share.parse(text)
    assert run(tmp_path, f"--shard={text}", model="toys:hashing") == 1
    assert "as in --shard 1/3" in capsys.readouterr().err


@pytest.mark.ray
def test_ray_gives_the_same_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    monkeypatch.setenv("PYTHONPATH", paths)
    assert run(tmp_path / "whole", model="toys:hashing") == 0
    assert run(tmp_path / "ray", "--engine", "ray", model="toys:hashing") == 0
    assert scores(tmp_path / "ray") == scores(tmp_path / "whole")
