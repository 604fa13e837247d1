"""Statistics kept from one leaderboard to the next: never another number, whatever has changed in between."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from made_results import write_again

from bitext_bench.cli.main import main
from bitext_bench.results.files import read_result
from leaderboard.entries.read import read_results
from leaderboard.stats import stored
from leaderboard.stats.differences import evidence_sha256
from leaderboard.stats.stored import StoredStatistics
from leaderboard.tables import ranking
from leaderboard.tables.ranking import make_leaderboard


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    for model in ("toys:hashing", "toys:letters", "toys:with_language"):
        folders = ["--cache-folder", str(root.with_name("store")), "--output", str(root)]
        assert main(["run", "--model", model, "--data", "mini", "--languages", "en", "ja", *folders]) == 0
    return root


@pytest.fixture
def results(scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "cache"))
    shutil.copytree(scored, tmp_path / "results")
    return tmp_path / "results"


def board(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["leaderboard", "--results", str(root), "--output", "-"]) == 0
    return capsys.readouterr().out


def never(*_: object) -> None:
    raise ValueError("computed again")


def test_a_second_leaderboard_reads_no_outcomes_and_is_the_same(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = board(results, capsys)
    monkeypatch.setattr(ranking, "read_evidence", never)
    assert board(results, capsys) == first


def test_a_new_result_alone_is_computed(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = next(folder for folder in results.iterdir() if "with_language" in folder.name)
    shutil.move(moved, results.parent / "moved")
    board(results, capsys)
    shutil.move(results.parent / "moved", moved)
    read = []
    original = ranking.read_evidence
    monkeypatch.setattr(ranking, "read_evidence", lambda entry, subsets: read.append(entry) or original(entry, subsets))
    text = board(results, capsys)
    n_read = len(read)
    tables = make_leaderboard(read_results(results).entries).tables
    last = [table for table in tables if moved in table.rows[-1].entry.file.parents]
    assert last
    for table in last:  # the new result is compared with one other
        files = [entry.file for entry in read[:n_read] if entry.task == table.task]
        assert table.rows[-1].entry.file in files and len(files) == 2
    (results.parent / "cache" / "leaderboard.json").unlink()
    assert board(results, capsys) == text


def test_outcomes_that_are_damaged_after_the_first_time_are_still_found(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board(results, capsys)
    next(results.rglob("*hashing*/**/Mini-STS.outcomes.npz")).unlink()
    damaged = next(results.rglob("*hashing*/**/Mini-Tatoeba.outcomes.npz"))
    damaged.write_bytes(damaged.read_bytes() + b"\0")
    assert main(["leaderboard", "--results", str(results), "--output", "-"]) == 0
    said = capsys.readouterr().err
    assert "Mini-STS.json: cannot read the outcomes" in said
    assert "Mini-Tatoeba.outcomes.npz does not belong to Mini-Tatoeba.json" in said


def test_statistics_depend_on_all_that_the_evidence_is_read_from(results: Path) -> None:
    file = next(results.rglob("*hashing*/**/Mini-mining.json"))
    (subset,) = read_result(file).subsets

    def key() -> str:
        (entry,) = [entry for entry in read_results(results).entries if entry.file == file]
        return evidence_sha256(entry, [subset.subset])

    before = key()
    assert key() == before
    write_again(file, subsets=[replace(subset, scores={**subset.scores, "threshold": 0.123})])
    assert key() != before
    write_again(file, subsets=[replace(subset, n=subset.n - 1)])
    assert key() != before


def test_another_version_of_the_code_computes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = StoredStatistics(tmp_path / "x.json")
    assert kept.get("p", ["a", "b"], 1, lambda: [0.5]) == [0.5]
    kept.save()
    again = StoredStatistics(tmp_path / "x.json")
    assert again.get("p", ["a", "b"], 1, lambda: [0.25]) == [0.5]
    assert again.get("p", ["b", "a"], 1, lambda: [0.25]) == [0.25]
    assert again.get("interval", ["a", "b"], 2, lambda: [float("nan"), 1]) == pytest.approx(
        [float("nan"), 1], nan_ok=True
    )
    again.save()
    assert len(json.loads((tmp_path / "x.json").read_text())) == 3
    monkeypatch.setattr(stored, "_code_sha256", lambda: "other")
    assert StoredStatistics(tmp_path / "x.json").get("p", ["a", "b"], 1, lambda: [0.25]) == [0.25]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"a": "b"}', b'{"a": [true]}', b'{"a": ["0.5"]}', b"\xff"])
def test_a_damaged_file_is_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    kept = StoredStatistics(file)
    assert kept.get("p", ["a"], 1, lambda: [0.5]) == [0.5]
    kept.save()
    assert list(json.loads(file.read_text()).values()) == [[0.5]]


@pytest.mark.parametrize("numbers", [[], [0.25, 0.5]])
def test_another_number_of_stored_values_is_computed_again(tmp_path: Path, numbers: list[float]) -> None:
    file = tmp_path / "x.json"
    kept = StoredStatistics(file)
    kept.get("p", ["a"], 1, lambda: [0.5])
    kept.save()
    file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), numbers)))
    again = StoredStatistics(file)
    assert again.get("p", ["a"], 1, lambda: [0.5]) == [0.5]
    again.save()
    assert [*json.loads(file.read_text()).values()] == [[0.5]]


def test_a_file_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = StoredStatistics(tmp_path / "file" / "x.json")
    assert kept.get("p", ["a"], 1, lambda: [0.5]) == [0.5]
    kept.save()


def test_the_oldest_statistics_are_removed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_MOST", 2)
    kept = StoredStatistics(tmp_path / "x.json")
    for n, name in enumerate("abca"):
        kept.get(name, [], 1, lambda n=n: [float(n)])  # type: ignore[misc]
    kept.save()
    assert [*json.loads((tmp_path / "x.json").read_text()).values()] == [[2.0], [0.0]]
