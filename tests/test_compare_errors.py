"""Misses with their sentences: they agree with the scores, and their texts are those of the data."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from builders import write
from made_results import write_again
from wcwidth import wcswidth

from bitext_bench.cli.main import main
from bitext_bench.data import MissingData, open_source
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import show_controls
from bitext_bench.results.files import read_result, write_result
from bitext_bench.results.outcomes import outcomes_file, read_outcomes
from leaderboard.compare import compare_task
from leaderboard.entries.read import Entry, read_results
from leaderboard.errors.collect import ErrorCase, find_errors
from leaderboard.errors.page import render_error_page
from leaderboard.errors.table import group_cases, render_table, render_tsv, truncate

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
BITEXT = {"Mini-Tatoeba": 2, "Mini-mining": 2, "Mini-xSIM": 6, "Mini-xSIMpp": 6}
LABELS = ["model a", "model b"]


def run(model: str, data: str, root: Path) -> None:
    folders = ["--cache-folder", str(root.with_name("store")), "--output", str(root)]
    assert main(["run", "--model", model, "--data", data, "--languages", "en", "ja", "ko", "fr", *folders]) == 0


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two toys on the whole built-in set."""
    root = tmp_path_factory.mktemp("results")
    for model in ("toys:hashing", "toys:letters"):
        run(model, "mini", root)
    return root


def entries(root: Path, task: str) -> list[Entry]:
    return [entry for entry in read_results(root).entries if entry.task == task]


@pytest.mark.parametrize("task", BITEXT)
def test_the_misses_of_one_model_agree_with_its_score(results: Path, task: str) -> None:
    entry = entries(results, task)[0]
    found = find_errors([entry], open_source("mini"))
    assert {miss.missed_by for miss in found} == {0}
    for name, subset in entry.subsets.items():
        own = [miss for miss in found if miss.subset == name]
        if task == "Mini-mining":  # one or two misses for each pair
            pairs = {(m.sentence, m.gold) if m.direction == "forward" else (m.gold, m.sentence) for m in own}
            assert len(pairs) == round((1 - (subset.scores["recall"] or 0)) * subset.n)
        elif task == "Mini-Tatoeba":  # two directions
            assert len(own) == round(2 * (1 - (subset.scores["accuracy"] or 0)) * subset.n)
        else:
            assert len(own) == round((subset.scores[entry.score] or 0) * subset.n)
    assert len(found) > 20


@pytest.mark.parametrize("task", BITEXT)
def test_two_models_are_compared_on_misses_of_one_only(results: Path, task: str) -> None:
    a, b = entries(results, task)
    source = open_source("mini")
    found, turned = find_errors([a, b], source), find_errors([b, a], source)
    assert {replace(miss, missed_by=1 - miss.missed_by) for miss in turned} == set(found)
    assert {miss.missed_by for miss in found} == {0, 1}
    blocks = [block for _, block in group_cases(found, 2)]
    assert len(blocks) == len({(miss.subset, miss.direction, miss.missed_by) for miss in found})
    assert all(block == sorted(block, key=lambda miss: miss.row) for block in blocks)
    assert {miss for miss in found if miss.missed_by == 0} < set(find_errors([a], source))
    assert find_errors([a, a], source) == []
    if "xSIM" in task:  # one judgement per sentence, as in `compare`
        lines = [line for line in compare_task([(a, b)]) if line.n is not None]
        assert sum(line.difference.wins + line.difference.losses for line in lines) == len(found)


@pytest.mark.parametrize("task", BITEXT)
def test_texts_are_from_the_data(results: Path, task: str) -> None:
    """Compare with the table of the built-in set: the translation is from the same row, the rival from another."""
    with (ROOT / "bitext_bench/data/mini/parallel.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    translations = {(a, b): {(row[a], row[b]) for row in rows} for a in rows[0] for b in rows[0]}
    for miss in find_errors(entries(results, task), open_source("mini")):
        source, target = map(str, miss.languages)
        assert (miss.sentence, miss.gold) in translations[source, target]
        assert miss.rival is None or (miss.sentence, miss.rival) not in translations[source, target]
        assert miss.rival is None or miss.rival in {text for _, text in translations[source, target]}
        assert miss.rival is None or ("below threshold" not in miss.kinds and "not found" not in miss.kinds)
        assert miss.margin is None or miss.margin <= 0
    assert {miss.direction for miss in find_errors(entries(results, task), open_source("mini"))} == (
        {"forward"} if "xSIM" in task else {"forward", "backward"}
    )


def test_rows_are_counted_from_one(results: Path) -> None:
    entry = entries(results, "Mini-Tatoeba")[0]
    bitext = open_source("mini").parallel("mini", find_errors([entry], open_source("mini"))[0].languages[0])
    for miss in find_errors([entry], open_source("mini")):
        if miss.subset == "fr-en":
            side = bitext.source if miss.direction == "forward" else bitext.target
            assert side[miss.row - 1] == miss.sentence


def test_a_hub_is_counted_in_its_subset_and_direction(results: Path) -> None:
    for entry in entries(results, "Mini-Tatoeba"):
        taken = {
            block: Counter(columns["neighbor"].tolist()).most_common() for block, columns in entry.outcomes.items()
        }
        hubs = {block: sum(times for _, times in found if times >= 5) for block, found in taken.items()}
        right = {
            block: sum(1 for row, times in found if times >= 5 and columns["hit"][row])
            for (block, found), columns in zip(taken.items(), entry.outcomes.values(), strict=True)
        }
        found = Counter((m.subset, m.direction) for m in find_errors([entry], open_source("mini")) if "hub" in m.kinds)
        assert found == Counter({block: hubs[block] - right[block] for block in hubs if hubs[block] > right[block]})


def test_sts_has_no_misses(results: Path) -> None:
    assert find_errors(entries(results, "Mini-STS"), open_source("mini")) == []


def test_languages_leave_out_subsets(results: Path) -> None:
    entry = entries(results, "Mini-xSIM")[0]
    chosen = Entry(entry.file, entry.result, frozenset({"ja", "ko"}))
    assert {m.subset for m in find_errors([chosen], open_source("mini"))} == {"jpn_Jpan-kor_Hang", "kor_Hang-jpn_Jpan"}


@pytest.fixture
def copied(results: Path, tmp_path: Path) -> Path:
    shutil.copytree(results, tmp_path / "results")
    return tmp_path / "results"


def test_other_data_are_refused(copied: Path) -> None:
    file = entries(copied, "Mini-Tatoeba")[0].file
    subsets = [
        replace(s, signature=re.sub("mini-1@sha256:[0-9a-f]{12}", "mini-1@sha256:0123456789ab", s.signature))
        for s in read_result(file).subsets
    ]
    write_again(file, subsets=subsets)
    (other,) = [entry for entry in entries(copied, "Mini-Tatoeba") if entry.file == file]
    with pytest.raises(UserError, match="ja-en was scored on mini-1@sha256:0123456789ab and mini has mini-1@sha256:"):
        find_errors([Entry(file, other.result, frozenset({"ja", "en"}))], open_source("mini"))


def test_nothing_is_downloaded_for_other_data(results: Path) -> None:
    with pytest.raises(MissingData, match="scored on mini-1@sha256:[0-9a-f]{12}, not the hub's"):
        find_errors(entries(results, "Mini-xSIM"), open_source("hub"))


@pytest.mark.parametrize("task", ["Mini-Tatoeba", "Mini-mining"])
@pytest.mark.parametrize("harm", ["cut", "range", "column", "block", "file"])
def test_damaged_outcomes_are_named(copied: Path, task: str, harm: str) -> None:
    entry = entries(copied, task)[0]
    outcomes = dict(entry.outcomes)
    block = next(iter(outcomes))
    counts = "neighbor" if task == "Mini-Tatoeba" else "target"
    columns = dict(outcomes[block])
    if harm == "cut":
        columns = {name: column[:-1] for name, column in columns.items()}
    elif harm == "range":
        columns[counts] = np.full_like(columns[counts], 10**6)
    elif harm == "block":
        del outcomes[block]
    if harm != "block":
        outcomes[block] = columns
    if harm == "column":
        outcomes = {key: {k: v for k, v in block.items() if k != counts} for key, block in outcomes.items()}
    write_result(entry.file.parent, read_result(entry.file), outcomes)
    if harm == "file":
        outcomes_file(entry.file).unlink()
    fresh = Entry(entry.file, read_result(entry.file))
    if (task, harm) == ("Mini-mining", "cut"):  # without its worst mined pair, the file is still consistent
        assert find_errors([fresh], open_source("mini"))
        return
    with pytest.raises(UserError, match=re.escape(str(entry.file.with_suffix("")))):
        find_errors([fresh], open_source("mini"))


HOSTILE = [
    'a "quoted" start',
    '"unbalanced',
    "<script>alert(1)</script> & <b>",
    "back\\slash\\t",
    "\x1b[31mred\x1b[0m \x07",
    "\u202eevil\u2066",
    "שלום עולם, מה נשמע?",
    "یک می\u200cخواهم",
    "wide\u3000space\xa0!",
    "=1+1",
    "日本語の文はとても長いので切られるはずです" * 3,
    "tab\there",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> list[ErrorCase]:
    """Misses in sentences with characters that could break out of a cell."""
    folder = tmp_path_factory.mktemp("hostile")
    write(folder / "data/tatoeba/v1/tatoeba.fra-eng.fra", HOSTILE)
    write(folder / "data/tatoeba/v1/tatoeba.fra-eng.eng", HOSTILE[::-1])
    run("toys:hashing", str(folder / "data"), folder / "results")
    found = find_errors(entries(folder / "results", "Tatoeba"), open_source(str(folder / "data")))
    assert len({miss.sentence for miss in found}) == len(HOSTILE)
    return found


def test_a_table_has_one_line_for_each_miss_and_fits_the_width(hostile: list[ErrorCase]) -> None:
    text = render_table(hostile, ["one"], 150)
    assert all(
        line.isprintable() or "\u200c" in line or "\u3000" in line or "\xa0" in line for line in text.split("\n")
    )
    rows = [line for line in text.splitlines() if re.match(r" *\d+  ", line)]
    assert len(rows) == len(hostile)
    assert max(wcswidth(row) for row in rows) <= 150
    assert "\\x1b[31mred" in text
    assert "\\u202eevil\\u2066" in text
    assert "missed: 12" in text
    assert text.splitlines()[0] == "A: one"


def test_tab_separated_values_read_back(hostile: list[ErrorCase]) -> None:
    text = render_tsv(hostile, ["one"])
    assert len(text.splitlines()) == 1 + len(hostile) == text.count("\n")
    rows = list(csv.DictReader(io.StringIO(text), dialect="excel-tab"))
    spelled = {"\x1b": "\\x1b", "\x07": "\\x07", "\u202e": "\\u202e", "\u2066": "\\u2066", "\t": "\\t"}
    for row, miss in zip(rows, hostile, strict=True):
        for name, value in (("sentence", miss.sentence), ("translation", miss.gold), ("rival", miss.rival or "")):
            expected = value.replace("\\", "\\\\")
            for character, shown in spelled.items():
                expected = expected.replace(character, shown)
            assert row[name] == expected
        assert float(row["margin"]) == pytest.approx(miss.margin, abs=1e-5)
        assert row["kinds"].split(", ") == list(miss.kinds)
        assert (row["missed_by"], row["found_by"], row["row"]) == ("one", "", str(miss.row))


class Cells(HTMLParser):
    """The text of each cell, with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[tuple[dict[str, str | None], str]] = []
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag == "td":
            self.cells.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cells and data.strip():
            attributes, text = self.cells[-1]
            self.cells[-1] = (attributes, text + data)


def test_a_page_escapes_sentences(hostile: list[ErrorCase]) -> None:
    page = Cells()
    text = render_error_page(hostile, ["one <i>"])
    page.feed(text)
    assert page.tags["html"] == 1
    assert not {"script", "b", "i", "link", "img"} & page.tags.keys()
    assert "://" not in text
    sentences = [(attributes, shown) for attributes, shown in page.cells if "lang" in attributes]
    expected = [
        (code, show_controls(shown))
        for miss in hostile
        for code, shown in (("fr", miss.sentence), ("en", miss.gold), ("en", miss.rival or ""))
        if miss.direction == "forward"
    ]
    assert [(attributes["lang"], shown) for attributes, shown in sentences[: len(expected)]] == expected
    assert {attributes["dir"] for attributes, _ in sentences} == {"auto"}
    assert "one &lt;i&gt;" in text


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
        ("e\u0301e\u0301e\u0301e", 3, "e\u0301e\u0301…"),
        ("a\nb", 4, "a\\nb"),
    ],
)
def test_cutting_counts_columns(text: str, width: int, expected: str) -> None:
    assert truncate(text, width) == expected
    assert wcswidth(truncate(text, width)) <= width


def compare(root: Path, *more: str) -> int:
    return main(["compare", *more, "--results", str(root), "--errors"])


def test_the_command_lists_every_task_of_the_data(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(results, "hashing", "letters", "--data", "mini") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for task in BITEXT:
        pair = entries(results, task)
        found = find_errors(pair, open_source("mini"))
        assert re.search(rf"^{task} .*; [AB] has, [AB] misses", shown.out, re.MULTILINE)
        counted = [line.split() for line in shown.out.splitlines() if re.match(rf"{task} +[^\s,]+ +\w+ward ", line)]
        assert sum(int(row[-2].replace(",", "")) for row in counted) == sum(m.missed_by == 0 for m in found)
        assert sum(int(row[-1].replace(",", "")) for row in counted) == sum(m.missed_by == 1 for m in found)


def test_the_command_writes_a_file(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "misses.tsv"
    chosen = ["--tasks", "mini tatoeba", "--languages", "ja,en", "--data", "mini"]
    assert compare(results, "hashing", *chosen, "--format", "tsv", "--output", str(output)) == 0
    rows = list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8")), dialect="excel-tab"))
    assert {(row["task"], row["subset"], row["found_by"]) for row in rows} == {("Mini-Tatoeba", "ja-en", "")}
    assert f"wrote {len(rows):,} misses to {output}" in capsys.readouterr().err
    assert compare(results, "hashing", "letters", *chosen, "--format", "html", "--output", str(output)) == 0
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_no_misses_are_reported(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(results, "letters", "letters", "--data", "mini") == 0
    assert capsys.readouterr().out.rstrip().endswith("No sentence is missed.")


def test_tasks_without_texts_are_reported(results: Path, copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = entries(copied, "Mini-xSIM")[0].file
    write_again(file, task="BUCC-style", lower_is_better=False)
    assert compare(copied, "hashing", "--data", "mini") == 0
    shown = capsys.readouterr()
    assert "left out: BUCC-style: the built-in set has no bucc-style" in shown.err
    assert "Mini-mining ja-en" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hashing", "letters", "hashing", "--data", "mini"], "takes one or two models"),
        (["hashing", "--data", "nowhere"], "no such directory"),
        (["hashing", "--data", "mini", "--tasks", "Mini-STS"], "no results to search for misses"),
        (["hashing", "--data", "mini", "--languages", "ja", "--tasks", "Mini-xSIM"], "both languages of a pair"),
        (["hashing", "--data", "mini", "--tasks", "Tatoba"], "unknown task"),
        (["hashing"], "no texts: "),
        (["hashing", "--tasks", "Mini-mining"], "not the hub's: pass --data DIR or mini"),
        (["hashing", "--data", "mini", "--output", "/dev/null/x"], "cannot create the directory /dev/null"),
    ],
)
def test_mistakes_are_one_line(
    results: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(results, *arguments) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_format_without_errors_is_refused(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "hashing", "letters", "--results", str(results), "--format", "tsv"]) == 1
    assert "go with --errors" in capsys.readouterr().err


@pytest.mark.shared
def test_the_measured_results_can_be_read() -> None:
    source = open_source(str(REAL))
    for entry in entries(ROOT / "results", "Tatoeba"):
        found = find_errors([entry], source)
        lacking = sum(round(2 * (1 - (subset.scores["accuracy"] or 0)) * subset.n) for subset in entry.subsets.values())
        assert len(found) == lacking > 100
        assert read_outcomes(entry.file, entry.result).keys() >= {(miss.subset, miss.direction) for miss in found}
