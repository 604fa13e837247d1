"""Training as a user meets it: from pairs to a checkpoint that `run` takes without a flag."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from contextlib import chdir
from pathlib import Path

import pytest
from builders import write
from training_runs import Folders, folders_at, made_rows, record, same_run, weights

from bitext_bench.cli.main import main
from bitext_bench.encoders.fingerprint import fingerprint
from bitext_bench.encoders.record import training_of
from bitext_bench.io.checksums import file_sha256

pytestmark = pytest.mark.usefixtures("one_thread_throughout")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A checkpoint that was trained, scored and written down."""
    folders = folders_at(tmp_path_factory.mktemp("finished"), tiny_model)
    more = ["--prompt", "the cat ", "--label", "hard", "--epochs", "8", "--evaluate"]
    given = ["max_length=12", "eval_steps=20", "dev_size=100"]
    write(folders.data / "made/en-fr.tsv", made_rows(400))
    write(folders.data / "made/LICENSE", ["CC0 1.0 Universal", "", "No rights reserved."])
    with chdir(folders.root):  # `run` and --evaluate write to results/ of the working directory
        assert main([*folders.command("out"), *more, *(x for text in given for x in ("--set", text))]) == 0
    return folders.root / "out"


def test_only_what_belongs_to_a_checkpoint_is_left(finished: Path) -> None:
    names = {x.name for x in finished.iterdir()}
    assert {"modules.json", "model.safetensors", "tokenizer.json", "README.md", "train_config.json"} < names
    assert names.isdisjoint({"checkpoints", ".partial", "training_args.bin", "optimizer.pt"})
    assert not [x for x in finished.rglob("*") if x.name.endswith(".tmp")]


def test_records_of_the_training_can_be_left_behind(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    for name in ("README.md", "train_config.json", "dropped_rows.tsv"):
        (copy / name).unlink()
    assert fingerprint(copy) == fingerprint(finished)


def test_the_checkpoint_carries_prompt_similarity_and_its_own_length(finished: Path, tiny_model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(finished), local_files_only=True)
    assert model.prompts["BitextMining"] == model.prompts["STS"] == "the cat "
    given = model.encode(["dog sat"], prompt="the cat ")
    assert given.tobytes() != model.encode(["dog sat"], prompt="").tobytes()
    for encode in (model.encode, model.encode_query, model.encode_document):
        assert encode(["dog sat"]).tobytes() == given.tobytes()
    assert model.similarity_fn_name == "cosine"
    assert model.max_seq_length == 64, "trained with 12"
    assert weights(finished) != weights(tiny_model)


def test_the_record_says_how_to_do_it_again(finished: Path) -> None:
    from training.config import make_config

    said = record(finished)
    config = make_config(said["config"])
    assert json.loads(json.dumps(config.to_dict())) == said["config"]
    assert (config.student_prompt, config.teacher_prompt, config.objective.label) == ("the cat ", "the cat ", "hard")
    assert (config.max_length, config.epochs, config.seed, config.precision) == (12, 8, 10, "fp32")
    assert said["recipe"] == "default"
    assert said["pairs"] == ["en-fr"]
    (corpus,) = said["data"]
    assert (corpus["name"], corpus["read"], corpus["kept"], corpus["contaminated"]) == ("made", 400, 400, 0)
    # A tenth is held out, of 100 that were asked for, and with it the rows that share a sentence with it.
    assert 350 < said["rows"]["en-fr"] <= 360
    assert list(said["contamination"]["covered"]) == [
        "Mini-Tatoeba",
        "Mini-mining",
        "Mini-xSIM",
        "Mini-xSIMpp",
        "Mini-STS",
    ]
    assert said["contamination"]["checked"] == said["contamination"]["covered"]
    assert said["contamination"]["excluded"] == []
    assert [step for step, _ in said["losses"]][:2] == [10, 20]
    assert (finished / "dropped_rows.tsv").read_text() == "corpus\tline\treason\n"


def test_every_result_of_a_checkpoint_says_how_it_was_made(finished: Path) -> None:
    files = list((finished.parent / "results").rglob("*.json"))
    assert len(files) == 5
    said, begun = record(finished), {"name": "local/tiny-bert", "prompt": "the cat "}
    for file in files:
        training = json.loads(file.read_text(encoding="utf-8"))["training"]
        assert begun.items() <= training["student"].items()
        assert (training["teacher"]["name"], training["teacher"]["prompt"]) == ("local/toys:hashing", "the cat ")
        found = [training[name] for name in ("recipe", "pairs", "loss", "label", "tms", "seed", "steps")]
        assert found == ["default", ["en-fr"], "soft-contrastive", "hard", False, 10, said["steps"]]
        assert training["curve"] == [[look["step"], look["dev_accuracy"]] for look in said["dev_curve"]]


def test_it_has_learned_and_the_best_weights_are_kept(finished: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from bitext_bench.data.mini import MiniSource
    from training.config import make_config
    from training.data.contamination import BenchmarkSentences
    from training.pipeline import prepare, read_data
    from training.trainer.dev_evaluator import DevAccuracy, hold_out

    said = record(finished)
    curve = [look["dev_accuracy"] for look in said["dev_curve"]]
    assert [look["step"] for look in said["dev_curve"]] == [0, *range(20, said["steps"], 20), said["steps"]]
    assert said["machine"].endswith(" threads")
    assert max(curve) > curve[0] + 0.2, curve
    assert len(set(curve)) > 2, "a flat curve has no best"
    losses = [loss for _, loss in said["losses"]]
    assert losses[-1] < 0.8 * losses[0]
    config = make_config(said["config"])
    given = read_data(config, finished.parent / "pairs")
    data = prepare(config, given, BenchmarkSentences.build([MiniSource()]), allow_contamination=False).data
    _, held_out = hold_out(data, config.dev_size, config.seed)
    # The length is that of training while it is looked at, and the model's own afterwards: 12 is no cut here.
    model = SentenceTransformer(str(finished), local_files_only=True)
    assert DevAccuracy(held_out, "the cat ")(model)["dev_accuracy"] == max(curve)
    initial = SentenceTransformer(said["config"]["student"], local_files_only=True)
    assert DevAccuracy(held_out, "the cat ")(initial)["dev_accuracy"] == curve[0]


def test_the_card_has_a_model_index_with_intervals_and_signatures(finished: Path) -> None:
    from huggingface_hub import ModelCard

    card = ModelCard.load(finished / "README.md")
    assert card.data.language == ["en", "fr"]
    assert card.data.library_name == "sentence-transformers"
    assert card.data.pipeline_tag == "sentence-similarity"
    assert card.data.model_name == "out"
    assert card.data.base_model is None, "a folder on this machine is nothing to link to"
    scores = {}
    for file in (finished.parent / "results").rglob("*.json"):
        content = json.loads(file.read_text())
        for entry in content["subsets"]:
            scores[entry["signature"]] = (round(100 * entry["scores"][content["main_score"]], 4), entry["n"])
            assert (
                entry["signature"] in card.text.replace(" ", "|") or entry["signature"].replace("|", " ") in card.text
            )
    assert {signature.split("|")[0] for signature in scores} == {
        f"task:Mini-{name}" for name in ("Tatoeba", "mining", "xSIM", "xSIMpp", "STS")
    }
    found = {x.metric_args["signature"]: (x.metric_value, x.metric_args["n"]) for x in card.data.eval_results}
    assert found == scores
    for result in card.data.eval_results:
        low, high = result.metric_args["interval"]
        assert low <= result.metric_value <= high
    for section in ("## Usage", "## Scores", "## Data", "## Training", "## Citation"):
        assert section in card.text
    assert re.search(r"\| made +\| en-fr .*\| CC0 1.0 Universal \|", card.text)


def test_run_takes_it_without_a_flag_and_finds_the_scores_of_evaluate(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = ["--output", str(tmp_path / "results"), "--cache-folder", str(tmp_path / "cache")]
    assert main(["run", "--model", str(finished), "--data", "mini", "--languages", "en,fr", *results]) == 0
    files = sorted((tmp_path / "results").rglob("*.json"))
    assert [file.stem for file in files] == ["Mini-STS", "Mini-Tatoeba", "Mini-mining", "Mini-xSIM", "Mini-xSIMpp"]
    for file in files:
        assert "experiments" not in file.parts, "nothing differs from the model's own settings"
        content = json.loads(file.read_text())
        assert content["model"]["prompt"] == "the cat "
        assert content["model"]["max_length"] == 64
        (own,) = (finished.parent / "results").rglob(file.name)
        assert json.loads(own.read_text())["subsets"] == content["subsets"]
        assert "contamination:" not in file.read_text()
    assert "warning: the model was trained on" not in capsys.readouterr().err


def test_the_usage_on_its_card_runs(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (finished / "README.md").read_text(), re.DOTALL)
    with chdir(finished.parent):
        exec(code, {})
    assert "tensor([[" in capsys.readouterr().out


def test_the_leaderboard_shows_what_evaluate_scored(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with chdir(finished.parent):
        assert main(["leaderboard", "--format", "csv"]) == 0
    assert "local/out" in capsys.readouterr().out


def test_files_have_the_mode_that_the_umask_gives(finished: Path) -> None:
    umask = os.umask(0o077)
    os.umask(umask)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in finished.rglob("*") if file.is_file()}
    assert modes.keys() > {"model.safetensors", "modules.json", "README.md", "train_config.json"}
    assert modes == dict.fromkeys(modes, 0o666 & ~umask)


def test_nothing_held_out_keeps_the_last_weights(folders: Folders) -> None:
    more = ["--set", "dev_size=0", "--max-steps", "4"]
    assert main(folders.command("out", *more)) == 0
    said = record(folders.root / "out")
    assert (said["dev_curve"], said["steps"]) == ([], 4)
    assert "Accuracy on held-out rows" not in (folders.root / "out/README.md").read_text()
    assert main(folders.command("again", *more)) == 0
    same_run(folders.root / "out", folders.root / "again")
    assert main(folders.command("other", *more, "--seed", "1")) == 0
    assert weights(folders.root / "other") != weights(folders.root / "out")


def test_frozen_embeddings_stay_as_they_are(folders: Folders) -> None:
    from safetensors.torch import load_file

    assert main(folders.command("out", "--set", "freeze_embeddings=true", "--max-steps", "3")) == 0
    before, after = (load_file(x / "model.safetensors") for x in (folders.model, folders.root / "out"))
    words = "embeddings.word_embeddings.weight"
    assert before[words].equal(after[words])
    layer = next(name for name in before if "layer.1" in name and name.endswith("dense.weight"))
    assert not before[layer].equal(after[layer])


def test_a_share_of_the_start_is_mixed_into_what_is_saved(folders: Folders) -> None:
    import torch
    from safetensors.torch import load_file

    more = ["--set", "freeze_embeddings=true", "--max-steps", "6"]
    assert main(folders.command("end", *more)) == 0
    assert main(folders.command("mixed", *more, "--set", "wise_ft_share=0.25")) == 0
    said = record(folders.root / "mixed")
    assert said["dev_curve"] == record(folders.root / "end")["dev_curve"]
    assert said["dev_blended"].keys() == said["dev_curve"][0].keys() - {"step"}
    card = (folders.root / "mixed/README.md").read_text()
    assert f"interpolated with the initial ones: {100 * said['dev_blended']['dev_accuracy']:.2f}." in card
    files = (folders.model, folders.root / "end", folders.root / "mixed")
    start, end, mixed = (load_file(folder / "model.safetensors") for folder in files)
    assert any(not start[name].equal(end[name]) for name in start)
    for name in mixed:
        torch.testing.assert_close(mixed[name], 0.25 * start[name] + 0.75 * end[name])


def test_hard_labels_with_distillation_alike_lengths_and_no_dropout(folders: Folders) -> None:
    """The teacher is asked although labels are hard, and what is saved has the start's own dropout and attention."""
    plain = ["--label", "hard", "--set", "dropout=0.0", "--max-steps", "12", "--teacher", str(folders.model)]
    more = [*plain, "--set", "objective.distillation_weight=5", "--set", "group_by_length=true"]
    assert main(folders.command("out", *more)) == 0
    assert main(folders.command("plain", *plain)) == 0
    assert weights(folders.root / "out") != weights(folders.root / "plain")
    assert (folders.root / "out/config.json").read_text() == (folders.root / "plain/config.json").read_text()
    saved, start = (json.loads((x / "config.json").read_text()) for x in (folders.root / "out", folders.model))
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "attn_implementation", "_attn_implementation"):
        assert saved.get(name) == start.get(name)


@pytest.mark.parametrize("label", ["priority", pytest.param("average", marks=pytest.mark.slow)])
def test_batches_of_alike_meanings(folders: Folders, label: str) -> None:
    alike = ["--max-steps", "6", "--label", label, "--set", "topic_aware_batches=true"]
    assert main(folders.command("alike", *alike)) == 0
    assert main(folders.command("random", *alike[:-1], "topic_aware_batches=false")) == 0
    assert weights(folders.root / "alike") != weights(folders.root / "random")
    said = training_of(folders.root / "alike")
    assert said
    assert said["topic_aware_batches"] is True


def test_distillation_takes_a_teacher_of_the_students_dimensions(
    folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(folders.command("out", "--set", "objective.distillation_weight=5")) == 1
    assert "needs a teacher with the student's 32 dimensions, but toys:hashing has 64" in capsys.readouterr().err


def test_several_pairs_and_the_anchor_as_source(folders: Folders) -> None:
    write(folders.data / "made/fr-ja.tsv", made_rows(60, seed=1))
    assert main(folders.command("out", "--pair", "fr-ja", "--max-steps", "6")) == 0
    said = record(folders.root / "out")
    assert said["pairs"] == ["en-fr", "ja-fr"]
    assert set(said["rows"]) == {"en-fr", "ja-fr"}
    assert {"dev_accuracy_en-fr", "dev_accuracy_ja-fr"} < said["dev_curve"][0].keys()
    for look in said["dev_curve"]:
        mean = (look["dev_accuracy_en-fr"] + look["dev_accuracy_ja-fr"]) / 2
        assert look["dev_accuracy"] == pytest.approx(mean)


@pytest.mark.parametrize("separate", [False, True])
def test_the_weights_of_each_model_are_hashed_once(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separate: bool
) -> None:
    folders = folders_at(tmp_path, tiny_model)
    hashed: list[Path] = []

    def counted(file: Path) -> str:
        hashed.append(file)
        return file_sha256(file)

    monkeypatch.setattr("bitext_bench.encoders.fingerprint.file_sha256", counted)
    teacher = Path(shutil.copytree(tiny_model, tmp_path / "teacher")) if separate else tiny_model
    assert main([*folders.command("out"), "--teacher", str(teacher), "--max-steps", "1"]) == 0
    expected = {tiny_model / "model.safetensors", teacher / "model.safetensors"}
    assert sorted(file for file in hashed if file.suffix == ".safetensors") == sorted(expected)
