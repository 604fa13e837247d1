"""The paper's tables: its figures exactly, and measured rows that are found by what results say of their model."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt
from test_leaderboard import HOSTILE

from bitext_bench.averages import Average
from bitext_bench.cli import main
from bitext_bench.results import FORMAT, TaskResult, write_result
from leaderboard.layout.arrange import Arranged, arrange
from leaderboard.layout.cells import Cell, measure
from leaderboard.layout.conditions import describe
from leaderboard.layout.markdown import number
from leaderboard.layout.measured import Measured, find_rows
from leaderboard.layout.paper import paper_figure
from leaderboard.layout.tables import LAYOUTS, Column
from leaderboard.read import read_results

ROOT = Path(__file__).parents[1]
PAPER = ROOT.parent / "shared" / "paper"
EN_XX = ("en-ko", "en-ja", "en-ru", "en-fr")
ALL = (*EN_XX, "ru-ja", "ru-fr", "ru-ko", "ja-fr", "ja-ko", "fr-ko")
STUDENT = {"name": "local/student", "revision": "abc", "prompt": "query: "}


def training(**changes: Any) -> dict[str, Any]:
    """A training record as result files have it: Priority + TMS on en-ja, unless changed."""
    return {
        "recipe": "cpu-minutes",
        "student": STUDENT,
        "teacher": STUDENT,
        "pairs": ["en-ja"],
        "loss": "soft-contrastive",
        "hard_negatives": 0,
        "batch_size": 32,
        "learning_rate": 5e-5,
        "seed": 42,
        "label": "priority",
        "tms": True,
        "lambda_cross": 0.1,
        "tau_teacher": 0.1,
        "tau_student": 0.1,
        "corpora": {"made en-ja": 1000},
        "settings": "0123456789ab",
        "steps": 200,
        "curve": [[100, 0.5], [200, 0.6]],
        **changes,
    }


@dataclass
class Results:
    """A results folder in the making."""

    root: Path
    count: int = field(default=0)

    def add(
        self,
        scores: Mapping[str, Mapping[str, float | None]],
        said: dict[str, Any] | None = None,
        *,
        data: str = "made@sha256:1",
        **model: Any,
    ) -> None:
        """Write the result files of one model: task to subset to score, each with an interval of 0.01 around it."""
        self.count += 1
        whole = {
            "name": f"local/model-{self.count}",
            "registered": None,
            "revision": f"r{self.count}",
            "prompt": "query: ",
            "pooling": "mean",
            "dtype": "fp32",
            "max_length": 512,
            **model,
        }
        for task, subsets in scores.items():
            name = {"Tatoeba": "accuracy", "BUCC.v2": "accuracy", "FLORES-200": "xsim"}.get(task, "cosine_spearman")
            entries = [
                {
                    "hf_subset": subset,
                    "languages": ["eng-Latn"],
                    "main_score": value,
                    name: value,
                    "n": 100,
                    "intervals": {name: None if value is None else [value - 0.01, value + 0.01]},
                    "signature": f"task:{task}|data:{data}",
                }
                for subset, value in subsets.items()
            ]
            run = {"format": FORMAT, "version": "0", "model": whole, "main_score": name}
            run |= {"lower_is_better": name == "xsim", "summary": {}} | ({"training": said} if said else {})
            folder = self.root / f"model-{self.count}" / str(whole["revision"])
            outcomes = {("x", "pairs"): {"score": np.zeros(1, np.float32)}}
            write_result(folder, TaskResult(task, "made", 0.0, {"test": entries}, run), outcomes)

    def arranged(self, name: str) -> Arranged:
        return arrange(name, LAYOUTS[name], read_results(self.root).entries)

    def rows(self, name: str) -> list[tuple[str, str]]:
        return [(m.row.group, " / ".join(m.row.labels)) for m in self.measured(name)]

    def measured(self, name: str) -> list[Measured]:
        return find_rows(LAYOUTS[name], read_results(self.root).entries)

    def table(self, name: str, *more: str) -> str:
        output = self.root.parent / f"{name}.md"
        command = ["leaderboard", "--results", str(self.root), "--layout", name, "--output", str(output), *more]
        assert main(command) == 0
        return output.read_text(encoding="utf-8")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    (tmp_path / "results").mkdir()
    return Results(tmp_path / "results")


def tatoeba(value: float) -> dict[str, dict[str, float | None]]:
    return {"Tatoeba": {"jpn-eng": value}}


def measured_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ") and "*paper*" not in line][2:]


# The paper's figures.


def tsv() -> list[tuple[str, ...]]:
    lines = (ROOT / "leaderboard/layout/paper.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "table\tgroup\trow\tcolumn\tvalue"
    return [tuple(line.split("\t")) for line in lines[1:]]


def text_tables() -> dict[str, list[tuple[list[str], list[str]]]]:
    """Return (labels, figures) of each row of each table in the text of the paper, groups carried down."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in PAPER.glob("*.txt"))
    labels = {"table1": 3, "table2": 2, "table3": 2, "table4": 2, "table5": 2, "table6": 1}
    found: list[list[list[str]]] = []
    for line in text.splitlines():
        cells = [re.sub(r"</?\w+>|\*", "", cell).replace("5 base", "5-base").strip() for cell in line.split("\t")]
        if cells[0] in ("Lang", "Pretrained model", "Loss", "Data"):
            found.append([])
        elif len(cells) > 3 and re.search(r"0\.\d\d", line):
            found[-1].append(cells)
    tables = {}
    for (name, n), rows in zip(labels.items(), found, strict=True):
        filled: list[list[str]] = []
        for row in rows:
            filled.append([cell or filled[-1][i] for i, cell in enumerate(row)])
        tables[name] = [(row[:n], row[n:]) for row in filled]
    return tables


@pytest.mark.shared
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_figure_stands_in_its_row_of_the_paper(name: str) -> None:
    layout, seen = LAYOUTS[name], 0
    rows = text_tables()[name]
    assert len(rows) == len(layout.rows)
    for row, (labels, figures) in zip(layout.rows, rows, strict=True):
        assert [*([row.group] if row.group else []), *row.labels] == labels
        ours = [paper_figure(name, row.group, row.labels, column.name) or "-" for column in layout.columns]
        assert ours == figures
        seen += sum(figure != "-" for figure in ours)
    assert seen == sum(line[0] == name for line in tsv())


def test_the_paper_agrees_with_itself() -> None:
    """Models that stand in two tables have the same figures in both."""
    figures = {line[:4]: line[4] for line in tsv()}
    assert len(figures) == len(tsv()) == 214
    same = [("table2", "Pretrained Model", "table4", "Pretrained Model")]
    same += [("table2", "Soft Contrastive (Ours)", "table4", "Priority + TMS")]
    same += [("table1", "mE5-base / mE5-base", "table4", "Priority")]
    same += [("table3", "mE5-base / Soft Contrastive (Ours)", "table5", "Priority + TMS / en-xx")]
    same += [("table3", "mE5-base / -", "table5", "Pretrained Model / -")]
    for first, row, second, other in same:
        lines = [key for key in figures if key[0] == first and key[2] == row]
        assert lines
        for _, group, _, column in lines:
            assert (
                figures[first, group, row, column]
                == figures[second, group, other, column.replace("BUCC (en-xx)", "BUCC")]
            )


@pytest.mark.parametrize("name", LAYOUTS)
def test_without_results_the_papers_table_stands_alone(
    results: Results, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = results.table(name)
    assert f"bitext-bench train --recipe {LAYOUTS[name].recipe}" in capsys.readouterr().err
    assert (ROOT / f"training/recipes/{LAYOUTS[name].recipe}.toml").is_file()
    assert measured_lines(text) == []
    lines = [line for line in text.splitlines() if "*paper*" in line]
    assert len(lines) == len(LAYOUTS[name].rows)
    for row, line in zip(LAYOUTS[name].rows, lines, strict=True):
        ours = [paper_figure(name, row.group, row.labels, column.name) for column in LAYOUTS[name].columns]
        assert [figure or "–" for figure in ours] == [
            re.sub(r"</?ins>|\*", "", cell) for cell in line.split(" | ")[-1 - len(ours) : -1]
        ]


def test_the_papers_best_and_second_follow_from_its_figures(results: Results) -> None:
    text = results.table("table2")
    french = [line for line in text.splitlines() if "0.951" in line and "Pretrained" in line]
    assert french == [
        "|  | *Pretrained Model* | *0.951* | <ins>*0.984*</ins> | <ins>*0.802*</ins> | <ins>*0.781*</ins> | *paper* |"
    ]
    xsim = [line.split(" | ")[4] for line in results.table("table3").splitlines() if "*paper*" in line]
    assert xsim == ["<ins>*0.02*</ins>", "*0.05*", "*0.16*", "*0.28*", "*0.20*", "***0.01***"]


def test_what_stands_beside_can_be_had_and_has_a_name_of_its_own() -> None:
    from test_averages import names_a_subset

    for layout in LAYOUTS.values():
        papers = {column.name for column in layout.columns}
        for average in (a for column in layout.columns for choice in column.instead for a in choice.values()):
            assert average.name not in papers
            assert all(names_a_subset(task, subset) for task, subset, _ in average.members)


# Which results belong to which row.


@pytest.mark.parametrize(
    ("table", "changes", "row"),
    [
        ("table2", {}, ("en-ja", "Soft Contrastive (Ours)")),
        ("table2", {"pairs": ["ru-en"]}, ("en-ru", "Soft Contrastive (Ours)")),
        ("table2", {"tms": False}, None),
        ("table2", {"distil": 10.0}, None),
        ("table2", {"start_share": 0.25}, None),
        ("table2", {"pairs": ["en-ja", "en-ko"]}, None),
        ("table2", {"pairs": ["en-de"]}, None),
        ("table2", {"label": "average"}, None),
        ("table2", {"label": "hard", "tms": False}, ("en-ja", "Hard Contrastive")),
        ("table2", {"label": "hard"}, None),
        ("table2", {"loss": "embedding-mse"}, ("en-ja", "MSE (Reimers and Gurevych, 2020)")),
        ("table2", {"loss": "ranking", "hard_negatives": 1}, ("en-ja", "mUSE (Yang et al., 2019)")),
        ("table2", {"loss": "ranking", "hard_negatives": 5, "tms": False}, ("en-ja", "mUSE (Yang et al., 2019)")),
        ("table2", {"loss": "ranking"}, None),
        ("table4", {"label": "average", "tms": False}, ("en-ja", "Average")),
        ("table4", {"tms": False}, ("en-ja", "Priority")),
        ("table4", {}, ("en-ja", "Priority + TMS")),
        ("table3", {"pairs": [*EN_XX]}, ("", "mE5-base / Soft Contrastive (Ours)")),
        ("table3", {"pairs": [*EN_XX], "loss": "embedding-mse"}, ("", "mE5-base / MSE")),
        ("table3", {"pairs": [*ALL]}, None),
        ("table5", {"pairs": [*ALL]}, ("", "Priority + TMS / All pairs")),
        ("table5", {"pairs": [*ALL], "tms": False}, ("", "Priority / All pairs")),
        ("table5", {"pairs": [*ALL], "label": "average", "tms": False}, ("", "Average / All pairs")),
        ("table5", {"pairs": [*EN_XX]}, ("", "Priority + TMS / en-xx")),
        ("table5", {"pairs": [*EN_XX], "tms": False}, ("", "Priority / en-xx")),
        ("table5", {"pairs": [*EN_XX], "label": "average", "tms": False}, ("", "Average / en-xx")),
        ("table5", {"pairs": [*ALL[1:]]}, None),
        ("table6", {"pairs": [*EN_XX, "fr-ko", "fr-ja", "fr-ru"], "tms": False}, ("", "en-xx, fr-xx")),
        ("table6", {"pairs": [*EN_XX, "ru-ko", "ru-ja", "ru-fr"], "tms": False}, ("", "en-xx, ru-xx")),
        ("table6", {"pairs": [*EN_XX, "ru-ko", "ru-ja", "ru-fr"]}, None),
    ],
)
def test_a_row_is_found_by_its_training(
    results: Results, table: str, changes: dict[str, Any], row: tuple[str, str] | None
) -> None:
    results.add(tatoeba(0.9), training(**changes))
    assert results.rows(table) == ([row] if row else [])


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "table1"])
def test_the_recipes_make_the_rows(name: str, results: Results) -> None:
    """Every recipe of a table, read as training reads it, belongs to one row; and every trained row has a recipe."""
    from training.config import make_config
    from training.recipe import read_recipe

    grouped = LAYOUTS[name].groups != [""]
    expected = sum(row.objective is not None and row.group in ("", "en-ko") for row in LAYOUTS[name].rows)
    for file in sorted((ROOT / "training/recipes").glob(f"{name}-*.toml")):
        config = make_config(read_recipe(file.stem), {"pairs": ["en-ko"]} if grouped else {})
        objective = {key: getattr(config.objective, key) for key in ("label", "tms")}
        said = {"loss": config.loss, "hard_negatives": config.hard_negatives, **objective}
        results.add(tatoeba(0.9), training(**said, pairs=[str(pair) for pair in config.lang_pairs]))
    assert results.count == len(set(results.rows(name)))
    # Table 3's first row is Table 5's en-xx with TMS: their recipes are two.
    assert results.count == expected


@pytest.mark.parametrize(
    ("student", "teacher", "row"),
    [
        ("intfloat/multilingual-e5-base", "intfloat/multilingual-e5-base", "mE5-base / mE5-base"),
        ("local/multilingual-e5-base", "sentence-transformers/all-mpnet-base-v2", "mE5-base / MPNet"),
        ("FacebookAI/xlm-roberta-base", "intfloat/e5-base", "XLM-R / E5-base"),
        ("intfloat/multilingual-e5-small", "intfloat/e5-base", None),
        ("intfloat/multilingual-e5-base", "intfloat/e5-large", None),
    ],
)
def test_table_1_is_about_named_models(results: Results, student: str, teacher: str, row: str | None) -> None:
    models = {"student": {**STUDENT, "name": student}, "teacher": {**STUDENT, "name": teacher}}
    results.add(tatoeba(0.9), training(pairs=["en-ko"], tms=False, **models))
    assert results.rows("table1") == ([("en-ko", row)] if row else [])


def test_three_seeds_are_one_row(results: Results) -> None:
    for seed, value in ((44, 0.93), (42, 0.9), (43, 0.9275)):
        # A run that stops early has steps of its own.
        results.add(tatoeba(value), training(seed=seed, steps=100 + seed, curve=[[seed, value]]))
    (row,) = results.measured("table2")
    assert row.seeds == [42, 43, 44]
    (line,) = measured_lines(results.table("table2"))
    assert "| 0.919 [0.900–0.930] |" in line
    assert line.endswith("| student, 3 seeds<sup>1</sup> |")
    assert "142 to 144 steps of 32" in describe(row) and "seeds 42, 43, 44" in describe(row)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 400, "settings": "another"},
        {"batch_size": 64},
        {"recipe": "default"},
        {"learning_rate": 1e-4},
        {"lambda_cross": 0.5},
        {"corpora": {"other en-ja": 10}},
        {"student": {**STUDENT, "revision": "def"}},
        {"student": {**STUDENT, "prompt": ""}},
        {"teacher": {**STUDENT, "name": "local/teacher"}},
        {"settings": "another"},
    ],
)
def test_other_settings_are_not_another_seed(results: Results, changes: dict[str, Any]) -> None:
    results.add(tatoeba(0.8), training())
    results.add(tatoeba(0.9), training(seed=43, **changes))
    rows = results.measured("table2")
    assert [row.seeds for row in rows] in ([[42], [43]], [[43], [42]])
    assert len({describe(row) for row in rows}) == 2
    notes = [line for line in results.table("table2").splitlines() if re.match(r"- <sup>\d", line)]
    assert len(notes) == 2


def test_other_steps_are_other_settings_where_the_settings_are_not_on_record(results: Results) -> None:
    for seed, steps in ((42, 200), (43, 200), (44, 400)):
        said = training(seed=seed, steps=steps)
        del said["settings"], said["corpora"], said["learning_rate"]
        results.add(tatoeba(0.9), said)
    assert sorted(row.seeds for row in results.measured("table2")) == [[42, 43], [44]]


def test_a_checkpoint_scored_with_another_prompt_is_not_another_seed(results: Results) -> None:
    results.add(tatoeba(0.8), training())
    results.add(tatoeba(0.9), training(seed=43), prompt="")
    folder = results.root / "model-2" / "r2"
    (folder / "experiments" / "prompt_none").mkdir(parents=True)
    for file in folder.glob("Tatoeba.*"):
        file.rename(folder / "experiments" / "prompt_none" / file.name)
    own, other = results.measured("table2")
    assert (own.seeds, other.seeds) == ([42], [43])
    assert 'scored with prompt ""' in describe(other)


def test_one_seed_twice_stands_for_no_seed(results: Results) -> None:
    for value, seed in ((0.8, 42), (0.9, 42), (0.85, 43)):
        results.add(tatoeba(value), training(seed=seed))
    rows = results.measured("table2")
    assert [row.seeds for row in rows] == [[42], [42], [43]]
    assert [describe(row).rpartition("; ")[2] for row in rows] == [
        f"results of local/model-{i} r{i}" for i in (1, 2, 3)
    ]


def test_the_pretrained_row_is_the_student_at_its_revision_with_its_prompt(results: Results) -> None:
    results.add(tatoeba(0.9), training())
    results.add(tatoeba(0.5), name=STUDENT["name"], revision="abc", prompt="")
    results.add(tatoeba(0.6), name=STUDENT["name"], revision="def")
    results.add(tatoeba(0.7), name="local/other", revision="abc")
    results.add(tatoeba(0.8), name=STUDENT["name"], revision="abc")
    found = results.arranged("table2")
    assert [m.row.labels[0] for m in found.measured] == ["Soft Contrastive (Ours)", "Pretrained Model"]
    assert [line.cells[0].value for block in found.blocks for line in block if line.measured] == [0.9, 0.8]


def test_there_is_no_pretrained_row_where_nothing_was_trained(results: Results) -> None:
    results.add(tatoeba(0.8), name=STUDENT["name"], revision="abc")
    assert all(not results.measured(name) for name in LAYOUTS)


def test_students_stand_in_blocks_of_their_own(results: Results) -> None:
    other = {**STUDENT, "name": "local/large"}
    results.add(tatoeba(0.9), training())
    results.add(tatoeba(0.8), training(label="hard", tms=False))
    results.add(tatoeba(0.7), training(student=other, teacher=other))
    results.add(tatoeba(0.6), training(student=other, teacher=other, label="hard", tms=False))
    results.add(tatoeba(0.5), name="local/large", revision="abc")
    lines = measured_lines(results.table("table2"))
    assert [line.split(" | ")[2].split(" (")[0] for line in lines] == [
        "**0.700**",
        "<ins>0.600</ins>",
        "0.500",
        "**0.900**",
        "<ins>0.800</ins>",
    ]


def test_table_3_has_measured_baselines_and_names_the_student(results: Results) -> None:
    results.add(FOUR, training(pairs=[*EN_XX]))
    results.add(FOUR, name=STUDENT["name"], revision="abc")
    results.add(FOUR, name="sentence-transformers/LaBSE", registered="labse", prompt="")
    results.add(FOUR, name="local/LaBSE", prompt="")
    lines = [line.split(" | ")[:2] for line in measured_lines(results.table("table3"))]
    assert lines == [["| student", "Soft Contrastive (Ours)"], ["| student", "-"], ["| LaBSE", "-"]]


@pytest.mark.parametrize(
    "damage",
    [{"student": None}, {"pairs": "en-ja"}, {"pairs": 5}, {"seed": "x"}, {"corpora": []}, {"tau_student": None}],
)
def test_a_training_record_that_is_not_whole_is_none(results: Results, damage: dict[str, Any]) -> None:
    results.add(tatoeba(0.9), training(**damage))
    assert results.rows("table2") == []


# The cells.

FOUR = {"Tatoeba": {"fra-eng": 0.9, "jpn-eng": 0.8, "kor-eng": 0.7, "rus-eng": 0.6}}
FLORES = ("eng_Latn", "fra_Latn", "jpn_Jpan", "kor_Hang", "rus_Cyrl")
STS = {f"STS{year}": {"default": 0.5 + year / 100} for year in range(12, 17)}
STS_7 = {**STS, "STS17": {"en-en": 0.8}, "STSBenchmark": {"default": 0.7}}


def cell(results: Results, table: str, column: str) -> Cell:
    found = results.arranged(table)
    i = [shown.name for shown in found.columns].index(column)
    (line,) = [line for block in found.blocks for line in block if line.measured]
    return line.cells[i]


def test_an_average_with_a_missing_member_is_not_formed(results: Results) -> None:
    results.add({**FOUR, **STS_7}, training())
    found = cell(results, "table2", "STS (en)")
    assert found.value is None
    assert found.why == "STS (en) is formed of 8 members or not at all: no STS22 en"
    own = cell(results, "table2", "STS (en) without STS22")
    assert own.value == pytest.approx(sum(x for task in STS_7.values() for x in task.values()) / 7)
    text = results.table("table2")
    (line,) = measured_lines(text)
    assert "| –<sup>a</sup> |" in line
    assert "- <sup>a</sup> STS \\(en\\) is formed of 8 members or not at all: no STS22 en" in text
    # The paper has neither BUCC nor STS (xx) of Japanese: there is nothing to say why.
    assert cell(results, "table2", "BUCC") == cell(results, "table2", "STS (xx)") == Cell()


def test_a_whole_average_needs_no_column_of_our_own(results: Results) -> None:
    results.add({**STS_7, "STS22": {"en": 0.6}}, training())
    found = results.arranged("table2")
    assert found.own == 0
    assert cell(results, "table2", "STS (en)").value == pytest.approx((0.7 * 5 + 0.8 + 0.7 + 0.6 - 0.3) / 8)


def test_the_column_beside_is_the_first_that_most_rows_have(results: Results) -> None:
    results.add(STS_7, name=STUDENT["name"], revision="abc")
    results.add({"STSBenchmark": {"default": 0.8}}, training())
    assert [column.name for column in results.arranged("table2").columns[4:]] == ["STSBenchmark"]
    paper = next(line for line in results.table("table2").splitlines() if "*paper*" in line)
    assert "| <ins>*0.778*</ins> |  | *paper* |" in paper


def test_columns_beside_have_the_names_of_what_is_in_them(results: Results) -> None:
    results.add({"JSTS": {"default": 0.8}}, training())
    results.add({"KorSTS": {"default": 0.7}}, training(pairs=["en-ko"]))
    text = results.table("table2")
    assert "| STS (xx) | KorSTS, JSTS | source |" in text
    # KorSTS is in place of STS17 ko-ko; each in its group.
    assert [line.split(" | ")[6].split(" (")[0] for line in measured_lines(text)] == ["0.700", "0.800"]


def test_a_mean_has_the_interval_of_independent_members(results: Results) -> None:
    results.add(FOUR, training(pairs=[*EN_XX]))
    found = cell(results, "table3", "Tatoeba")
    assert (found.low, found.value, found.high) == pytest.approx((0.745, 0.75, 0.755))


def test_xsim_is_in_percent_and_its_members_share_their_sentences(results: Results) -> None:
    pairs: dict[str, float | None] = {f"{a}-{b}": 0.002 for a in FLORES for b in FLORES if a != b}
    results.add({"FLORES-200": pairs}, training(pairs=[*EN_XX]))
    file = next(results.root.rglob("FLORES-200.json"))
    content = json.loads(file.read_text(encoding="utf-8"))
    content["bitext_bench"]["summary"] = {"xsim": {"mean": 0.002, "interval": [0.001, 0.004], "subsets": 20}}
    file.write_text(json.dumps(content), encoding="utf-8")
    assert "| 0.20 (0.10–0.40) |" in results.table("table3")
    content["bitext_bench"]["summary"]["xsim"]["subsets"] = 30  # of other languages too
    file.write_text(json.dumps(content), encoding="utf-8")
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
    assert "were not scored on the same data" in text


def test_a_cell_of_fewer_seeds_than_its_row_says_so(results: Results) -> None:
    for seed in (42, 43, 44):
        results.add({**tatoeba(0.9), **({"STSBenchmark": {"default": 0.8}} if seed > 42 else {})}, training(seed=seed))
    (line,) = measured_lines(results.table("table2"))
    assert "| 0.800 [0.800–0.800] 2 seeds |" in line


def test_equal_figures_are_not_marked(results: Results) -> None:
    results.add(tatoeba(0.90001), training())
    results.add(tatoeba(0.89999), training(loss="embedding-mse"))
    lines = measured_lines(results.table("table2"))
    assert [line.split(" | ")[2].split(" (")[0] for line in lines] == ["0.900", "0.900"]


def test_a_score_that_does_not_exist_is_missing(results: Results) -> None:
    results.add({"Tatoeba": {"jpn-eng": None}}, training())
    assert cell(results, "table2", "Tatoeba (en-xx)").why == "Tatoeba (en-xx): no Tatoeba jpn-eng"
    average = Average("made", (("Tatoeba", "jpn-eng", "accuracy"),))
    assert measure(average, results.measured("table2")[0]).value is None


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
    assert number(value, Column("made", {}, percent=percent)) == shown


def test_rows_of_benchmarks_in_the_training_are_said(results: Results) -> None:
    results.add(tatoeba(0.9), training(), leaked_rows=1234)
    assert "trained on 1,234 rows of benchmarks" in results.table("table2")


# The command.


def test_hostile_names_stay_in_their_cell(results: Results) -> None:
    for name in HOSTILE:
        student = {**STUDENT, "name": name}
        results.add(FOUR, training(student=student, pairs=[*EN_XX], recipe=name, corpora={name: 1}))
        results.add(FOUR, name=name, revision="abc")
    text = results.table("table3")
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script" not in html and "\u202e" not in html
    table = html.split("<table>")[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + 6 + 2 * len(HOSTILE)
    assert {part.count("<td") for part in table.split("<tr>")[2:]} == {table.split("<tr>")[1].count("<th")}
    assert html.count("<li>") == 2 * len(HOSTILE) + 2  # and why there is neither BUCC nor FLORES-200


@pytest.mark.parametrize("form", ["csv", "json"])
def test_flat_rows_hold_both_and_say_whose_they_are(
    results: Results, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, value in ((42, 0.9), (43, 0.91)):
        results.add(tatoeba(value), training(seed=seed))
    assert main(["leaderboard", "--results", str(results.root), "--layout", "table2", "--format", form]) == 0
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
    command = ["leaderboard", "--results", str(results.root), "--layout", "table2", "--output", str(output), "--check"]
    assert main(command) == 1
    assert "is not what" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--check"], "pass --output"),
        (["--tasks", "Tatoeba"], "leave out --tasks"),
        (["--languages", "eng"], "leave out --tasks and --languages"),
        (["--models", "nobody"], "no result is left"),
    ],
)
def test_mistakes_are_one_line(
    results: Results, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    results.add(tatoeba(0.9), training())
    assert main(["leaderboard", "--results", str(results.root), "--layout", "table2", *arguments]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
