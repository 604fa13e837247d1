"""From result folders to tables: comparable rows, escaped names, and reports of damaged files."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import HOSTILE, write_again
from markdown_it import MarkdownIt

from bitext_bench.cli.main import main
from bitext_bench.results.files import read_result
from leaderboard.entries.read import Entry, read_results
from leaderboard.escaping import escape, pipe_table
from leaderboard.published.file import read_published
from leaderboard.published.records import Published
from leaderboard.stats.differences import Evidence, common_subsets, difference, mean_of_differences, read_evidence
from leaderboard.tables.overview import make_overview
from leaderboard.tables.published import published_tables, source_label
from leaderboard.tables.ranking import RankingTable, make_leaderboard


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two toys on the whole built-in set."""
    root = tmp_path_factory.mktemp("results")
    for model in ("toys:hashing", "toys:letters"):
        folders = ["--cache-folder", str(root.with_name("store")), "--output", str(root)]
        assert main(["run", "--model", model, "--data", "mini", "--languages", "en", "ja", "ko", *folders]) == 0
    return root


def by_task(root: Path) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in read_results(root).entries:
        found.setdefault(entry.task, []).append(entry)
    return found


def sides(a: Entry, b: Entry, subsets: list[str]) -> tuple[list[Evidence], list[Evidence]]:
    return read_evidence(a, subsets), read_evidence(b, subsets)


def test_differences_are_those_of_the_scores(results: Path) -> None:
    seen = by_task(results)
    assert len(seen) == 5
    for a, b in seen.values():
        subsets = common_subsets(a, b)
        expected = [(a.subsets[name].scores[a.score] or 0) - (b.subsets[name].scores[a.score] or 0) for name in subsets]
        # Outcomes are float32: near ties of these toys become ties.
        close = 1e-4 if a.score == "cosine_spearman" else 1e-6
        ours, theirs = sides(a, b, subsets)
        assert [difference(x, y).value for x, y in zip(ours, theirs, strict=True)] == pytest.approx(expected, abs=close)
        whole = mean_of_differences(ours, theirs)
        assert whole.value == pytest.approx(np.mean(expected), abs=close)
        assert whole.interval[0] <= whole.value <= whole.interval[1]
        same = mean_of_differences(ours, ours)
        assert (same.value, same.p) == (0, 1)


def test_swapping_the_models_changes_every_sign(results: Path) -> None:
    for a, b in by_task(results).values():
        for x, y in zip(*sides(a, b, common_subsets(a, b)), strict=True):
            there, back = difference(x, y), difference(y, x)
            assert there.value == pytest.approx(-back.value)
            assert there.p == pytest.approx(back.p)
            assert (there.wins, there.losses) == (back.losses, back.wins)


def test_scores_of_two_kinds_have_no_difference(results: Path) -> None:
    one, other = (by_task(results)[task][0] for task in ("Mini-Tatoeba", "Mini-STS"))
    with pytest.raises(TypeError, match="ShareOutcomes and Correlation"):
        difference(*read_evidence(one, ["ja-en"]), *read_evidence(other, ["ja"]))


@pytest.fixture
def copied(results: Path, tmp_path: Path) -> Path:
    shutil.copytree(results, tmp_path / "results")
    return tmp_path / "results"


def again(root: Path, name: str, task: str = "Mini-Tatoeba") -> Path:
    """Write the first model's result again under another name."""
    file = next(root.rglob(f"*hashing*/**/{task}.json"))
    model = {**read_result(file).model.to_dict(), "name": name, "fingerprint": name}
    return write_again(file, root / f"copy-{abs(hash(name))}" / "1", model=model)


def tables(root: Path) -> list[RankingTable]:
    return make_leaderboard(read_results(root).entries).tables


def task_table(root: Path, task: str = "Mini-Tatoeba") -> RankingTable:
    (table,) = [table for table in tables(root) if table.task == task]
    return table


def leaderboard(root: Path, *more: str) -> str:
    output = root.parent / "README.md"
    assert main(["leaderboard", "--results", str(root), "--output", str(output), *more]) == 0
    return output.read_text(encoding="utf-8")


def test_identical_models_share_a_rank(copied: Path) -> None:
    again(copied, "twin")
    (table,) = [table for table in tables(copied) if table.task == "Mini-Tatoeba"]
    ranks = {row.entry.label: row.rank for row in table.rows}
    assert ranks["twin"] == next(rank for name, rank in ranks.items() if "hashing" in name)
    assert f"| {ranks['twin']}= | twin |" in leaderboard(copied)


def test_other_data_have_a_separate_table(copied: Path) -> None:
    file = again(copied, "other data")
    subsets = read_result(file).subsets
    write_again(file, subsets=[replace(s, signature=s.signature.replace("data:mini", "data:mine")) for s in subsets])
    found = [t for t in tables(copied) if t.task == "Mini-Tatoeba"]
    assert [len(table.rows) for table in found] == [2, 1]


def test_chosen_settings_are_ranked_like_any_other(copied: Path) -> None:
    """The better of two models is first, with a prompt chosen by the user or with the model's own."""
    before = task_table(copied, "Mini-STS")
    best = before.rows[0].entry
    assert [row.rank for row in before.rows] == [1, 2]
    file = best.file
    write_again(file, file.parent / "experiments" / "prompt_x")
    for old in file.parent.glob("Mini-STS*"):
        old.unlink()
    table = task_table(copied, "Mini-STS")
    assert [(row.rank, row.mean) for row in table.rows] == [(row.rank, row.mean) for row in before.rows]
    assert table.rows[0].entry.settings and table.rows[0].entry.label.startswith(f"{best.label} (prompt")


SETTINGS = {
    ("--prompt=red ",): 'prompt "red ", fp32, mean',
    ("--dtype=bf16",): 'prompt "", bf16, mean',
    ("--max-length=5",): 'prompt "", fp32, mean, 5 tokens',
    ("--pooling=cls",): 'prompt "", fp32, cls',
    ("--backend=openvino",): 'prompt "", fp32, mean, openvino',
    # The name of the results folder has neither of these.
    ("--prompt=a maxlen_ b",): 'prompt "a maxlen_ b", fp32, mean',
    (f"--prompt={'red ' * 30}", "--max-length=50"): f'prompt "{"red " * 30}", fp32, mean, 50 tokens',
}


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="needs openvino")
def test_every_chosen_setting_is_ranked_and_named(tmp_path: Path, tiny_model: Path) -> None:
    folders = ["--output", str(tmp_path / "results"), "--cache-folder", str(tmp_path / "store")]
    command = ["run", "--data", "mini", "--tasks", "Mini-STS", "--languages", "en", "--device", "cpu", *folders]
    for chosen in ((), *SETTINGS):
        assert main([*command, "--model", str(tiny_model), *chosen]) == 0
    rows = task_table(tmp_path / "results", "Mini-STS").rows
    assert {row.entry.settings for row in rows} == {"", *SETTINGS.values()}
    assert {row.entry.label for row in rows} >= {"local/tiny-bert", 'local/tiny-bert (prompt "red ", fp32, mean)'}
    assert len({row.entry.model for row in rows}) == len(rows) == 1 + len(SETTINGS)
    assert None not in [row.rank for row in rows]


@pytest.mark.parametrize("contamination", ["3 training rows", "unchecked"])
def test_contaminated_results_have_no_rank_and_no_marks(
    copied: Path, contamination: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for task in ("Mini-Tatoeba", "Mini-STS"):
        file = again(copied, "seen", task)
        result = read_result(file)
        best = {result.main_score: 1.0}
        write_again(
            file,
            subsets=[
                replace(s, signature=f"{s.signature}|contamination:{contamination}", scores={**s.scores, **best})
                for s in result.subsets
            ],
        )
    text = leaderboard(copied)
    (row,) = [row for row in ranked(text, "Mini-Tatoeba") if "seen" in row[1]]
    assert row[:2] == ["–", "seen †"] and all("*" not in cell and "<ins>" not in cell for cell in row)
    assert f"† seen: contamination: {contamination}." in text
    assert sum("**" in cell for row in ranked(text, "Mini-Tatoeba") for cell in row[2:]) >= 3, "others are the best"
    assert not any("seen" in row[0] for row in ranked(text, "Overview")), "its means are of nothing else"
    assert main(["leaderboard", "--results", str(copied), "--format", "latex"]) == 0
    latex = capsys.readouterr().out
    assert latex.count(r"seen$^\dagger$") == 2 and r"\textbf{100.00}" not in latex


def test_a_model_without_any_mean_is_not_in_the_overview(copied: Path) -> None:
    less = again(copied, "only Tatoeba")
    assert "only Tatoeba" in leaderboard(copied).split("## Mini-Tatoeba")[1]
    assert not any("only Tatoeba" in row[0] for row in ranked(leaderboard(copied), "Overview"))
    for file in copied.rglob("*.json"):
        if file.stem in ("Mini-STS", "Mini-xSIM", "Mini-xSIMpp") or (file.stem == "Mini-Tatoeba" and file != less):
            file.unlink()
    assert any("only Tatoeba" in row[0] for row in ranked(leaderboard(copied), "Overview")), "no means: all of them"


def test_hostile_names_stay_in_their_cell(copied: Path) -> None:
    for name in HOSTILE:
        again(copied, name)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(leaderboard(copied))
    assert "<script" not in html
    wide = html.split("Mini-Tatoeba")[1].split("</table>")[0]
    assert wide.count("<tr>") == 1 + 2 + len(HOSTILE)
    assert {part.count("<td") for part in wide.split("<tr>")[2:]} == {wide.split("<tr>")[1].count("<th")}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_escaped_name_is_itself(name: str) -> None:
    table = pipe_table(["model", "score"], [[escape(name), "1"]], 1)
    tokens = MarkdownIt("commonmark").enable("table").parse(table)
    cells = [token for token in tokens if token.type == "inline"]
    assert len(cells) == 4
    shown = "".join(child.content for child in cells[2].children or [])
    assert {child.type for child in cells[2].children or []} <= {"text", "text_special"}
    assert shown.rstrip("\u200e") == name.replace("\n", "\\n").replace("\u202e", "\\u202e")


def test_damaged_foreign_and_newer_files_are_reported_and_the_rest_is_shown(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = next(copied.rglob("*hashing*/**/Mini-STS.json"))
    content = json.loads(good.read_text(encoding="utf-8"))
    (copied / "cut.json").write_text(good.read_text(encoding="utf-8")[:500], encoding="utf-8")
    (copied / "foreign.json").write_text('{"scores": {}}')
    (copied / "list.json").write_text("[]")
    (copied / "future.json").write_text(json.dumps({**content, "bitext_bench": 99}))
    del content["subsets"][0]["signature"]
    (copied / "less.json").write_text(json.dumps(content))
    text = leaderboard(copied)
    said = capsys.readouterr().err
    for name in ("cut", "foreign", "list", "future", "less"):
        assert f"{name}.json" in said
        assert f"- {name}.json: " in text
    assert "## Mini-STS" in text


def test_the_newer_of_two_files_is_shown_and_the_older_is_reported(copied: Path) -> None:
    old = next(copied.rglob("*hashing*/**/Mini-STS.json"))
    new = write_again(old, copied / "elsewhere")
    os.utime(old, (1, 1))
    found = read_results(copied)
    assert [file for file, _ in found.skipped] == [old]
    assert new in [entry.file for entry in found.entries]


def test_the_date_in_a_file_decides_before_its_modification_time(copied: Path) -> None:
    """In a clone of a repository, all files have the same modification time."""
    old = next(copied.rglob("*hashing*/**/Mini-STS.json"))
    new = write_again(old, copied / "elsewhere", date="2999-01-01T00:00:00+00:00")
    os.utime(new, (1, 1))
    assert [file for file, _ in read_results(copied).skipped] == [old]


def test_damaged_outcomes_are_named_and_the_rest_is_shown(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next(copied.rglob("*hashing*/**/Mini-STS.outcomes.npz")).unlink()
    next(copied.rglob("*hashing*/**/Mini-Tatoeba.outcomes.npz")).write_bytes(b"PK\x03\x04 and no more")
    text = leaderboard(copied)
    said = capsys.readouterr().err
    assert "Mini-STS.json: cannot read the outcomes" in said
    assert "Mini-Tatoeba.outcomes.npz does not belong to Mini-Tatoeba.json" in said
    for task in ("Mini-STS", "Mini-Tatoeba"):
        section = text.split(f"## {task}:")[1].split("\n## ")[0]
        assert "letters" in section and "hashing" not in section
    assert "hashing" in text.split("## Mini-xSIM:")[1]
    assert "Mini-STS.json: cannot read" in text.split("## Left out")[1].replace("\\", "")


def test_without_usable_results_nothing_is_written(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in copied.rglob("*.npz"):
        file.unlink()
    for form in ("markdown", "csv", "html"):
        output = copied.parent / f"out.{form}"
        assert main(["leaderboard", "--results", str(copied), "--format", form, "--output", str(output)]) == 1
        assert capsys.readouterr().err.splitlines()[-1].endswith("see the reason for each above")
        assert not output.exists()


def test_the_page_names_the_folder_that_it_was_made_from(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for name, said in (("results", "`results/`"), ("mini-results", "`mini-results/`"), ("a`b", "a\\`b/")):
        shutil.copytree(copied, here / name)
        assert main(["leaderboard", "--results", name, "--output", "page.md"]) == 0
        assert f"from the result files in {said}; do not edit it" in Path("page.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["/", ".", "..", "FOLDER"])
def test_a_directory_as_output_is_one_line(results: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = name.replace("FOLDER", str(results))
    before = sorted(results.rglob("*"))
    assert main(["leaderboard", "--results", str(results), "--output", output]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"cannot write {output}: it is a directory; give the name of a file")
    assert sorted(results.rglob("*")) == before


def test_names_that_are_too_long_are_one_line(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "x" * 300
    for command in (
        ["leaderboard", "--results", long],
        ["leaderboard", "--results", str(results), "--output", str(tmp_path / long)],
        ["compare", long, "hashing", "--results", str(results)],
        ["compare", "hashing", "letters", "--results", long],
        ["verify", long],
        ["export-mteb", long],
        ["import-mteb", long],
        ["run", "--model", "toys:hashing", "--data", long],
        ["run", "--model", long, "--data", "mini"],
    ):
        assert main(command) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
    output = tmp_path / ("y" * 250)  # the longest name allowed; the suffix of a temporary file makes it too long
    assert main(["leaderboard", "--results", str(results), "--output", str(output)]) == 0
    assert output.is_file()


@pytest.mark.parametrize("line", ["a\tb\tc\td\tnan\te\tf", "a\tb\tc\td\t7\te\tf", "a\tb", "\udcff"])
def test_damaged_imported_figures_are_one_line(copied: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / "published.tsv").write_text(f"head\n{line}\n", encoding="utf-8", errors="surrogateescape")
    assert main(["leaderboard", "--results", str(copied), "--format", "csv"]) == 1
    error = capsys.readouterr().err
    assert "import it again with bitext-bench import-mteb" in error and len(error.splitlines()) == 1


def test_the_source_of_an_imported_score_cannot_break_its_link() -> None:
    _, address = source_label("a/b@0123456:x)<script>[y](javascript:z)")
    assert address == "https://github.com/a/b/blob/0123456/x%29%3Cscript%3E%5By%5D%28javascript%3Az%29"


def test_a_hyphen_is_the_terminal(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["leaderboard"], ["compare", "hashing", "--errors", "--data", "mini", "--format", "tsv"]):
        assert main([*command, "--results", str(results), "--output", "-"]) == 0
        assert len(capfd.readouterr().out.splitlines()) > 10
    assert not list(tmp_path.iterdir())


def test_check_fails_if_the_file_is_out_of_date(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = leaderboard(copied)
    assert leaderboard(copied, "--check") == text
    again(copied, "new")
    output = copied.parent / "README.md"
    command = ["leaderboard", "--results", str(copied), "--output", str(output), "--check"]
    capsys.readouterr()
    assert main(command) == 1
    assert "is out of date" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["leaderboard", "--results", "nowhere"], "no directory nowhere"),
        (["leaderboard", "--tasks", "FLORES-200"], "no result matches"),
        (["leaderboard", "--tasks", "STS22"], "the overview has no column with these scores: --format csv"),
        (["leaderboard", "--languages", "xx"], "xx"),
        (["leaderboard", "--check", "--format", "csv"], "pass --output"),
        (["leaderboard", "--check", "--output", "-"], "pass --output FILE"),
        (["leaderboard", "--sort", "ja_en"], "no table has a column 'ja_en' to sort by: expected one of model, mean,"),
        (["compare", "hashing", "nothing"], "nothing matches no model"),
        (["compare", "hashing"], "compare has one model, hashing: pass two or more"),
        (["compare", "toys", "hashing"], "toys matches several models"),
        (["compare", "hashing", "letters", "--tasks", "STS12"], "no common task among STS12 on the same data"),
        (["compare", "hashing", "letters", "--languages", "sw"], "no result is in these languages"),
        (["leaderboard", "--paper-table", "3", "--sort", "mean"], "leave out --tasks, --languages and --sort"),
    ],
)
def test_mistakes_are_one_line(
    results: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = [] if "nowhere" in arguments else ["--results", str(results)]
    assert main([*arguments, *more]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_compare_names_the_better_model(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "hashing", "letters", "--results", str(results), "--tasks", "Mini-Tatoeba"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("A: ") and "hashing" in lines[0]
    row = next(line.split() for line in lines if line.startswith("Mini-Tatoeba  ja-en"))
    a, b, difference = map(float, row[3:6])
    assert difference == pytest.approx(a - b, abs=0.011)
    assert len([line for line in lines if line.startswith("Mini-Tatoeba")]) == 3  # two pairs and their mean


def test_published_scores_are_separate_and_linked() -> None:
    tables = {table.metric: table for table in published_tables("Tatoeba", ["fra-eng", "jpn-eng"], read_published())}
    assert {"mteb_accuracy", "mteb_f1"} <= tables.keys()
    rows = {name: (source, values) for name, source, _, values in tables["mteb_accuracy"].rows}
    assert len(rows) > 182 and rows["intfloat/multilingual-e5-small"][1]["jpn-eng"] == 0.875
    notes = {(name, note) for name, _, note, _ in tables["mteb_accuracy"].rows}
    assert ("intfloat/multilingual-e5-small", "mteb 1.36.32; no prompt") in notes
    assert ("intfloat/multilingual-e5-base", 'mteb 1.12.75; prompt "query: "') in notes
    assert ("sentence-transformers/LaBSE", "mteb 1.12.75; the prompt is not recorded") in notes
    assert 0.809 in {
        values.get("jpn-eng") for name, _, _, values in tables["mteb_accuracy"].rows if name == "multilingual-e5-small"
    }, "mteb 1.12.75, with the prompt: from our registry"
    assert source_label(rows["intfloat/multilingual-e5-small"][0]) == (
        "embeddings-benchmark/results",
        "https://github.com/embeddings-benchmark/results/blob/f4cc6c8b/results/intfloat__multilingual-e5-small/"
        "fd1525a9fd15316a2d503bf26ab031a61d056e98/Tatoeba.json",
    )
    (xsim,) = published_tables("FLORES-200", [], Published({}, {}))
    assert any(source_label(source)[1] == "https://arxiv.org/abs/2405.16155" for _, source, *_ in xsim.rows)
    assert published_tables("Mini-STS", ["en"], read_published()) == []


def test_a_score_of_both_sources_is_shown_once() -> None:
    def korean(published: Published) -> list[str]:
        (table,) = [t for t in published_tables("Tatoeba", ["kor-eng"], published) if t.metric == "mteb_accuracy"]
        return [name for name, _, _, values in table.rows if "kor-eng" in values and "labse" in name.casefold()]

    assert korean(Published({}, {})) == ["labse"]
    assert "sentence-transformers/LaBSE" in korean(read_published())
    assert "labse" not in korean(read_published())
    (table,) = [t for t in published_tables("STS12", ["default"], read_published()) if t.metric == "cosine_spearman"]
    assert [name for name, *_ in table.rows if "sonar" in name.casefold()] == ["facebook/SONAR"], "an alias of ours"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_records_have_every_score(results: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--results", str(results), "--format", form]) == 0
    text = capsys.readouterr().out
    rows = json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
    stored = [
        (e.task, name, float(subset.scores[e.score] or 0))
        for e in read_results(results).entries
        for name, subset in e.subsets.items()
    ]
    assert sorted((row["task"], row["subset"], float(row["value"])) for row in rows) == sorted(stored)
    assert all("data:" in row["signature"] for row in rows)


def test_languages_tasks_and_models_are_chosen(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choice = ["--languages", "en,jpn", "--tasks", "Mini-Tatoeba", "Mini-STS", "--models", "hash"]
    assert main(["leaderboard", "--results", str(results), "--format", "json", *choice]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["task"], row["subset"]) for row in rows} == {
        ("Mini-Tatoeba", "ja-en"),
        ("Mini-STS", "en"),
        ("Mini-STS", "ja"),
    }
    assert {"hashing" in row["model"] for row in rows} == {True}


def ranked(text: str, section: str) -> list[list[str]]:
    """Return the cells of the first table of a section, without its head."""
    lines = text.split(f"## {section}")[1].split("\n## ")[0].splitlines()
    rows = [line for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[2:]]


def test_tables_with_the_column_are_sorted_by_it(copied: Path) -> None:
    again(copied, "Zebra")
    names = [row[1] for row in ranked(leaderboard(copied, "--sort", "model"), "Mini-Tatoeba")]
    assert names == sorted(names, key=str.casefold) and names[-1] == "Zebra"
    by_rank, by_pair = (ranked(leaderboard(copied, *more), "Mini-Tatoeba") for more in ([], ["--sort", "ko-en"]))
    values = [float(re.search(r"\d+\.\d+", row[4])[0]) for row in by_pair]
    assert values == sorted(values, reverse=True)
    assert sorted(map(tuple, by_rank)) == sorted(map(tuple, by_pair))
    errors = [row[2] for row in ranked(leaderboard(copied, "--sort", "mean"), "Mini-xSIM:")]
    assert errors[0].startswith("**"), "the lowest error first"


def test_the_overview_has_size_and_speed(copied: Path) -> None:
    for file in copied.rglob("*.json"):
        model = read_result(file).model.to_dict()
        timed = {"sentences": 30_000, "tokens": 9, "seconds": 15.0, "device": "cpu", "cores": 2}
        if "letters" in str(file):
            model |= {"parameters": 12_345_678, "dimensions": 64}
            timed |= {"device": "cuda", "cores": 8}
        write_again(file, model=model, encoding=timed)
    text = leaderboard(copied)
    head = next(line for line in text.split("## Overview")[1].splitlines() if line.startswith("|"))
    rows = {row[0]: row for row in ranked(text, "Overview")}
    assert [row[-3:] for name, row in rows.items() if "letters" in name] == [["12 M", "64", "2,000 (cuda, 8 cores)"]]
    assert "sentences/s" in head
    by_speed = ranked(leaderboard(copied, "--sort", "parameters"), "Overview")
    assert "letters" in by_speed[0][0], "who has no size comes last"


def test_the_sts_mean_is_over_the_subsets_of_the_most_complete_model(copied: Path) -> None:
    """A model with fewer subsets has no mean, because its mean would not be comparable."""
    (table,) = [t for t in tables(copied) if t.task == "Mini-STS"]
    overview = make_overview([table], [])
    columns = {column.key: column for column in overview.columns}
    assert set(columns) == {"sts-en", "sts-xx"}
    assert columns["sts-xx"].note == "STS xx: mean of Mini-STS ja, Mini-STS ko"
    for row in table.rows:
        assert columns["sts-en"].values[row.entry.model] == row.entry.subsets["en"].scores["cosine_spearman"]
        two = [row.entry.subsets[name].scores["cosine_spearman"] for name in ("ja", "ko")]
        assert columns["sts-xx"].values[row.entry.model] == pytest.approx(np.mean(two))
    again = replace(table, task="Mini-STS-once-more")
    both = {column.key: column for column in make_overview([table, again], []).columns}
    assert both["sts-xx"].note == columns["sts-xx"].note, "the same sentences under another name count once"
    less = replace(table.rows[0].entry, languages=frozenset({"en", "ja"}))
    parts = make_leaderboard([less, table.rows[1].entry]).tables
    assert {len(column.values) for column in make_overview(parts, []).columns if column.key == "sts-xx"} == {1}


def test_many_subsets_are_folded_away_and_very_many_by_language(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaderboard.render.markdown.MOST_ROWS", 2)
    section = leaderboard(copied).split("## Mini-xSIM:")[1].split("\n## ")[0]
    assert "<summary>each of the 6 subsets</summary>" in section
    assert len(ranked(f"## x{section.split('<details>')[1]}", "x")[0]) == 3 + 6
    monkeypatch.setattr("leaderboard.render.markdown._MOST_PAIRS", 5)
    section = leaderboard(copied).split("## Mini-xSIM:")[1].split("\n## ")[0]
    assert "<summary>the mean of each language</summary>" in section
    rows = ranked(f"## x{section.split('<details>')[1]}", "x")
    assert len(rows[0]) == 2 + 3
    (table,) = [t for t in tables(copied) if t.task == "Mini-xSIM"]
    english = [s.scores["xsim"] for name, s in table.rows[0].entry.subsets.items() if "eng" in name]
    assert rows[0][2].strip("*<ins/>") == f"{100 * np.mean(english):.2f}"


def test_latex_prints_names_as_they_are(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [*HOSTILE, "50% of $_{x}^2 & #~"]:
        again(copied, name)
    assert main(["leaderboard", "--results", str(copied), "--format", "latex"]) == 0
    text = capsys.readouterr().out
    assert r"50\% of \$\_\{x\}\textasciicircum{}2 \& \#\textasciitilde{}" in text
    assert r"\textbf{" in text and r"\underline{" in text and r"$\downarrow$" in text
    for block in text.split(r"\begin{tabular}")[1:]:
        body = block.split(r"\end{tabular}")[0]
        n_columns = len(re.match(r"\{(l?r*)\}", body)[1])
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {n_columns}


def test_missing_folders_are_created(results: Path, tmp_path: Path) -> None:
    output = tmp_path / "also" / "new" / "board.md"
    assert main(["leaderboard", "--results", str(results), "--output", str(output)]) == 0
    assert output.is_file()
    (tmp_path / "file").write_text("")
    assert main(["leaderboard", "--results", str(results), "--output", str(tmp_path / "file" / "x.md")]) == 1


def test_a_model_without_a_score_is_shown_and_not_compared(copied: Path) -> None:
    file = again(copied, "constant", "Mini-STS")
    none: dict[str, Any] = {"cosine_spearman": None}
    subsets = [replace(s, scores={**s.scores, **none}, intervals=none) for s in read_result(file).subsets]
    write_again(file, subsets=subsets)
    assert "| – | constant | – |" in leaderboard(copied)
    assert main(["compare", "constant", "letters", "--results", str(copied)]) == 1
