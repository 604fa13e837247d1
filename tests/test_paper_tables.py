"""The paper's tables: its scores exactly, and measured rows matched by their training record."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_results import write_content
from paper_results import ALL, EN_XX, FOUR, STUDENT, Results, measured_lines, tatoeba, training

from leaderboard.paper_tables.conditions import describe_conditions
from leaderboard.paper_tables.paper import paper_figure
from leaderboard.paper_tables.tables import PAPER_TABLES

ROOT = Path(__file__).parents[1]
PAPER = ROOT.parent / "shared" / "paper"


def tsv() -> list[tuple[str, ...]]:
    lines = (ROOT / "leaderboard/paper_tables/paper.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "table\tgroup\trow\tcolumn\tvalue"
    return [tuple(line.split("\t")) for line in lines[1:]]


def text_tables() -> dict[str, list[tuple[list[str], list[str]]]]:
    """Return (labels, scores) of each row of the tables in the paper's text, with its group."""
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
@pytest.mark.parametrize("name", PAPER_TABLES)
def test_every_score_is_in_its_row_of_the_paper(name: str) -> None:
    layout, seen = PAPER_TABLES[name], 0
    rows = text_tables()[name]
    assert len(rows) == len(layout.rows)
    for row, (labels, figures) in zip(layout.rows, rows, strict=True):
        assert [*([row.group] if row.group else []), *row.labels] == labels
        ours = [paper_figure(name, row.group, row.labels, column.name) or "-" for column in layout.columns]
        assert ours == figures
        seen += sum(figure != "-" for figure in ours)
    assert seen == sum(line[0] == name for line in tsv())


def test_the_paper_agrees_with_itself() -> None:
    """Models in two tables have the same scores in both."""
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


@pytest.mark.parametrize("name", PAPER_TABLES)
def test_without_results_only_the_papers_rows_are_printed(
    results: Results, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = results.table(name)
    assert f"bitext-bench train {PAPER_TABLES[name].flags} --data DIR" in capsys.readouterr().err
    assert measured_lines(text) == []
    lines = [line for line in text.splitlines() if "*paper*" in line]
    assert len(lines) == len(PAPER_TABLES[name].rows)
    for row, line in zip(PAPER_TABLES[name].rows, lines, strict=True):
        ours = [paper_figure(name, row.group, row.labels, column.name) for column in PAPER_TABLES[name].columns]
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


def test_alternatives_are_available_and_have_unique_names() -> None:
    from test_averages import names_a_subset

    for layout in PAPER_TABLES.values():
        papers = {column.name for column in layout.columns}
        for average in (a for column in layout.columns for choice in column.instead for a in choice.values()):
            assert average.name not in papers
            assert all(names_a_subset(task, subset) for task, subset, _ in average.members)


# Matching results with rows.


@pytest.mark.parametrize(
    ("table", "changes", "row"),
    [
        ("table2", {}, ("en-ja", "Soft Contrastive (Ours)")),
        ("table2", {"pairs": ["ru-en"]}, ("en-ru", "Soft Contrastive (Ours)")),
        ("table2", {"tms": False}, None),
        ("table2", {"distillation_weight": 10.0}, None),
        ("table2", {"wise_ft_share": 0.25}, None),
        ("table2", {"divergence": "kl"}, None),
        ("table2", {"symmetric_monolingual": True}, ("en-ja", "Soft Contrastive (Ours)")),
        ("table2", {"pairs": ["en-ja", "en-ko"]}, None),
        ("table2", {"pairs": ["en-de"]}, None),
        ("table2", {"label": "average"}, None),
        ("table2", {"label": "hard", "tms": False}, ("en-ja", "Hard Contrastive")),
        ("table2", {"label": "hard"}, None),
        ("table2", {"loss": "embedding-mse"}, ("en-ja", "MSE (Reimers and Gurevych, 2020)")),
        ("table2", {"loss": "translation-ranking", "num_hard_negatives": 1}, ("en-ja", "mUSE (Yang et al., 2019)")),
        (
            "table2",
            {"loss": "translation-ranking", "num_hard_negatives": 5, "tms": False},
            ("en-ja", "mUSE (Yang et al., 2019)"),
        ),
        ("table2", {"loss": "translation-ranking"}, None),
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


MANY = "--languages en,ru,ja,fr,ko"
LABELS = {"Average": "paper-average", "Priority": "paper-priority", "Priority + TMS": "paper"}
MODELS = {"mE5-base": "multilingual-e5-base", "XLM-R": "xlm-roberta-base"}
TEACHERS = {"mE5-base": "multilingual-e5-base", "E5-base": "e5-base", "MPNet": "all-mpnet-base-v2"}
# The commands in training/README.md, for one pair: en-ko.
COMMANDS = {
    "table1": {
        f"{student} / {teacher}": f"paper-priority --pair en-ko --model {MODELS[student]} --teacher {TEACHERS[teacher]}"
        for student in MODELS
        for teacher in TEACHERS
    },
    "table2": {
        "Soft Contrastive (Ours)": "paper --pair en-ko",
        "Hard Contrastive": "paper-hard --pair en-ko",
        "MSE (Reimers and Gurevych, 2020)": "paper-embedding-mse --pair en-ko",
        "mUSE (Yang et al., 2019)": "paper-muse --pair en-ko",
    },
    "table3": {
        "mE5-base / Soft Contrastive (Ours)": f"paper {MANY}",
        "mE5-base / MSE": f"paper-embedding-mse {MANY}",
    },
    "table4": {label: f"{recipe} --pair en-ko" for label, recipe in LABELS.items()},
    "table5": {
        f"{label} / {pairs}": f"{recipe} {MANY} --pair-scheme {scheme}"
        for label, recipe in LABELS.items()
        for pairs, scheme in {"All pairs": "all", "en-xx": "en-xx"}.items()
    },
    "table6": {
        "en-xx, fr-xx": "paper-priority --pair en-ko,en-ja,en-ru,en-fr,fr-ko,fr-ja,fr-ru",
        "en-xx, ru-xx": "paper-priority --pair en-ko,en-ja,en-ru,en-fr,ru-ko,ru-ja,ru-fr",
    },
}


@pytest.mark.parametrize("table", PAPER_TABLES)
def test_every_trained_row_has_a_command(table: str) -> None:
    trained = {" / ".join(row.labels) for row in PAPER_TABLES[table].rows if row.objective}
    assert COMMANDS[table].keys() == trained
    assert PAPER_TABLES[table].flags.removeprefix("--recipe ") in {
        flags.partition(" --model")[0] for flags in COMMANDS[table].values()
    }


@pytest.mark.parametrize(("table", "row"), [(table, row) for table, rows in COMMANDS.items() for row in rows])
def test_the_command_of_a_row_trains_it(table: str, row: str, results: Results) -> None:
    from bitext_bench.baselines import find_baseline
    from bitext_bench.cli.parser import build_parser
    from bitext_bench.cli.train import changed_settings
    from training.config import make_config
    from training.recipe import read_recipe

    arguments = build_parser().parse_args(["train", "--recipe", *COMMANDS[table][row].split()])
    config = make_config(read_recipe(arguments.recipe), changed_settings(arguments))
    said = {"loss": config.loss, "num_hard_negatives": config.num_hard_negatives}
    said |= {key: getattr(config.objective, key) for key in ("label", "tms")}
    student, teacher = (find_baseline(name) for name in (config.student, config.teacher or config.student))
    assert student and teacher
    said |= {"student": {**STUDENT, "name": student.checkpoint}, "teacher": {**STUDENT, "name": teacher.checkpoint}}
    results.add(tatoeba(0.9), training(**said, pairs=[str(pair) for pair in config.lang_pairs]))
    assert [labels for _, labels in results.rows(table)] == [row]


@pytest.mark.parametrize(
    ("student", "teacher", "row"),
    [
        ("intfloat/multilingual-e5-base", "intfloat/multilingual-e5-base", "mE5-base / mE5-base"),
        ("local/multilingual-e5-base", "sentence-transformers/all-mpnet-base-v2", "mE5-base / MPNet"),
        ("FacebookAI/xlm-roberta-base", "intfloat/e5-base", "XLM-R / E5-base"),
        ("intfloat/multilingual-e5-small", "intfloat/e5-base", "multilingual-e5-small / e5-base"),
        ("intfloat/multilingual-e5-base", "intfloat/e5-large", "multilingual-e5-base / e5-large"),
    ],
)
def test_table_1_compares_students_and_teachers(results: Results, student: str, teacher: str, row: str) -> None:
    for more in ({"seed": 42}, {"seed": 43}, {"pairs": ["en-ja"]}, {"tms": True}, {"distillation_weight": 1.0}):
        models = {"student": {**STUDENT, "name": student}, "teacher": {**STUDENT, "name": teacher}}
        results.add(tatoeba(0.9), training(**{"pairs": ["en-ko"], "tms": False, **models, **more}))
    assert results.rows("table1") == [("en-ko", row)]
    assert results.measured("table1")[0].seeds == [42, 43]


def test_the_papers_models_come_before_others(results: Results) -> None:
    for pair in ("en-fr", "en-ko"):
        for name in ("local/small", "local/multilingual-e5-base"):
            models = {
                "student": {**STUDENT, "name": name},
                "teacher": {**STUDENT, "name": "local/multilingual-e5-base"},
            }
            results.add(tatoeba(0.9), training(pairs=[pair], tms=False, **models))
    lines = [line.split(" | ")[:3] for line in measured_lines(results.table("table1"))]
    assert lines == [
        ["| en-ko", "mE5-base", "mE5-base"],
        ["| ", "small", "multilingual-e5-base"],
        ["| en-fr", "mE5-base", "mE5-base"],
        ["| ", "small", "multilingual-e5-base"],
    ]


def test_three_seeds_are_one_row(results: Results) -> None:
    for seed, value in ((44, 0.93), (42, 0.9), (43, 0.9275)):
        # A run that stops early has fewer steps.
        results.add(tatoeba(value), training(seed=seed, steps=100 + seed, curve=[[seed, value]]))
    (row,) = results.measured("table2")
    assert row.seeds == [42, 43, 44]
    (line,) = measured_lines(results.table("table2"))
    assert "| 0.919 [0.900–0.930] |" in line
    assert line.endswith("| student, 3 seeds<sup>1</sup> |")
    assert "142 to 144 steps of 32" in describe_conditions(row) and "seeds 42, 43, 44" in describe_conditions(row)


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
    assert len({describe_conditions(row) for row in rows}) == 2
    notes = [line for line in results.table("table2").splitlines() if re.match(r"- <sup>\d", line)]
    assert len(notes) == 2


def test_without_recorded_settings_different_steps_are_different_settings(results: Results) -> None:
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
    assert 'scored with prompt ""' in describe_conditions(other)


def test_a_repeated_seed_gives_one_row_for_each_checkpoint(results: Results) -> None:
    for value, seed in ((0.8, 42), (0.9, 42), (0.85, 43)):
        results.add(tatoeba(value), training(seed=seed))
    rows = results.measured("table2")
    assert [row.seeds for row in rows] == [[42], [42], [43]]
    assert [describe_conditions(row).rpartition("; ")[2] for row in rows] == [
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


def test_without_trained_rows_there_is_no_pretrained_row(results: Results) -> None:
    results.add(tatoeba(0.8), name=STUDENT["name"], revision="abc")
    assert all(not results.measured(name) for name in PAPER_TABLES)


def test_each_student_has_its_own_block(results: Results) -> None:
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
def test_an_incomplete_training_record_is_ignored(results: Results, damage: dict[str, Any]) -> None:
    results.add(tatoeba(0.9), training())
    assert len(results.rows("table2")) == 1
    (file,) = results.root.rglob("Tatoeba.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    write_content(file, {**content, "training": {**content["training"], **damage}})
    assert results.rows("table2") == []
