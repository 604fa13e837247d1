"""--languages and --tasks mean the same to `run`, `compare` and `leaderboard`."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bitext_bench.cli.main import main
from bitext_bench.results.files import read_result
from bitext_bench.tasks.choices import parse_languages, parse_tasks

TASKS = ["Mini-Tatoeba", "Mini-mining", "Mini-xSIM", "Mini-STS"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two toys on four tasks in all five languages."""
    root = tmp_path_factory.mktemp("results")
    for model in ("toys:hashing", "toys:letters"):
        folders = ["--cache-folder", str(root.with_name("store")), "--output", str(root)]
        languages = ["--languages", "all"]
        assert main(["run", "--model", model, "--data", "mini", "--tasks", *TASKS, *languages, *folders]) == 0
    return root


@pytest.mark.parametrize(
    "languages",
    [
        "ja",
        pytest.param("Japanese", marks=pytest.mark.slow),
        pytest.param("jpn_Jpan", marks=pytest.mark.slow),
        "en",
        "en,ja",
        pytest.param("ja,ko", marks=pytest.mark.slow),
        "fr ja",
        "all",
    ],
)
def test_the_subsets_are_those_that_run_scores(
    results: Path, tmp_path: Path, languages: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--cache-folder", str(results.with_name("store")), "--output", str(tmp_path)]
    given = ["--languages", *languages.split()]
    expected = set()
    for task in TASKS:
        if main(["run", "--model", "toys:hashing", "--data", "mini", "--tasks", task, *given, *folders]) == 0:
            (file,) = tmp_path.rglob(f"{task}.json")
            expected |= {(task, subset.subset) for subset in read_result(file).subsets}
    assert expected
    capsys.readouterr()
    assert main(["leaderboard", "--results", str(results), "--format", "csv", *given]) == 0
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert {(row["task"], row["subset"]) for row in rows} == expected
    assert main(["compare", "hashing", "letters", "--results", str(results), *given]) == 0
    compared = {tuple(line.split()[:2]) for line in capsys.readouterr().out.splitlines() if line.startswith("Mini-")}
    assert {pair for pair in compared if pair[1] != "mean"} == expected


@pytest.mark.parametrize("command", [["leaderboard", "--format", "csv"], ["compare", "hashing", "letters"]])
def test_tasks_are_named_as_for_run(results: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--results", str(results), "--tasks", "mini tatoeba,miniSTS"]) == 0
    shown = capsys.readouterr().out
    assert "Mini-Tatoeba" in shown and "Mini-STS" in shown and "Mini-xSIM" not in shown
    assert main([*command, "--results", str(results), "--tasks", "tatoba"]) == 1
    assert "unknown task 'tatoba': did you mean Tatoeba" in capsys.readouterr().err


def test_words() -> None:
    assert [task.name for task in parse_tasks(["tatoeba,sts17", "BUCC mining"])] == ["Tatoeba", "STS17", "BUCC-mining"]
    assert parse_languages(["all"]) is None
    assert list(map(str, parse_languages(["fra,jpn-Jpan", "ko"]) or [])) == ["fr", "ja", "ko"]
    assert list(map(str, parse_languages("en ja, ko") or [])) == ["en", "ja", "ko"]
    assert parse_languages("Norwegian Bokmål") == parse_languages(["nob"]), "a space in a name"
