"""Results in one folder: other data beside each other, languages of the same data together, and nothing lost."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import write

from bitext_bench.cli.main import main
from bitext_bench.data import open_source
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.io.checksums import content_sha256
from bitext_bench.languages import resolve
from bitext_bench.results.evaluation import evaluate, load_tasks
from bitext_bench.results.files import read_result
from bitext_bench.results.filing import file_result
from bitext_bench.results.outcomes import outcomes_file, read_outcomes
from bitext_bench.results.records import Outcomes, TaskResult
from bitext_bench.tasks import TASKS
from leaderboard.entries.read import read_results

Made = tuple[TaskResult, Outcomes]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def made(cache: Path, task: str, languages: str, data: str = "mini") -> list[Made]:
    """The results of a toy encoder in some languages, at a fixed time."""
    chosen = [resolve(code) for code in languages.split()]
    loaded = load_tasks([TASKS[task]], open_source(data), chosen, pytest.fail)
    found = list(evaluate(Embedder(resolve_model("toys:hashing", ModelOptions()), cache), loaded))
    return [(replace(result, date="2026-01-01", evaluation_time=1.0), outcomes) for result, outcomes in found]


def same_outcomes(one: Outcomes, other: Outcomes) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(values, other[block][name], equal_nan=values.dtype.kind == "f")
        for block, columns in one.items()
        for name, values in columns.items()
    )


@pytest.mark.parametrize(
    ("task", "parts", "whole"),
    [
        ("Mini-Tatoeba", ["en fr", "en ja ko"], "en fr ja ko"),
        ("Mini-mining", ["en ja", "en fr"], "en fr ja"),
        ("Mini-STS", ["en", "en fr", "ko"], "en fr ko"),
        ("Mini-xSIM", ["en fr", "fr ja", "ja en"], "en fr ja"),
        ("Mini-xSIMpp", ["en fr", "fr ja", "ja en"], "en fr ja"),
    ],
)
def test_languages_run_one_after_the_other_are_as_if_run_together(
    cache: Path, tmp_path: Path, task: str, parts: list[str], whole: str
) -> None:
    for languages in parts:
        ((result, outcomes),) = made(cache, task, languages)
        file = file_result(tmp_path, result, outcomes)
    ((expected, expected_outcomes),) = made(cache, task, whole)
    found = read_result(file)
    assert file.name == f"{task}.json"
    assert sorted(subsets(found)) == sorted(subsets(expected))
    assert same_outcomes(read_outcomes(file, found), expected_outcomes)
    assert flat(found.summary) == pytest.approx(flat(expected.summary), abs=1e-12)


def subsets(result: TaskResult) -> list[str]:
    return [json.dumps(subset.as_json()) for subset in result.subsets]


def flat(value: object, name: str = "") -> dict[str, float]:
    """Return all numbers in nested records, by the way to them."""
    if isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        return {way: leaf for key, part in parts for way, leaf in flat(part, f"{name} {key}").items()}
    return {name: float(value)} if isinstance(value, int | float) else {}


def test_a_subset_that_is_run_again_replaces_the_old_one(cache: Path, tmp_path: Path) -> None:
    ((result, outcomes),) = made(cache, "Mini-Tatoeba", "en fr ja")
    file_result(tmp_path, result, outcomes)
    ((again, new),) = made(cache, "Mini-Tatoeba", "en ja")
    better = replace(again.subsets[0], scores={**again.subsets[0].scores, "accuracy": 0.5})
    new = {block: {**columns, "hit": ~columns["hit"]} for block, columns in new.items()}
    file = file_result(tmp_path, replace(again, subsets=[better]), new)
    found = read_result(file)
    assert found.subsets == [result.subsets[0], better]
    assert found.summary["accuracy"]["mean"] == pytest.approx(((result.subsets[0].scores["accuracy"] or 0) + 0.5) / 2)
    assert same_outcomes(read_outcomes(file, found), {**outcomes, **new})


def tatoeba(root: Path, code: str, n: int, word: str) -> str:
    for side in (code, "eng"):
        write(root / f"tatoeba/v1/tatoeba.{code}-eng.{side}", [f"{word} {side} {i}" for i in range(n)])
    return str(root)


def test_other_data_never_replace_a_result(cache: Path, tmp_path: Path) -> None:
    mine, other = tatoeba(tmp_path / "mine", "deu", 30, "a"), tatoeba(tmp_path / "other", "deu", 20, "b")
    tatoeba(tmp_path / "other", "fra", 20, "b")
    ((first, outcomes),) = made(cache, "Tatoeba", "de en", mine)
    file = file_result(tmp_path / "results", first, outcomes)
    before = file.read_bytes(), outcomes_file(file).read_bytes()
    files = {file_result(tmp_path / "results", *made(cache, "Tatoeba", f"{x} en", other)[0]) for x in ("de", "fr")}
    assert (file.read_bytes(), outcomes_file(file).read_bytes()) == before
    (beside,) = files
    assert beside != file
    assert [s.subset for s in read_result(beside).subsets] == ["deu-eng", "fra-eng"]
    found = read_results(tmp_path / "results")
    assert found.skipped == [] and {entry.file for entry in found.entries} == {file, beside}


def test_official_data_from_two_places_are_two_files(cache: Path, tmp_path: Path) -> None:
    ((result, outcomes),) = made(cache, "Mini-Tatoeba", "en fr")
    local, hub = replace(result, data="tatoeba-v1"), replace(result, data="hub-69e8f12d")
    assert file_result(tmp_path, local, outcomes).name == "Mini-Tatoeba.json"
    for _ in range(2):
        assert file_result(tmp_path, hub, outcomes).name == "Mini-Tatoeba.hub-69e8f12d.json"
    assert file_result(tmp_path, local, outcomes).name == "Mini-Tatoeba.json"
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_a_damaged_file_is_replaced_aloud(cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ((result, outcomes),) = made(cache, "Mini-Tatoeba", "en fr ja")
    file = file_result(tmp_path, result, outcomes)
    capsys.readouterr()
    for target, content in ((file, file.read_bytes()[:500]), (outcomes_file(file), b"PK\x03\x04 and no more")):
        target.write_bytes(content)
        assert read_result(file_result(tmp_path, result, outcomes)).subsets == result.subsets
        said = capsys.readouterr().err
        assert said.startswith("bitext-bench: note: ") and said.endswith("; the file is replaced\n")
        assert target.name in said


def test_another_model_of_the_name_is_no_part_of_the_file(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ((result, outcomes),) = made(cache, "Mini-Tatoeba", "en fr ja")
    file_result(tmp_path, result, outcomes)
    ((again, new),) = made(cache, "Mini-Tatoeba", "en ja")
    other = replace(again, model=again.model.model_copy(update={"fingerprint": "0" * 64}))
    assert [s.subset for s in read_result(file_result(tmp_path, other, new)).subsets] == ["ja-en"]
    assert "Mini-Tatoeba.json loses fr-en: another model of this name" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["mteb", "newer", "older"])
def test_files_of_others_are_refused_before_the_work(
    cache: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "--model", "toys:hashing", "--data", "mini", "--tasks", "Mini-Tatoeba"]
    command += ["--output", str(tmp_path / "results"), "--cache-folder", str(tmp_path / "cache")]
    assert main([*command, "--languages", "en", "fr"]) == 0
    (file,) = (tmp_path / "results").rglob("*.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    others = {
        "mteb": {"task_name": "Mini-Tatoeba", "scores": {"test": []}, "mteb_version": "2.26.0"},
        "newer": {**content, "bitext_bench": 4},
        "older": {"bitext_bench": {"format": 1, "version": "0.0"}},
    }
    file.write_text(json.dumps(others[kind]), encoding="utf-8")
    before = file.read_bytes()
    capsys.readouterr()
    assert main([*command, "--languages", "en", "fr", "ja"]) == 1
    said = capsys.readouterr().err
    assert said.rstrip().endswith("or pass another --output") and "encoding" not in said
    assert file.read_bytes() == before


def test_runs_at_once_lose_nothing_of_each_other(cache: Path, tmp_path: Path) -> None:
    ((whole, outcomes),) = made(cache, "Mini-xSIM", "en fr ja ko")
    parts = [
        (replace(whole, subsets=[subset]), {block: own for block, own in outcomes.items() if block[0] == subset.subset})
        for subset in whole.subsets
    ]
    together = threading.Barrier(len(parts))

    def one(part: Made) -> None:
        together.wait()
        file_result(tmp_path, *part)

    threads = [threading.Thread(target=one, args=[part]) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_result(tmp_path / "Mini-xSIM.json")
    assert {s.subset for s in found.subsets} == {s.subset for s in whole.subsets}
    assert same_outcomes(read_outcomes(tmp_path / "Mini-xSIM.json", found), outcomes)
    assert flat(found.summary) == pytest.approx(flat(whole.summary), abs=1e-12)


def test_a_folder_that_cannot_be_written(cache: Path, tmp_path: Path) -> None:
    ((result, outcomes),) = made(cache, "Mini-Tatoeba", "en fr")
    (tmp_path / ".lock").mkdir()
    with pytest.raises(UserError, match="cannot write in "):
        file_result(tmp_path, result, outcomes)


def test_every_command_takes_files_beside_each_other(
    data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two models on two private sets in one layout, in one results folder."""
    other = tatoeba(tmp_path / "other", "fra", 25, "b")
    folders = ["--output", str(tmp_path / "results"), "--cache-folder", str(tmp_path / "cache")]
    for model in ("toys:hashing", "toys:letters"):
        for data in (str(data_root), other):
            command = ["run", "--model", model, "--data", data, "--tasks", "Tatoeba", "--languages", "en", "fr"]
            assert main([*command, *folders]) == 0
    results = ["--results", str(tmp_path / "results")]
    files = sorted((tmp_path / "results").rglob("Tatoeba.*.json"))
    assert len(files) == 4
    sizes = {file: read_result(file).subsets[0].n for file in files}
    capsys.readouterr()
    assert main(["leaderboard", *results, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sorted((row["n"], row["rank"] is not None) for row in rows) == [(20, True)] * 2 + [(25, True)] * 2
    assert main(["compare", "hashing", "letters", *results]) == 0
    compared = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("Tatoeba on custom-")]
    assert sorted(line[4] for line in compared) == ["20", "25"]
    for file in files:
        data = str(data_root) if sizes[file] == 20 else other
        model = "toys:hashing" if "hashing" in str(file) else "toys:letters"
        assert main(["verify", str(file), "--model", model, "--data", data, "--cache-folder", str(tmp_path / "c")]) == 0
    for data, n in ((str(data_root), 20), (other, 25)):
        assert main(["compare", "hashing", *results, "--errors", "--data", data, "--format", "tsv"]) == 0
        shown = capsys.readouterr()
        assert "left out: Tatoeba: " in shown.err and "was scored on custom-tatoeba@sha256:" in shown.err
        assert 0 < len(shown.out.splitlines()) <= 1 + 2 * n


@pytest.mark.parametrize("command", ["compare", "leaderboard"])
def test_an_edited_file_is_left_out_aloud(
    cache: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for task in ("Mini-Tatoeba", "Mini-STS"):
        ((result, outcomes),) = made(cache, task, "en fr")
        for name in ("local/a", "local/b"):
            model = result.model.model_copy(update={"name": name, "fingerprint": name})
            file_result(tmp_path / name.replace("/", "__"), replace(result, model=model), outcomes)
    file = tmp_path / "local__a/Mini-STS.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["subsets"][0]["scores"]["cosine_spearman"] = 0.94
    file.write_text(json.dumps(content), encoding="utf-8")
    names = ["local/a", "local/b"] if command == "compare" else ["--format", "csv"]
    assert main([command, *names, "--results", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert f"left out: {file}: was changed after it was written" in shown.err
    assert "Mini-Tatoeba" in shown.out and "0.94" not in shown.out and "94.00" not in shown.out
    assert content_sha256(content) != content["sha256"]
