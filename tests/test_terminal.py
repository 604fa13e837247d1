"""No file can control the terminal: whatever is in it, only printable characters and line ends are printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_results import consistent, write_content

from bitext_bench.cli.main import main
from bitext_bench.io.terminal import printable

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\x00\n\r\u202e\u2028"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two toys on two tasks of the built-in set."""
    root = tmp_path_factory.mktemp("made")
    for model in ("toys:hashing", "toys:letters"):
        folders = ["--cache-folder", str(root.with_name("store")), "--output", str(root)]
        tasks = ["--tasks", "Mini-Tatoeba", "Mini-STS", "--languages", "en", "ja"]
        assert main(["run", "--model", model, "--data", "mini", *tasks, *folders]) == 0
    return root


@pytest.fixture
def evil(made: Path, tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Return the results changed by a function of each file's content, under names that are evil, too."""

    def change(edit: Callable[[dict[str, Any]], None]) -> Path:
        root = tmp_path / "results"
        for file in made.rglob("*.json"):
            folder = root / f"m{EVIL.replace(chr(0), '')}" / file.parent.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file.with_suffix(".outcomes.npz").name).write_bytes(
                file.with_suffix(".outcomes.npz").read_bytes()
            )
            content = json.loads(file.read_text(encoding="utf-8"))
            edit(content)
            write_content(folder / file.name, consistent(content))
        return root

    return change


def names(content: dict[str, Any]) -> None:
    content["model"] |= {name: f"{content['model'][name]}{EVIL}" for name in ("name", "revision", "prompt")}
    content["data"] = f"mini-1{EVIL}"
    content["encoding"] = {"sentences": 9000, "tokens": 9, "seconds": 1.0, "device": f"cpu{EVIL}", "cores": 1}
    for subset in content["subsets"]:
        subset["signature"] += f"|contamination:{EVIL}"


def header(content: dict[str, Any]) -> None:
    content |= {"bitext_bench": f"9{EVIL}", "version": EVIL}


def task(content: dict[str, Any]) -> None:
    content |= {"task": f"Mini-STS{EVIL}"}


def language(content: dict[str, Any]) -> None:
    content["subsets"][0]["languages"] = [f"en{EVIL}"]


def missing(content: dict[str, Any]) -> None:
    content |= {"main_score": EVIL}


@pytest.mark.parametrize("edit", [names, header, task, language, missing])
@pytest.mark.parametrize(
    "command",
    [
        ["leaderboard", "--output", "FILE"],
        ["leaderboard", "--format", "csv"],
        ["leaderboard", "--format", "json"],
        ["leaderboard", "--format", "latex"],
        ["leaderboard", "--paper-table", "5", "--format", "csv"],
        ["compare", "hashing", "letters"],
        ["compare", "hashing", "letters", "--errors", "--data", "mini"],
        ["compare", "hashing", "letters", "--errors", "--data", "mini", "--format", "tsv"],
        ["verify", "FOLDER", "--model", "toys:hashing", "--data", "mini"],
        ["verify", "FOLDER", "--data", "mini"],
        ["export-mteb", "FOLDER", "--output", "FILE"],
        ["import-mteb", "FOLDER"],
    ],
    ids=" ".join,
)
def test_no_command_prints_a_control_of_a_result_file(
    evil: Callable[[Callable[[dict[str, Any]], None]], Path],
    edit: Callable[[dict[str, Any]], None],
    command: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "store"))
    root = evil(edit)
    given = [{"FOLDER": str(root), "FILE": str(tmp_path / "output")}.get(word, word) for word in command]
    results = ["--results", str(root)] if command[0] in ("leaderboard", "compare", "import-mteb") else []
    main([*given, *results])
    said = capfd.readouterr()
    text = said.out + said.err
    assert text
    for line in text.replace("\t", " ").split("\n"):
        assert printable(line) == line
    if command[0] == "leaderboard" and "FILE" in command and (tmp_path / "output").exists():
        for line in (tmp_path / "output").read_text(encoding="utf-8").split("\n"):
            assert printable(line) == line


def test_json_keeps_what_it_escapes(
    evil: Callable[[Callable[[dict[str, Any]], None]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = evil(names)
    assert main(["leaderboard", "--results", str(root), "--format", "json"]) == 0
    assert {row["model"] for row in json.loads(capsys.readouterr().out)} >= {f"local/toys:hashing{EVIL}"}


def in_a_process(arguments: list[str], stdout: Any, **environment: str) -> subprocess.CompletedProcess[bytes]:
    tests = Path(__file__).parent
    own = {**os.environ, "PYTHONPATH": f"{tests.parent}:{tests}", **environment}
    own.pop("PYTHONUNBUFFERED", None)
    command = [sys.executable, "-m", "bitext_bench", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=own, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("arguments", [["list", "tasks"], ["--help"]], ids=" ".join)
def test_a_full_disk_behind_stdout_is_one_line(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = in_a_process(arguments, full)
    assert done.returncode == 1
    assert done.stderr.decode() == "bitext-bench: error: cannot write to stdout: No space left on device\n"


def test_a_locale_without_the_letters_ends_no_command(made: Path, tmp_path: Path) -> None:
    """A table has escapes there, as stderr has; data are UTF-8 whatever the locale."""
    compare = ["compare", "hashing", "letters", "--results", str(made), "--errors", "--data", "mini"]
    table = in_a_process(compare, subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert (table.returncode, table.stderr) == (0, b"")
    assert b"\\u" in table.stdout and table.stdout.isascii()
    tsv = in_a_process([*compare, "--format", "tsv"], subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert tsv.returncode == 0
    assert main([*compare, "--format", "tsv", "--output", str(tmp_path / "x.tsv")]) == 0
    assert tsv.stdout == (tmp_path / "x.tsv").read_bytes()
