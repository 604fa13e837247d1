"""A result file that anybody may have written: it is read, or left out with a reason, and never ends in a traceback."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_results import consistent, write_content

from bitext_bench.cli.main import main
from bitext_bench.errors import UserError
from bitext_bench.io.checksums import content_sha256
from bitext_bench.io.json_files import MOST_BYTES
from bitext_bench.results.files import read_result

WRONG: list[Any] = [
    *(None, True, 0, 1, -1, 10**20, -0.5, 1.5, 1e308, "", "x", "\x1b[31m\n", "a" * 2000, "../../x", "2026-99-99"),
    *([], {}, [1], {"a": 1}, [[]], ["x"], [None]),
]
REFUSED = {
    "a score of a wrong type": ("subsets 0 scores accuracy", "0.5"),
    "a score out of range": ("subsets 0 scores accuracy", 1.5),
    "n": ("subsets 0 n", 0),
    "a share for n": ("subsets 0 n", 3.5),
    "a truth for n": ("subsets 0 n", True),
    "an unknown language": ("subsets 0 languages 0", "xqq-Latn"),
    "an interval the wrong way round": ("subsets 0 intervals accuracy", [0.9, 0.1]),
    "an interval of three": ("subsets 0 intervals accuracy", [0.1, 0.2, 0.3]),
    "a signature without data": ("subsets 0 signature", "task:x"),
    "a date": ("date", "yesterday"),
    "an empty date": ("date", ""),
    "a score for mteb": ("scores test 0 main_score", True),
    "a language for mteb": ("scores test 0 languages", ["fra-Latn", 1]),
    "a direction that is not the task's": ("lower_is_better", True),
    "a dtype": ("model dtype", "os:abort"),
    "a backend": ("model backend", "x"),
    "a maximum length": ("model max_length", -1),
    "a chosen setting that is none": ("model chosen", ["__class__"]),
    "parameters": ("model parameters", "many"),
    "no encoding": ("encoding", {"sentences": 9000}),
    "an empty encoding": ("encoding", {}),
    "a number for an encoding": ("encoding", 7),
    "a text for an encoding": ("encoding", "x"),
    "a speed of wrong types": ("encoding", {"sentences": "a", "seconds": 0}),
    "a number for a training": ("training", 7),
    "a text for a training": ("training", "x"),
    "a curve of single numbers": ("training", {"curve": [[1], 2, [3, "x"]]}),
    "a mean": ("summary accuracy mean", "high"),
    "a checksum": ("outcomes_sha256", "../../etc/passwd"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One toy on four tasks of the built-in set."""
    root = tmp_path_factory.mktemp("made")
    folders = ["--cache-folder", str(root.with_name("store")), "--output", str(root)]
    tasks = ["--tasks", "Mini-Tatoeba", "Mini-STS", "Mini-mining", "Mini-xSIMpp", "--languages", "en", "ja"]
    assert main(["run", "--model", "toys:letters", "--data", "mini", *tasks, *folders]) == 0
    return root


def content_of(root: Path, task: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(next(root.rglob(f"{task}.json")).read_text(encoding="utf-8"))
    return content


def put(content: Any, way: tuple[str | int, ...], value: Any) -> None:
    for part in way[:-1]:
        content = content[part]
    content[way[-1]] = value


@pytest.mark.parametrize("name", REFUSED)
def test_a_field_that_no_result_can_have_is_named(name: str, made: Path, tmp_path: Path) -> None:
    place, value = REFUSED[name]
    content = content_of(made, "Mini-Tatoeba")
    put(content, tuple(int(part) if part.isdigit() else part for part in place.split()), value)
    write_content(tmp_path / "x.json", content)
    with pytest.raises(UserError, match=r"x.json is damaged: ") as caught:
        read_result(tmp_path / "x.json")
    assert any(part in str(caught.value) for part in place.split()[-2:])
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 100 + "1" + "}" * 100, "nested more than 32 levels deep"),
        ('{"bitext_bench": ' + "9" * 5000 + "}", "is not JSON"),
        ("\xff", "is not JSON"),
        ("", "is not JSON"),
        ("null", "is not a result"),
        ('{"bitext_bench": [[]]}', "has format [[]]"),
    ],
)
def test_odd_files_are_left_out_with_a_reason(
    made: Path, tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = shutil.copytree(made, tmp_path / "results")
    (root / "x.json").write_bytes(text.encode("latin-1"))
    assert main(["leaderboard", "--results", str(root), "--format", "csv"]) == 0
    shown = capsys.readouterr()
    assert said in shown.err and "toys:letters" in shown.out
    for command in (
        ["verify"],
        ["export-mteb", "--output", str(tmp_path)],
        ["import-mteb", "--results", str(tmp_path)],
    ):
        assert main([command[0], str(root / "x.json"), *command[1:]]) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("content", [{"bitext_bench": "9" * 10**6}, {"bitext_bench": 9, "version": "9" * 10**6}])
def test_a_long_format_does_not_flood_the_terminal(
    made: Path, tmp_path: Path, content: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    root = shutil.copytree(made, tmp_path / "results")
    (root / "x.json").write_text(json.dumps(content))
    assert main(["leaderboard", "--results", str(root), "--output", str(tmp_path / "board.md")]) == 0
    assert len(capsys.readouterr().err) < 1_000
    assert "has format 9" in (tmp_path / "board.md").read_text()
    assert len((tmp_path / "board.md").read_text()) < 100_000


def test_what_is_no_file_or_too_large_is_left_out(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import os

    root = shutil.copytree(made, tmp_path / "results")
    os.mkfifo(root / "pipe.json")
    (root / "folder.json").mkdir()
    with (root / "large.json").open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    (root / "zero.json").symlink_to("/dev/zero")
    assert main(["leaderboard", "--results", str(root), "--format", "csv"]) == 0
    said = capsys.readouterr().err
    assert "pipe.json: cannot read" in said and "not a regular file" in said
    assert "folder.json: Is a directory" in said
    assert "larger than 128 MB" in said
    assert said.count("zero.json") >= 1


def ways(content: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*way, key)
        yield from ways(value, (*way, key))


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 8))])
def test_no_change_of_a_field_ends_a_command_in_a_traceback(
    made: Path, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of 30 files has one field changed and the checksum made right."""
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "store"))
    draws = random.Random(seed)
    root = tmp_path / "results"
    for number in range(30):
        task = draws.choice(["Mini-Tatoeba", "Mini-STS", "Mini-mining", "Mini-xSIMpp"])
        content = content_of(made, task)
        content["model"]["name"] = f"local/m{number}"
        content["model"]["revision"] = str(number)
        (root / str(number)).mkdir(parents=True)
        shutil.copy(next(made.rglob(f"{task}.outcomes.npz")), root / str(number))
        changed = copy.deepcopy(content)
        way = draws.choice(list(ways(content)))
        put(changed, way, draws.choice(WRONG))
        if way[0] not in ("task_name", "dataset_revision", "mteb_version", "scores"):
            changed = consistent(changed)
        try:
            changed["sha256"] = content_sha256(changed)
        except ValueError:
            continue
        (root / f"{number}/{task}.json").write_text(json.dumps(changed), encoding="utf-8")
    for form in ("markdown", "csv", "latex", "html"):
        assert main(["leaderboard", "--results", str(root), "--format", form, "--output", str(tmp_path / form)]) == 0
    assert main(["leaderboard", "--results", str(root), "--paper-table", "5"]) == 0
    main(["compare", "m1", "m2", "--results", str(root)])
    main(["export-mteb", str(root), "--output", str(tmp_path / "out")])
    main(["verify", str(root), "--data", "mini"])
    assert "Traceback" not in capsys.readouterr().err
