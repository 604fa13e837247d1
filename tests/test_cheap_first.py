"""What is wrong with the user's files is said within two seconds by every command, before torch or the hub is needed.

All faults are tried in one process of its own: nothing in it may load torch.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import write

TESTS = Path(__file__).parent
SECONDS = 2.0

SCRIPT = """
import contextlib, io, json, sys, time
from bitext_bench.cli.main import main
for command in json.loads(sys.stdin.read()):
    errors, start = io.StringIO(), time.monotonic()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        code = main(command)
    seconds = time.monotonic() - start
    print(json.dumps([code, seconds, "torch" in sys.modules, errors.getvalue()]), flush=True)
"""


def lines(n: int = 30) -> list[str]:
    return [f"sentence number {i} of a text" for i in range(n)]


Commands = list[tuple[str, list[str], str]]  # what is wrong, the command, what the line must name


@pytest.fixture
def place(tmp_path: Path, tiny_model: Path, data_root: Path) -> Path:
    """A folder with good things, and things that are missing, empty or damaged."""
    (tmp_path / "plainfile").write_text("a file where a folder should be")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "texts/fr", lines())
    write(tmp_path / "texts/en", lines())
    (tmp_path / "texts/nothing").write_text("")
    (tmp_path / "texts/binary").write_bytes(b"\xff\xfe\x00bad" * 20)
    (tmp_path / "texts/cut.gz").write_bytes(gzip.compress("\n".join(lines(2000)).encode())[:-40])
    write(tmp_path / "pairs/good/en-fr.tsv", [f"{line}\tle {line}" for line in lines()])
    write(tmp_path / "columns/bad/en-fr.tsv", lines())
    (tmp_path / "norows/bad").mkdir(parents=True)
    (tmp_path / "norows/bad/en-fr.tsv").write_text("")
    (tmp_path / "cut/bad").mkdir(parents=True)
    whole = "\n".join(f"{line}\tle {line}" for line in lines(2000))
    (tmp_path / "cut/bad/en-fr.tsv.gz").write_bytes(gzip.compress(whole.encode())[:-40])
    shutil.copytree(data_root, tmp_path / "unequal")
    (tmp_path / "unequal/tatoeba/v1/tatoeba.fra-eng.fra").write_text("one line\n")
    shutil.copytree(tiny_model, tmp_path / "models/config")
    (tmp_path / "models/config/config.json").write_text("{")
    shutil.copytree(tiny_model, tmp_path / "models/weights")
    weights = tmp_path / "models/weights/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    (tmp_path / "broken/org__model/rev").mkdir(parents=True)
    (tmp_path / "broken/org__model/rev/Tatoeba.json").write_text("{")
    return tmp_path


def run_commands(place: Path, model: str, data: Path) -> Commands:
    good = {
        "--model": model,
        "--data": str(data),
        "--output": str(place / "results"),
        "--cache-folder": str(place / "cache"),
    }

    def but(option: str, value: str) -> list[str]:
        return ["run", *(word for pair in {**good, option: str(place / value)}.items() for word in pair)]

    faults = [
        ("--data", "missing"),
        ("--data", "plainfile"),
        ("--data", "empty"),
        ("--data", "unequal"),
        ("--model", "missing"),
        ("--model", "empty"),
        ("--model", "models/config"),
        ("--model", "models/weights"),
        ("--output", "plainfile"),
        ("--output", "plainfile/below"),
        ("--cache-folder", "plainfile"),
    ]
    commands = [(f"run {option} {value}", but(option, value), value) for option, value in faults]
    # The hub is not asked first, for the data or for the model.
    hub = ["--output", str(place / "plainfile"), "--model", "LaBSE", "--data", "hub"]
    return [
        *commands,
        ("run, hub", ["run", *hub], "plainfile"),
        ("run, hub model", [*but("--data", "empty"), "--model", "LaBSE"], ""),
    ]


def verify_commands(place: Path, model: str) -> Commands:
    return [
        (f"verify {name}", ["verify", str(place / name), "--model", model, "--data", "mini"], name)
        for name in ("missing.json", "broken/org__model/rev/Tatoeba.json")
    ]


def train_commands(place: Path, model: str) -> Commands:
    good = {"--model": model, "--data": str(place / "pairs"), "--output": str(place / "out"), "--pair": "en-fr"}

    def but(option: str, value: str) -> list[str]:
        return ["train", *(word for pair in {**good, option: str(place / value)}.items() for word in pair)]

    faults = [
        ("--data", "missing"),
        ("--data", "plainfile"),
        ("--data", "empty"),
        ("--data", "columns"),
        ("--data", "norows"),
        ("--data", "cut"),
        ("--model", "missing"),
        ("--model", "empty"),
        ("--model", "models/config"),
        ("--model", "models/weights"),
        ("--teacher", "missing"),
        ("--benchmarks", "missing"),
        ("--recipe", "missing.toml"),
        ("--output", "plainfile/below"),
        ("--output", "plainfile"),
        ("--output", "pairs"),
    ]
    return [(f"train {option} {value}", but(option, value), value.partition("/")[0]) for option, value in faults]


def mine_commands(place: Path, model: str) -> Commands:
    good = {"source": "texts/fr", "target": "texts/en"}

    faults: list[dict[str, str]] = [
        {"source": "missing"},
        {"target": "missing"},
        {"source": "empty"},
        {"target": "texts/nothing"},
        {"source": "texts/binary"},
        {"source": "texts/cut.gz"},
        {"--model": "missing"},
        {"--model": "models/config"},
        {"--model": "models/weights"},
        {"-o": "missing/out.tsv"},
        {"--work-dir": "plainfile"},
        {"--planted-pairs": "missing"},
        {"--gold": "missing"},
    ]
    commands = []
    for fault in faults:
        ((name, value),) = fault.items()
        command = ["mine", *(str(place / fault.get(side, good[side])) for side in ("source", "target"))]
        command += ["-o", str(place / fault.get("-o", "out.tsv"))]
        command += ["--model", str(place / value) if name == "--model" else model]
        if name in ("--work-dir", "--planted-pairs", "--gold"):
            command += [name, str(place / value)]
        if name in ("--planted-pairs", "--gold"):
            command += ["--target-precision", "0.9"]
        commands.append((f"mine {name} {value}", command, value.partition("/")[0]))
    return commands


def result_commands(place: Path) -> Commands:
    results = str(TESTS.parent / "results")
    commands: Commands = []
    for name in ("missing", "plainfile", "empty", "broken"):
        at = ["--results", str(place / name)]
        if name != "empty":  # the published scores need no results
            commands.append((f"leaderboard {name}", ["leaderboard", *at, "--output", str(place / "b.md")], name))
        commands.append((f"compare {name}", ["compare", "a", "b", *at], ""))
        commands.append((f"errors {name}", ["compare", "a", "--errors", "--data", "mini", *at], ""))
        commands.append((f"import {name}", ["import-mteb", str(place / name), "--results", str(place / "r")], name))
        commands.append((f"export {name}", ["export-mteb", str(place / name), "--output", str(place / "o")], name))
    page = ["leaderboard", "--results", results, "--format", "html", "--output", str(place / "p.html")]
    commands.append(("page", [*page, "--data", str(place / "missing")], "missing"))
    errors = ["compare", "muse", "--errors", "--results", results, "--tasks", "Tatoeba"]
    commands.append(("errors data", [*errors, "--data", str(place / "missing")], "missing"))
    commands.append(("errors output", [*errors, "--output", str(place / "plainfile/below")], "plainfile"))
    commands.append(
        ("board output", ["leaderboard", "--results", results, "--output", str(place / "plainfile/b.md")], "plainfile")
    )
    commands.append(("export output", ["export-mteb", results, "--output", str(place / "plainfile")], "plainfile"))
    commands.append(("import output", ["import-mteb", results, "--results", str(place / "plainfile")], "plainfile"))
    return commands


def answers(commands: Commands) -> list[tuple[int, float, bool, str]]:
    # Nobody listens there: who asks the hub tries it again for minutes.
    environment = {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}", "HF_ENDPOINT": "http://127.0.0.1:9"}
    environment["HF_HOME"] = "/nonexistent"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([command for _, command, _ in commands]),
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


Groups = Callable[[Path, str, Path], Commands]
GROUPS: dict[str, Groups] = {
    "run": run_commands,
    "verify": lambda place, model, data: verify_commands(place, model),
    "train": lambda place, model, data: train_commands(place, model),
    "mine": lambda place, model, data: mine_commands(place, model),
    "results": lambda place, model, data: result_commands(place),
}


@pytest.mark.parametrize("group", GROUPS)
def test_faults_are_said_at_once(place: Path, tiny_model: Path, data_root: Path, group: str) -> None:
    before = sorted(place.rglob("*"))
    commands = GROUPS[group](place, str(tiny_model), data_root)
    wrong = []
    for (name, _, named), (code, seconds, torch, errors) in zip(commands, answers(commands), strict=True):
        reasons = [
            (code != 1, f"exit code {code}"),
            (seconds > SECONDS, f"{seconds:.1f} s"),
            (torch, "torch was loaded"),
            (errors.count("error:") != 1 or "Traceback" in errors, "not one line"),
            (named not in errors, f"{named} is not named"),
        ]
        if said := [reason for holds, reason in reasons if holds]:
            wrong.append(f"{name}: {', '.join(said)}: {errors.strip()[-200:]}")
    assert not wrong, "\n".join(wrong)
    # `mine` finds some damage in a file only as it reads and cuts it.
    assert [path for path in sorted(place.rglob("*")) if "out.tsv.work" not in path.parts] == before


def test_a_run_with_stored_vectors_needs_no_torch(tmp_path: Path, tiny_model: Path) -> None:
    places = ["--cache-folder", str(tmp_path / "cache"), "--output", str(tmp_path / "results")]
    command = ["run", "--model", str(tiny_model), "--data", "mini", *places]
    for stored in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], input=json.dumps([command]), capture_output=True, text=True, check=True
        )
        code, _, loaded, errors = json.loads(done.stdout)
        assert (code, loaded) == (0, not stored), errors
