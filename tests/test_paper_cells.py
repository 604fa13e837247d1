"""The cells of the paper's tables: means, intervals and marks of measured rows, and the command."""

from __future__ import annotations

import csv
import io
import json

import pytest
from made_results import HOSTILE, write_again
from markdown_it import MarkdownIt
from paper_results import EN_XX, FOUR, STUDENT, Results, measured_lines, tatoeba, training

from bitext_bench.cli.main import main
from bitext_bench.results.averages import Average
from leaderboard.paper_tables.cells import Cell, measure_cell
from leaderboard.paper_tables.markdown import number
from leaderboard.paper_tables.tables import PaperColumn

FLORES = ("eng_Latn", "fra_Latn", "jpn_Jpan", "kor_Hang", "rus_Cyrl")
STS = {f"STS{year}": {"default": 0.5 + year / 100} for year in range(12, 17)}
STS_7 = {**STS, "STS17": {"en-en": 0.8}, "STSBenchmark": {"default": 0.7}}


def cell(results: Results, table: str, column: str) -> Cell:
    found = results.arranged(table)
    i = [shown.name for shown in found.columns].index(column)
    (line,) = [line for block in found.blocks for line in block if line.measured]
    return line.cells[i]


def test_an_average_needs_all_its_members(results: Results) -> None:
    results.add({**FOUR, **STS_7}, training())
    found = cell(results, "table2", "STS (en)")
    assert found.value is None
    assert found.why == "STS (en) needs all 8 scores: no STS22 en"
    own = cell(results, "table2", "STS (en) without STS22")
    assert own.value == pytest.approx(sum(x for task in STS_7.values() for x in task.values()) / 7)
    text = results.table("table2")
    (line,) = measured_lines(text)
    assert "| –<sup>a</sup> |" in line
    assert "- <sup>a</sup> STS \\(en\\) needs all 8 scores: no STS22 en" in text
    # The paper has neither BUCC nor STS (xx) for Japanese, so no reason is given.
    assert cell(results, "table2", "BUCC") == cell(results, "table2", "STS (xx)") == Cell()


def test_a_complete_average_needs_no_alternative(results: Results) -> None:
    results.add({**STS_7, "STS22": {"en": 0.6}}, training())
    found = results.arranged("table2")
    assert found.own == 0
    assert cell(results, "table2", "STS (en)").value == pytest.approx((0.7 * 5 + 0.8 + 0.7 + 0.6 - 0.3) / 8)


def test_the_alternative_is_the_first_that_most_rows_have(results: Results) -> None:
    results.add(STS_7, name=STUDENT["name"], revision="abc")
    results.add({"STSBenchmark": {"default": 0.8}}, training())
    assert [column.name for column in results.arranged("table2").columns[4:]] == ["STSBenchmark"]
    paper = next(line for line in results.table("table2").splitlines() if "*paper*" in line)
    assert "| <ins>*0.778*</ins> |  | *paper* |" in paper


def test_alternatives_are_named_after_their_tasks(results: Results) -> None:
    results.add({"JSTS": {"default": 0.8}}, training())
    results.add({"KorSTS": {"default": 0.7}}, training(pairs=["en-ko"]))
    text = results.table("table2")
    assert "| STS (xx) | KorSTS, JSTS | source |" in text
    # KorSTS replaces STS17 ko-ko, in its group.
    assert [line.split(" | ")[6].split(" (")[0] for line in measured_lines(text)] == ["0.700", "0.800"]


def test_a_mean_has_the_interval_of_independent_members(results: Results) -> None:
    results.add(FOUR, training(pairs=[*EN_XX]))
    found = cell(results, "table3", "Tatoeba")
    assert (found.low, found.value, found.high) == pytest.approx((0.745, 0.75, 0.755))


def test_xsim_is_in_percent_and_its_members_share_their_sentences(results: Results) -> None:
    pairs: dict[str, float | None] = {f"{a}-{b}": 0.002 for a in FLORES for b in FLORES if a != b}
    results.add({"FLORES-200": pairs}, training(pairs=[*EN_XX]))
    file = next(results.root.rglob("FLORES-200.json"))
    summary = {"mean": 0.002, "interval": [0.001, 0.004], "subsets": 20}
    write_again(file, summary={"xsim": summary})
    assert "| 0.20 (0.10–0.40) |" in results.table("table3")
    write_again(file, summary={"xsim": {**summary, "subsets": 30}})  # other languages too
    assert "| 0.20 |" in results.table("table3")


def test_seeds_scored_on_different_data_are_not_averaged(results: Results) -> None:
    results.add(tatoeba(0.8), training())
    results.add(tatoeba(0.9), training(seed=43), data="made@sha256:2")
    assert cell(results, "table2", "Tatoeba (en-xx)").why == "the seeds were scored on different data"


def test_rows_scored_on_different_data_are_not_marked(results: Results) -> None:
    results.add(tatoeba(0.8), training())
    results.add(tatoeba(0.9), training(loss="embedding-mse"), data="made@sha256:2")
    text = results.table("table2")
    assert all("**" not in line and "<sup>a</sup>" in line for line in measured_lines(text))
    assert "were scored on different data" in text


def test_a_cell_with_fewer_seeds_than_its_row_is_marked(results: Results) -> None:
    for seed in (42, 43, 44):
        results.add({**tatoeba(0.9), **({"STSBenchmark": {"default": 0.8}} if seed > 42 else {})}, training(seed=seed))
    (line,) = measured_lines(results.table("table2"))
    assert "| 0.800 [0.800–0.800] 2 seeds |" in line


def test_equal_figures_are_not_marked(results: Results) -> None:
    results.add(tatoeba(0.90001), training())
    results.add(tatoeba(0.89999), training(loss="embedding-mse"))
    lines = measured_lines(results.table("table2"))
    assert [line.split(" | ")[2].split(" (")[0] for line in lines] == ["0.900", "0.900"]


def test_an_undefined_score_is_missing(results: Results) -> None:
    results.add({"Tatoeba": {"jpn-eng": None}}, training())
    assert cell(results, "table2", "Tatoeba (en-xx)").why == "Tatoeba (en-xx): no Tatoeba jpn-eng"
    average = Average("made", (("Tatoeba", "jpn-eng", "accuracy"),))
    assert measure_cell(average, results.measured("table2")[0]).value is None


@pytest.mark.parametrize(
    ("value", "percent", "shown"),
    [
        (0.9275, False, "0.928"),
        (0.8365, False, "0.837"),
        ((0.939 + 0.946) / 2, False, "0.943"),  # 0.94249999...
        (1.0, False, "1.000"),
        (0.0002, True, "0.02"),
        (0.00785573, True, "0.79"),
    ],
)
def test_figures_are_printed_as_the_paper_prints_them(value: float, percent: bool, shown: str) -> None:
    assert number(value, PaperColumn("made", {}, percent=percent)) == shown


def test_contaminated_rows_are_reported(results: Results) -> None:
    results.add(tatoeba(0.9), training(), contaminated_rows=1234)
    assert "trained on 1,234 contaminated rows" in results.table("table2")


# The command.


def test_hostile_names_stay_in_their_cell(results: Results) -> None:
    for name in HOSTILE:
        student = {**STUDENT, "name": name}
        results.add(FOUR, training(student=student, pairs=[*EN_XX], recipe=name, corpora={name: 1}))
        results.add(FOUR, name=name, revision="abc")
        results.add(FOUR, training(student=student, teacher=student, pairs=["en-ko"], tms=False))
    other = MarkdownIt("commonmark", {"html": True}).enable("table").render(results.table("table1"))
    assert "<script" not in other and other.count("<tr>") == 1 + 12 + len(HOSTILE)
    text = results.table("table3")
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script" not in html and "\u202e" not in html
    table = html.split("<table>")[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + 6 + 2 * len(HOSTILE)
    assert {part.count("<td") for part in table.split("<tr>")[2:]} == {table.split("<tr>")[1].count("<th")}
    assert html.count("<li>") == 2 * len(HOSTILE) + 2  # and the reasons for the missing BUCC and FLORES-200


@pytest.mark.parametrize("form", ["csv", "json"])
def test_records_have_paper_and_measured_rows(results: Results, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, value in ((42, 0.9), (43, 0.91)):
        results.add(tatoeba(value), training(seed=seed))
    assert main(["leaderboard", "--results", str(results.root), "--paper-table", "2", "--format", form]) == 0
    text = capsys.readouterr().out
    rows = json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
    assert sum(row["source"] == "Park et al. 2024" for row in rows) == 65
    ours = [row for row in rows if row["source"] == "measured"]
    assert [row["column"] for row in ours] == ["Tatoeba (en-xx)", "STS (en)"]
    assert [float(ours[0][key]) for key in ("value", "low", "high", "seeds")] == pytest.approx([0.905, 0.9, 0.91, 2])
    assert ours[0]["models"] == "local/model-1 r1; local/model-2 r2"
    assert ours[1]["value"] in (None, "") and "no STS12" in ours[1]["why"]


def test_check_compares_with_the_file(results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    results.add(tatoeba(0.9), training())
    text = results.table("table2")
    assert results.table("table2", "--check") == text
    results.add(tatoeba(0.8), training(loss="embedding-mse"))
    output = results.root.parent / "table2.md"
    command = ["leaderboard", "--results", str(results.root), "--paper-table", "2", "--output", str(output), "--check"]
    assert main(command) == 1
    assert "is out of date" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--check"], "pass --output"),
        (["--tasks", "Tatoeba"], "leave out --tasks"),
        (["--languages", "eng"], "leave out --tasks, --languages and --sort"),
        (["--models", "nobody"], "no result matches"),
    ],
)
def test_mistakes_are_one_line(
    results: Results, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    results.add(tatoeba(0.9), training())
    assert main(["leaderboard", "--results", str(results.root), "--paper-table", "2", *arguments]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
