"""The teacher's vectors: each sentence once, none for nothing, and the right row for each training row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from builders import shards, write
from torch.nn import functional
from toys import hashing

from bitext_bench.cli.main import main
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from training.data.corpora import PairRows
from training.losses.objective import Label
from training.trainer.teacher import encode_teacher


def pair_rows(pair: str, *rows: str) -> PairRows:
    """Return rows written as "source | target"."""
    sides = [row.split(" | ") for row in rows]
    return PairRows(LangPair.parse(pair), [s for s, _ in sides], [t for _, t in sides])


DATA = [
    pair_rows("en-fr", "a cat | un chat", "a dog | un chien", "a cat | le chat"),
    pair_rows("en-ja", "a dog | inu", "a bird | tori", "a cat | neko"),
    pair_rows("fr-ko", "un chat | goyangi", "un lapin | tokki", "a cat | goyangi"),
]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where toys:logging_ writes each sentence that it encodes."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def encoded(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@pytest.mark.parametrize("label", ["priority", "average"])
def test_every_label_points_at_the_vectors_of_its_own_sentences(label: Label, tmp_path: Path) -> None:
    found = encode_teacher(resolve_model("toys:hashing", ModelOptions()), "the ", DATA, label, tmp_path)
    assert found.vectors.dtype == torch.float32
    torch.testing.assert_close(found.vectors.norm(dim=1), torch.ones(len(found.vectors)))
    for item in DATA:
        sides = [item.source, item.target] if label == "average" else [item.source]
        rows = torch.tensor(found.rows[item.pair]).reshape(len(item.source), -1)
        assert rows.shape[1] == len(sides), "average sees both sides, priority the anchor alone"
        for column, sentences in enumerate(sides):
            expected = torch.from_numpy(hashing().encode([f"the {s}" for s in sentences]))
            torch.testing.assert_close(found.vectors[rows[:, column]], functional.normalize(expected))


def test_anchors_are_encoded_once_and_translations_not_at_all(log: Path, tmp_path: Path) -> None:
    model = resolve_model("toys:logging_", ModelOptions())
    found = encode_teacher(model, "", DATA, "priority", tmp_path / "cache")
    assert sorted(encoded(log)) == ["a bird", "a cat", "a dog", "un chat", "un lapin"]
    rows = found.rows[LangPair.parse("en-fr")]
    assert rows[0] == rows[2] != rows[1]
    assert found.rows[LangPair.parse("en-ja")][2] == rows[0], "the same sentence of another pair is the same row"


def test_average_encodes_both_sides_and_what_priority_left_over(log: Path, tmp_path: Path) -> None:
    model = resolve_model("toys:logging_", ModelOptions())
    encode_teacher(model, "", DATA, "priority", tmp_path / "cache")
    before = encoded(log)
    encode_teacher(model, "", DATA, "average", tmp_path / "cache")
    texts = {text for item in DATA for text in (*item.source, *item.target)}
    assert encoded(log)[: len(before)] == before
    new = [text for text in encoded(log)[len(before) :] if text not in before]  # the others are spot checks
    assert sorted(before + new) == sorted(texts), "each once, over both calls"


def test_a_second_run_encodes_nothing_but_another_prompt_everything(log: Path, tmp_path: Path) -> None:
    model = resolve_model("toys:logging_", ModelOptions())
    first = encode_teacher(model, "", DATA, "average", tmp_path / "cache")
    once, stored = encoded(log), shards(tmp_path)
    again = encode_teacher(model, "", DATA, "average", tmp_path / "cache")
    assert shards(tmp_path) == stored
    assert set(encoded(log)) == set(once), "some are looked at again"
    assert first.vectors.equal(again.vectors)
    assert first.rows == again.rows
    looked_at = len(encoded(log))
    encode_teacher(model, "query: ", DATA, "average", tmp_path / "cache")
    assert sorted(encoded(log)[looked_at:]) == sorted(f"query: {text}" for text in once)


def test_a_teacher_that_knows_languages_is_told_them(tmp_path: Path) -> None:
    found = encode_teacher(resolve_model("toys:with_language", ModelOptions()), "", DATA, "priority", tmp_path)
    expected = torch.from_numpy(hashing().encode(["a cat eng_Latn", "a cat fra_Latn"]))
    rows = [found.rows[LangPair.parse("en-fr")][0], found.rows[LangPair.parse("fr-ko")][2]]
    torch.testing.assert_close(found.vectors[rows], functional.normalize(expected))


@pytest.mark.parametrize(
    ("name", "said"),
    [("toys:nan", "NaN or infinity for 'a blue cat'"), ("toys:zero", "a zero vector for 'a blue cat'")],
)
def test_what_no_cosine_can_be_taken_of_is_refused_with_the_sentence(name: str, said: str, tmp_path: Path) -> None:
    data = [pair_rows("en-fr", "a cat | un chat", "a blue cat | un chat bleu")]
    with pytest.raises(UserError, match=said):
        encode_teacher(resolve_model(name, ModelOptions()), "", data, "priority", tmp_path)
    assert not list(tmp_path.rglob("*.shard"))


# Through the command: what a run asks of its teacher


@pytest.fixture
def command(tmp_path: Path, tiny_model: Path, log: Path, one_thread: None) -> list[str]:
    """A run of 3 steps of 8 on 200 rows; toys:logging_ has 64 dimensions, the student 32."""
    rows = [f"the {i} cat sat on {i * 7}\tle {i} chat la {i * 7}" for i in range(200)]
    write(tmp_path / "pairs/made/en-fr.tsv", rows)
    usual = f"--model {tiny_model} --teacher toys:logging_ --data {tmp_path}/pairs --benchmarks mini --pair en-fr"
    steps = "--precision fp32 --batch-size 8 --max-steps 3 --set dev_size=20"
    return ["train", *usual.split(), *steps.split(), "--cache-folder", str(tmp_path / "cache")]


def test_a_run_asks_only_for_the_anchors_that_its_steps_reach_and_the_next_one_for_none(
    command: list[str], log: Path, tmp_path: Path
) -> None:
    assert main([*command, "--output", str(tmp_path / "one")]) == 0
    once = encoded(log)
    assert len(once) == len(set(once))
    assert all(text.startswith("the ") for text in once), "priority labels need the anchor alone"
    assert 3 * 8 <= len(once) <= 1.05 * 3 * 8 + 8 + 1, "of 180 that are there"
    stored = shards(tmp_path)
    assert main([*command, "--output", str(tmp_path / "two")]) == 0
    assert (shards(tmp_path), set(encoded(log))) == (stored, set(once)), "some are looked at again"
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("more", "sides"),
    [(["--label", "average"], {"the", "le"}), (["--label", "hard"], set()), (["--loss", "translation-ranking"], set())],
)
def test_what_each_loss_asks_of_the_teacher(
    command: list[str], log: Path, tmp_path: Path, more: list[str], sides: set[str]
) -> None:
    assert main([*command, *more, "--output", str(tmp_path / "out")]) == 0
    assert {text.split()[0] for text in encoded(log)} == sides


def test_the_teacher_has_its_own_prompt_or_the_students(command: list[str], log: Path, tmp_path: Path) -> None:
    assert main([*command, "--prompt", "query: ", "--output", str(tmp_path / "one")]) == 0
    assert {text.split()[0] for text in encoded(log)} == {"query:"}
    log.unlink()
    both = ["--prompt", "query: ", "--teacher-prompt", "see: ", "--output", str(tmp_path / "two")]
    assert main([*command, *both]) == 0
    assert {text.split()[0] for text in encoded(log)} == {"see:"}
