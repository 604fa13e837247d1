"""No file can control the terminal: whatever is in it, only printable characters and line ends are printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_results import write_content

from bitext_bench.cli import main
from bitext_bench.terminal import printable

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\x00\n\r\u202e\u2028"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two toys on two tasks of the built-in set."""
    root = tmp_path_factory.mktemp("made")
    for model in ("toys:hashing", "toys:letters"):
        folders = ["--cache-folder", str(root.with_name("store")), "--output-folder", str(root)]
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
            write_content(folder / file.name, content)
        return root

    return change


def names(content: dict[str, Any]) -> None:
    content["model"] |= {name: f"{content['model'][name]}{EVIL}" for name in ("name", "revision", "prompt")}
    content["data"] = f"mini-1{EVIL}"
    content["encoding"] = {"sentences": 9000, "tokens": 9, "seconds": 1.0, "device": f"cpu{EVIL}", "cores": 1}
    for subset in content["subsets"]:
        subset["signature"] += f"|leaks:{EVIL}"


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
        ["leaderboard", "--layout", "table5", "--format", "csv"],
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
