"""The file of the page: data, names, policy, and messages of its command."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import HOSTILE
from pages import MISSES, SCRIPT, TRAINING, Reader, content, luminance, page_of, synthetic

from bitext_bench.cli.main import main
from bitext_bench.io.page import read_style
from bitext_bench.io.terminal import printable
from bitext_bench.results.tables import percent
from leaderboard.entries.read import read_results
from leaderboard.html import render
from leaderboard.html.content import to_percent
from leaderboard.html.errors import error_records
from leaderboard.html.render import escape_json, render_page
from leaderboard.tables.ranking import make_leaderboard


def test_the_same_results_give_the_same_bytes(page_results: Path, page_text: str, tmp_path: Path) -> None:
    shutil.copytree(page_results, tmp_path / "results")
    found = read_results(tmp_path / "results")
    assert render_page(make_leaderboard(found.entries).tables, found, tmp_path / "results", MISSES) == page_text


def test_the_command_writes_it_and_checks_it(
    page_results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "leaderboard",
        "--results",
        str(page_results),
        "--format",
        "html",
        "--output",
        str(tmp_path / "page.html"),
    ]
    assert main(command) == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert main([*command, "--check"]) == 0
    assert main([*command, "--check", "--tasks", "Mini-STS"]) == 1
    assert "is out of date" in capsys.readouterr().err


def test_nothing_is_loaded_from_anywhere(page_text: str) -> None:
    reader = Reader(page_text)
    assert [tag for tag, attributes in reader.tags if {"src", "srcset", "action"} & attributes.keys()] == []
    links = [attributes["href"] for _, attributes in reader.tags if "href" in attributes]
    assert {link for link in links if link and not link.startswith("#")} == {"data:,"}
    style = page_text.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    (policy,) = [a["content"] for _, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy and "script-src 'unsafe-inline'" not in policy


def test_names_stay_in_the_data(page_text: str) -> None:
    reader = Reader(page_text)
    assert len(reader.scripts) == 3  # data, library, ours
    names = {model["name"] for model in content(page_text)["models"]}
    assert {printable(name) for name in [*HOSTILE, SCRIPT]} <= names
    assert not re.search(r"[<>&\u2028\u2029\u202e]", reader.scripts[0])


@given(st.recursive(st.text() | st.none() | st.floats(allow_nan=False, allow_infinity=False), st.lists))
def test_embedded_data_are_unchanged(value: object) -> None:
    line = escape_json(value)
    assert json.loads(line) == value
    assert not set(line) & set("<>&\u2028\u2029")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.90625, 90.63), (0.12345, 12.35), (1, 100.0), (None, None), (float("nan"), None), ("0.5", None), (True, None)],
)
def test_scores_agree_with_the_other_outputs(value: object, expected: float | None) -> None:
    assert to_percent(value) == expected
    if isinstance(value, float) and value == value:
        assert f"{expected:.2f}" == percent(value)


def test_every_score_is_in_the_page(page_results: Path, page_text: str) -> None:
    page = content(page_text)
    models = [model["name"] for model in page["models"]]
    found = {
        (table["task"], subset["name"], models[row["model"]]): (row["values"][i], row["low"][i], row["high"][i])
        for table in page["tables"]
        for row in table["rows"]
        for i, subset in enumerate(table["subsets"])
    }
    expected = {}
    for entry in read_results(page_results).entries:
        for name, subset in entry.subsets.items():
            low, high = subset.intervals.get(entry.score) or (None, None)
            expected[entry.task, name, entry.label] = (
                to_percent(subset.scores[entry.score]),
                to_percent(low),
                to_percent(high),
            )
    assert found == expected
    assert page["newest"] == max(entry.result.date for entry in read_results(page_results).entries)


def test_speed_size_and_training_are_from_the_files(tmp_path: Path) -> None:
    subsets = [("en-en", ["eng-Latn"])]
    most = {"sentences": 30000, "tokens": 9, "seconds": 20.0, "device": "cpu", "cores": 2}
    few = {"sentences": 100, "tokens": 9, "seconds": 0.001, "device": "cpu", "cores": 2}
    first = synthetic("a", "T", subsets, encoding=most, about={"registered": "muse"})
    second = synthetic("a", "U", subsets, encoding=few, training=TRAINING)
    (model,) = content(page_of([first, second]))["models"]
    assert model["speed"] == {"sentences": 30000, "per_second": 1500, "machine": "cpu, 2 cores"}
    assert (model["dimensions"], model["parameters"] > 1e7) == (512, True)
    assert model["training"]["curve"] == [[50, 50], [100, 75]]
    assert model["training"]["facts"]["student"] == 'org/student (prompt "query: ")'
    assert model["training"]["facts"]["tms"] == "yes"


@pytest.mark.parametrize("training", [None, {}, {"curve": []}])
def test_a_model_without_speed_and_curve_has_none_on_the_page(training: dict[str, Any] | None) -> None:
    entry = synthetic("a", "T", [("en-en", ["eng-Latn"])], training=training)
    (model,) = content(page_of([entry]))["models"]
    assert model["speed"] is None
    assert not (model["training"] or {}).get("curve")


def test_a_table_too_large_keeps_all_means_and_the_figures_of_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaderboard.html.content._MOST_FIGURES", 4)
    pairs = [("a-en", ["eng-Latn"]), ("b-en", ["eng-Latn"])]
    (table,) = content(page_of([synthetic(name, "T", pairs) for name in "abc"]))["tables"]
    assert [("values" in row, row["mean"]) for row in table["rows"]] == [(True, 50.0), (True, 50.0), (False, 50.0)]


def test_without_its_extra_the_page_is_refused(
    page_results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    render._charts_library.cache_clear()
    assert main(["leaderboard", "--results", str(page_results), "--format", "html"]) == 1
    error = capsys.readouterr().err
    assert 'pip install ".[page]"' in error
    assert len(error.splitlines()) == 1


def test_misses_with_a_rival_come_first(page_results: Path) -> None:
    entries = [entry for entry in read_results(page_results).entries if entry.label.startswith("local/toys")]
    models = [entry for entry in entries if entry.task == "Mini-mining"]
    alone = [miss["rival"] is None for miss in error_records(models, entries, "mini")]
    assert set(alone) == {False, True} and alone == sorted(alone)


@pytest.mark.parametrize("scheme", [0, 1])
def test_colors_have_the_contrast_of_wcag_aa(scheme: int) -> None:
    style = read_style()
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", style.split("@media")[scheme]))
    assert len(colors) == 21

    def contrast(a: str, b: str) -> float:
        dark, light = sorted((luminance(colors[a]), luminance(colors[b])))
        return (light + 0.05) / (dark + 0.05)

    reading = [(ink, ground) for ink in ("ink", "ink-2", "link", "badge") for ground in ("ground", "raised")]
    reading += [("reported-ink", "reported"), ("link", "reported")]
    assert {pair: contrast(*pair) for pair in reading if contrast(*pair) < 4.5} == {}
    marks = ["ink-3", "line-2", *(f"slot-{i}" for i in range(6))]
    assert {mark: contrast(mark, "ground") for mark in marks if contrast(mark, "ground") < 3} == {}
