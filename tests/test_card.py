"""The model card: what it says, and that no name can break it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from builders import write
from made_results import result_of, subset_of

from bitext_bench.results.records import TaskResult
from training.checkpoint.card import render_card
from training.config import make_config

_COVERED = {"Tatoeba": ["en-ja"], "FLORES-200": [f"x{i}" for i in range(204)]}
COMPARED: dict[str, Any] = {"covered": _COVERED, "checked": _COVERED, "excluded": ["STS12"]}
HOSTILE = "x|<b>`a`\n# big |\r\n---\x1b[31m\u2028<script>"


def record(**changes: Any) -> dict[str, Any]:
    config = make_config({"student": "org/model", "pairs": ["en-ja", "en-fr"], "student_prompt": "query: "}).to_dict()
    corpus = {"name": "made", "pair": "en-ja", "sha256": "0" * 64, "weight": 1.5, "read": 12345, "contaminated": 7}
    corpus |= {"license": "cc-by-4.0", "source": None}
    model = {"name": "org/model", "revision": "0123", "prompt": "query: "}
    usual = {
        "bitext_bench": "9.9",
        "models": {"student": model, "teacher": model},
        "recipe": "paper",
        "config": {**config, **changes.pop("config", {})},
        "pairs": ["en-ja", "en-fr"],
        "data": [{**corpus, "dropped": {"empty": 3, "duplicate": 1000}, "kept": 11335}],
        "contamination": {"rows": 7, "kept": False, "benchmarks": {"Tatoeba ja-en": 7}, **COMPARED},
        "rows": {"en-ja": 11000, "en-fr": 5},
        "steps": 1234,
        "dev_curve": [{"step": 50, "dev_accuracy": 0.5}, {"step": 100, "dev_accuracy": 0.75}],
        "losses": [(50, 1.0)],
    }
    return {**usual, **changes}


def result(name: str, score: str, value: float | None, interval: tuple[float, float] | None, **more: Any) -> TaskResult:
    usual = {"n": 1000, "intervals": {score: interval}, "signature": f"task:{name}|pair:ja-en|bb:9.9"}
    return result_of(name, [subset_of("jpn-eng", {score: value}, **{**usual, **more})], data="rev-1")


def tables(card: str) -> list[list[list[str]]]:
    """Return the cells of each table of GitHub's Markdown."""
    found: list[list[list[str]]] = []
    before = ""
    for line in card.split("---\n", 2)[2].split("\n"):
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))])
        before = line
    return found


def test_what_it_says() -> None:
    card = render_card("a-model", record(), [])
    assert "# a-model\n" in card
    student = "[org/model](https://huggingface.co/org/model)"
    assert f"{student} aligned on en-ja, en-fr with the loss soft-contrastive (recipe paper)" in card
    assert "Teacher: `org/model`.\n" in card
    assert 'It was trained with `"query: "` before each sentence. This prompt is saved as the default' in card
    assert "Every row was compared with the sentences of Tatoeba (en-ja), FLORES-200 (204 languages): 7 rows" in card
    (missing,) = re.findall(r"\*\*Not compared with (.*)\.\*\*", card)
    assert {"BUCC-mining", "FLORES-200-xsimpp", "STS12 (excluded)", "STS13"} < set(missing.split(", "))
    assert not {"Tatoeba", "FLORES-200", "Mini-Tatoeba", "STSBenchmark-dev"} & set(missing.split(", "))
    assert "Results on other benchmarks and languages say `contamination:unchecked`." in card
    assert "7 rows contain one and were left out; most are in Tatoeba ja-en (7)" in card
    assert "1,234 steps over 11,005 rows." in card
    on = render_card("a-model", record(machine="AMD EPYC, 2 threads"), [])
    assert "1,234 steps over 11,005 rows, on AMD EPYC, 2 threads." in on
    assert "## Scores" not in card
    data, settings, curve = tables(card)
    assert data[0] == [
        "corpus",
        "pair",
        "rows",
        "cleaned away",
        "in a benchmark",
        "kept",
        "weight",
        "license",
        "sha256",
    ]
    assert data[2] == ["made", "en-ja", "12,345", "1,003", "7", "11,335", "1.5", "cc-by-4.0", "0" * 64]
    said = {row[0]: row[1] for row in settings[2:]}
    assert (said["batch_size"], said["tau_teacher"], said["label"]) == ("`32`", "`0.1`", '`"priority"`')
    assert (said["student"], said["teacher"]) == ('`"org/model"`', '`"org/model"`')
    assert (said["pairs"], said["tms"], said["dropout"]) == ('`["en-ja", "en-fr"]`', "`false`", "not set")
    assert said.keys() == {
        *make_config({"student": "x", "pairs": ["en-fr"]}).to_dict(),
        *record()["config"]["objective"],
    } - {"objective"}
    assert curve[2:] == [["50", "50.00"], ["100", "75.00"]]


def test_sources_are_listed_once_and_restricted_corpora_are_named() -> None:
    usual = {"sha256": "0" * 64, "weight": 1.0, "read": 9, "contaminated": 0, "dropped": {}, "kept": 9}
    licenses = {"kss": "CC-BY-NC-SA-4.0", "tico19": "CC0-1.0", "news": "research use", "own": None}
    source = {"url": "https://example.org/kss", "license": "CC-BY-NC-SA-4.0", "files": "fields 6 and 2, split at |"}
    data = [
        {**usual, "name": name, "pair": pair, "license": given, "source": source if name == "kss" else None}
        for name, given in licenses.items()
        for pair in ("en-ja", "en-fr")
    ]
    card = render_card("a-model", record(data=data), [])
    assert "\n\n**For non-commercial use only: kss, news.**\n\n" in card
    assert tables(card)[1][2:] == [["kss", "not stated", "https://example.org/kss", "fields 6 and 2, split at"]]
    assert "non-commercial" not in render_card("a-model", record(), [])


@pytest.mark.parametrize(
    ("config", "teacher"),
    [
        ({"loss": "translation-ranking"}, False),
        ({"loss": "embedding-mse"}, True),
        ({"objective": {"label": "hard"}}, False),
        ({"objective": {"label": "hard", "distillation_weight": 1.0}}, True),
    ],
)
def test_a_teacher_is_named_where_there_was_one(config: dict[str, Any], teacher: bool) -> None:
    assert ("Teacher:" in render_card("a-model", record(config=config), [])) is teacher


def test_the_metadata_are_what_the_hub_reads() -> None:
    from huggingface_hub import ModelCard

    results = [
        result("Tatoeba", "accuracy", 0.875, (0.85, 0.9)),
        result("STS17", "cosine_spearman", 0.6, None),
        result("BUCC", "f1", None, None),
    ]
    text = render_card("a-model", record(), results)
    card = ModelCard(text)
    assert card.data.base_model == "org/model"
    assert card.data.language == ["en", "fr", "ja"]
    assert {"bitext-mining", "sentence-transformers"} <= set(card.data.tags)
    first, second = card.data.eval_results  # what could not be scored is no score
    assert (first.dataset_name, first.metric_type, first.metric_value) == ("Tatoeba (jpn-eng)", "accuracy", 87.5)
    assert first.metric_args == {"n": 1000, "interval": [85.0, 90.0], "signature": "task:Tatoeba|pair:ja-en|bb:9.9"}
    assert (first.dataset_split, first.dataset_revision, first.task_type) == ("test", "rev-1", "translation-retrieval")
    assert second.task_type == "sentence-similarity"
    scores = tables(text)[0]
    assert scores[2][:6] == ["Tatoeba", "jpn-eng", "accuracy", "87.50", "85.00 to 90.00", "1000"]
    assert [len(row) for row in scores] == [7] * 5


def test_contaminated_rows_that_were_kept_are_at_the_top() -> None:
    kept = {"rows": 1234, "kept": True, "benchmarks": {"Tatoeba ja-en": 1234}, **COMPARED}
    card = render_card("a-model", record(contamination=kept), [])
    mark = "**Trained on 1,234 rows that contain a benchmark sentence: scores on these benchmarks are contaminated.**"
    assert card.index(mark) < card.index("## Data")
    assert "1,234 rows contain one and were kept" in card
    assert mark not in render_card("a-model", record(), [])


@pytest.mark.parametrize(
    ("given", "resolved", "base"),
    [
        ("multilingual-e5-small", "intfloat/multilingual-e5-small", "intfloat/multilingual-e5-small"),
        ("hub:org/model", "org/model", "org/model"),
        ("org/model", "local/model", None),  # a folder of this machine, whatever its path
    ],
)
def test_the_base_model_is_the_hubs_name_of_the_student(given: str, resolved: str, base: str | None) -> None:
    from huggingface_hub import ModelCard

    student = {"name": resolved, "revision": "0123", "prompt": ""}
    made = record(config={"student": given}, models={"student": student, "teacher": student})
    data = ModelCard(render_card("x", made, [])).data
    assert data.base_model == base
    assert getattr(data, "base_model_relation", None) == ("finetune" if base else None)


def test_the_card_says_how_to_use_it() -> None:
    card = render_card("org/my model", record(), [])
    assert 'model = SentenceTransformer("org/my model")' in card
    assert "bitext-bench run --model 'org/my model' --languages en ja fr\n" in card
    bare = render_card("x", record(config={"student_prompt": ""}), [])
    assert "It was trained without a prompt." in bare


@pytest.mark.parametrize(
    ("loss", "eprint"),
    [("soft-contrastive", "2405.16155"), ("embedding-mse", "2004.09813"), ("translation-ranking", "1907.04307")],
)
def test_the_card_cites_the_method_of_its_loss(loss: str, eprint: str) -> None:
    assert re.findall(r"eprint = \{(.*)\}", render_card("x", record(config={"loss": loss}), [])) == [eprint]


def test_data_of_the_hub_are_linked_with_their_commit() -> None:
    from huggingface_hub import ModelCard

    card = render_card("x", record(hub_dataset={"name": "org/pairs", "commit": "0" * 40}), [])
    assert f"From [org/pairs](https://huggingface.co/datasets/org/pairs) at commit `{'0' * 40}`." in card
    assert ModelCard(card).data.datasets == ["org/pairs"]


def test_no_table_has_a_python_value() -> None:
    card = render_card("x", record(), [])
    cells = [cell for table in tables(card) for row in table for cell in row]
    assert not [cell for cell in cells if re.search(r"\b(None|True|False)\b|'|\(\)", cell)]


def same_shape(card: str, plain: str) -> None:
    """Assert that a card has the headings, rules and tables of one with plain names."""
    lines = card.split("\n")
    assert [x.split()[0] for x in lines if x.startswith("#")] == [
        x.split()[0] for x in plain.split("\n") if x[:1] == "#"
    ]
    assert [[len(row) for row in table] for table in tables(card)] == [
        [len(row) for row in table] for table in tables(plain)
    ]
    body = card.split("---\n", 2)[2]
    for forbidden in ("<b>", "<script>", "\x1b", "\u2028", "\r"):
        assert forbidden not in body, forbidden


HOSTILE_RECORDS: dict[str, dict[str, Any]] = {
    "student": {"models": {**record()["models"], "student": {"name": HOSTILE}}},
    "teacher": {"models": {**record()["models"], "teacher": {"name": HOSTILE}}},
    "folder": {"config": {"student": HOSTILE}},
    "prompt": {"config": {"student_prompt": HOSTILE, "teacher_prompt": HOSTILE}},
    "corpora": {"config": {"corpora": (HOSTILE,)}},
    "recipe": {"recipe": HOSTILE},
    "corpus": {"data": [{**record()["data"][0], "name": HOSTILE}]},
    "benchmarks": {"contamination": {**record()["contamination"], "benchmarks": {HOSTILE: 3}}},
}


@pytest.mark.parametrize("what", HOSTILE_RECORDS)
def test_no_name_breaks_a_table_or_becomes_a_tag(what: str) -> None:
    from huggingface_hub import ModelCard

    card = render_card("a-model", record(**HOSTILE_RECORDS[what]), [])
    same_shape(card, render_card("a-model", record(), []))
    assert ModelCard(card).data.language == ["en", "fr", "ja"]


def test_no_name_of_a_checkpoint_and_no_signature_does_either() -> None:
    from huggingface_hub import ModelCard

    bad = result("Tatoeba", "accuracy", 0.5, [0.4, 0.6], signature=HOSTILE)
    good = result("Tatoeba", "accuracy", 0.5, [0.4, 0.6])
    card = render_card(HOSTILE, record(), [bad])
    same_shape(card, render_card("a-model", record(), [good]))
    assert ModelCard(card).data.model_name == HOSTILE
    assert ModelCard(card).data.eval_results[0].metric_args["signature"] == HOSTILE


@pytest.mark.usefixtures("one_thread")
def test_hostile_names_through_the_command(tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import shutil

    from huggingface_hub import ModelCard

    from bitext_bench.cli.main import main

    evil = "x|<b>\n# '\"\x1b[31m"
    shutil.copytree(tiny_model, tmp_path / evil)
    write(tmp_path / "pairs" / evil / "en-fr.tsv", [f"the {i} cat\tle {i} chat" for i in range(20)])
    quick = "--benchmarks mini --pair en-fr --precision fp32 --label hard --batch-size 4 --max-steps 1 --set dev_size=0"
    paths = ["--model", str(tmp_path / evil), "--data", str(tmp_path / "pairs"), "--output", str(tmp_path / f"{evil}o")]
    assert main(["train", *quick.split(), *paths, "--cache-folder", str(tmp_path / "cache")]) == 0
    card = (tmp_path / f"{evil}o/README.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in card
    same_shape(card, render_card("x", record(dev_curve=[]), []))
    assert ModelCard(card).data.model_name == f"{evil}o"
    assert len((tmp_path / f"{evil}o/dropped_rows.tsv").read_text().splitlines()) == 1
    assert "\x1b[31m" not in capfd.readouterr().err
