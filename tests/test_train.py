"""Training as a user meets it: a checkpoint that `run` takes, stops that lose nothing, bad input in one line."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import WORDS, write

from bitext_bench.cli import main

TESTS = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}", "OMP_NUM_THREADS": "1"}

pytestmark = pytest.mark.usefixtures("one_thread_throughout")


def made_rows(n: int, seed: int = 0) -> list[str]:
    """Return rows whose target is the source under a cipher of words: nothing that an untrained model could know."""
    rng = random.Random(seed)
    words = list(dict.fromkeys(WORDS))[:16]
    cipher = dict(zip(words, [*words[5:], *words[:5]], strict=True))
    chosen: dict[str, str] = {}
    while len(chosen) < n:
        sentence = rng.sample(words, 5)
        chosen.setdefault(" ".join(sentence), " ".join(cipher[word] for word in sentence))
    return [f"{source}\t{target}" for source, target in chosen.items()]


@dataclass(frozen=True)
class Folders:
    """Where a test trains: the data, the cache, and checkpoints by name."""

    root: Path
    model: Path

    @property
    def data(self) -> Path:
        return self.root / "pairs"

    @property
    def cache(self) -> list[str]:
        return ["--cache-folder", str(self.root / "cache")]

    def command(self, output: str, *more: str) -> list[str]:
        """Return a run of 12 steps in two epochs, looked at every 4, that gets better with each."""
        usual = f"--model {self.model} --data {self.data} --tests mini --pair en-fr --precision fp32 --batch-size 16"
        steps = "--epochs 2 --set eval_steps=4 --set dev_rows=10 --learning-rate 1e-2"
        soft = "--no-tms --teacher toys:hashing --set objective.tau_teacher=0.05"
        output_folder = ["--output", str(self.root / output)]
        return ["train", *usual.split(), *steps.split(), *soft.split(), *self.cache, *output_folder, *more]


def folders_at(root: Path, model: Path) -> Folders:
    write(root / "pairs/made/en-fr.tsv", made_rows(104))
    return Folders(root, model)


@pytest.fixture
def folders(tmp_path: Path, tiny_model: Path) -> Folders:
    return folders_at(tmp_path, tiny_model)


def record(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((output / "train_config.json").read_text(encoding="utf-8"))
    return content


def weights(output: Path) -> bytes:
    return (output / "model.safetensors").read_bytes()


def error_line(capfd: pytest.CaptureFixture[str]) -> str:
    """Return the one line of the error; fails where there is none, another one, or a traceback."""
    errors = capfd.readouterr().err
    assert "Traceback" not in errors
    (line,) = [x for x in errors.splitlines() if "error:" in x]
    assert errors.rstrip().endswith(line)
    return line


def same_run(one: Path, other: Path) -> None:
    for name in ("losses", "dev_curve", "steps", "rows"):
        assert record(one)[name] == record(other)[name], name
    assert weights(one) == weights(other)


# From pairs to a checkpoint that needs no flag


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A checkpoint that was trained, scored and written down."""
    folders = folders_at(tmp_path_factory.mktemp("finished"), tiny_model)
    more = ["--prompt", "the cat ", "--label", "hard", "--epochs", "8", "--evaluate"]
    given = ["max_length=12", "eval_steps=20", "dev_rows=100"]
    write(folders.data / "made/en-fr.tsv", made_rows(400))
    assert main([*folders.command("out"), *more, *(x for text in given for x in ("--set", text))]) == 0
    return folders.root / "out"


def test_only_what_belongs_to_a_checkpoint_is_left(finished: Path) -> None:
    names = {x.name for x in finished.iterdir()}
    assert {"modules.json", "model.safetensors", "tokenizer.json", "README.md", "train_config.json"} < names
    assert names.isdisjoint({"checkpoints", ".partial", "training_args.bin", "optimizer.pt"})
    assert not [x for x in finished.rglob("*") if x.name.endswith(".tmp")]


def test_the_checkpoint_carries_prompt_similarity_and_its_own_length(finished: Path, tiny_model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(finished), local_files_only=True)
    assert model.prompts["BitextMining"] == model.prompts["STS"] == "the cat "
    assert model.similarity_fn_name == "cosine"
    assert model.max_seq_length == 64, "trained with 12"
    assert weights(finished) != weights(tiny_model)


def test_the_record_says_how_to_do_it_again(finished: Path) -> None:
    from training.config import make_config

    said = record(finished)
    config = make_config(said["config"])
    assert json.loads(json.dumps(config.to_dict())) == said["config"]
    assert (config.student_prompt, config.teacher_prompt, config.objective.label) == ("the cat ", "the cat ", "hard")
    assert (config.max_length, config.epochs, config.seed, config.precision) == (12, 8, 42, "fp32")
    assert said["recipe"] == "default"
    assert said["pairs"] == ["en-fr"]
    (corpus,) = said["data"]
    assert (corpus["name"], corpus["read"], corpus["kept"], corpus["leaks"]) == ("made", 400, 400, 0)
    # A tenth is held out, of 100 that were asked for, and with it the rows that share a sentence with it.
    assert 350 < said["rows"]["en-fr"] <= 360
    assert said["audit"]["covered"] == ["Mini-Tatoeba", "Mini-mining", "Mini-xSIM", "Mini-xSIMpp", "Mini-STS"]
    assert [step for step, _ in said["losses"]][:2] == [10, 20]
    assert (finished / "dropped.tsv").read_text() == "corpus\tline\treason\n"


def test_every_result_of_a_checkpoint_says_how_it_was_made(finished: Path) -> None:
    files = list((finished / "results").rglob("*.json"))
    assert len(files) == 5
    said, begun = record(finished), {"name": "local/tiny-bert", "prompt": "the cat "}
    for file in files:
        training = json.loads(file.read_text(encoding="utf-8"))["bitext_bench"]["training"]
        assert begun.items() <= training["student"].items()
        assert (training["teacher"]["name"], training["teacher"]["prompt"]) == ("local/toys:hashing", "the cat ")
        found = [training[name] for name in ("recipe", "pairs", "loss", "label", "tms", "seed", "steps")]
        assert found == ["default", ["en-fr"], "soft-contrastive", "hard", False, 42, said["steps"]]
        assert training["curve"] == [[look["step"], look["dev_accuracy"]] for look in said["dev_curve"]]


def test_it_has_learned_and_the_best_weights_are_kept(finished: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from bitext_bench.data.mini import MiniSource
    from training.audit import Benchmarks
    from training.config import make_config
    from training.dev import DevAccuracy, hold_out
    from training.prepare import prepare

    said = record(finished)
    curve = [look["dev_accuracy"] for look in said["dev_curve"]]
    assert [look["step"] for look in said["dev_curve"]] == [*range(20, said["steps"], 20), said["steps"]]
    assert max(curve) > curve[0] + 0.2, curve
    assert len(set(curve)) > 2, "a flat curve has no best"
    losses = [loss for _, loss in said["losses"]]
    assert losses[-1] < 0.8 * losses[0]
    config = make_config(said["config"])
    data = prepare(config, finished.parent / "pairs", Benchmarks.build([MiniSource()]), allow_leaks=False).data
    _, held_out = hold_out(data, config.dev_rows, config.seed)
    # The length is that of training while it is looked at, and the model's own afterwards: 12 is no cut here.
    model = SentenceTransformer(str(finished), local_files_only=True)
    assert DevAccuracy(held_out, "the cat ")(model)["dev_accuracy"] == max(curve)


def test_the_card_has_a_model_index_with_intervals_and_signatures(finished: Path) -> None:
    from huggingface_hub import ModelCard

    card = ModelCard.load(finished / "README.md")
    assert card.data.language == ["en", "fr"]
    assert card.data.library_name == "sentence-transformers"
    assert card.data.pipeline_tag == "sentence-similarity"
    assert card.data.model_name == "out"
    assert card.data.base_model is None, "a folder on this machine is nothing to link to"
    scores = {}
    for file in (finished / "results").rglob("*.json"):
        content = json.loads(file.read_text())
        for entry in content["scores"]["test"]:
            scores[entry["signature"]] = (entry["main_score"], entry["n"])
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
    for section in ("## Scores", "## Data", "## Training"):
        assert section in card.text


def test_run_takes_it_without_a_flag_and_finds_the_scores_of_evaluate(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = ["--output-folder", str(tmp_path / "results"), "--cache-folder", str(tmp_path / "cache")]
    assert main(["run", "--model", str(finished), "--data", "mini", "--languages", "en,fr", *results]) == 0
    files = sorted((tmp_path / "results").rglob("*.json"))
    assert [file.stem for file in files] == ["Mini-STS", "Mini-Tatoeba", "Mini-mining", "Mini-xSIM", "Mini-xSIMpp"]
    for file in files:
        assert "experiments" not in file.parts, "nothing differs from the model's own settings"
        content = json.loads(file.read_text())
        assert content["bitext_bench"]["model"]["prompt"] == "the cat "
        assert content["bitext_bench"]["model"]["max_length"] == 64
        (own,) = (finished / "results").rglob(file.name)
        assert json.loads(own.read_text())["scores"] == content["scores"]
        assert "leaks:" not in file.read_text()
    assert "warning: the model was trained on" not in capsys.readouterr().err


def test_nothing_held_out_keeps_the_last_weights(folders: Folders) -> None:
    more = ["--set", "dev_rows=0", "--max-steps", "4"]
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
    assert main(folders.command("mixed", *more, "--set", "start_share=0.25")) == 0
    said = record(folders.root / "mixed")
    assert said["dev_curve"] == record(folders.root / "end")["dev_curve"]
    assert said["dev_blended"].keys() == said["dev_curve"][0].keys() - {"step"}
    card = (folders.root / "mixed/README.md").read_text()
    assert f"mixed with the start's: {said['dev_blended']['dev_accuracy']:.4f}." in card
    files = (folders.model, folders.root / "end", folders.root / "mixed")
    start, end, mixed = (load_file(folder / "model.safetensors") for folder in files)
    assert any(not start[name].equal(end[name]) for name in start)
    for name in mixed:
        torch.testing.assert_close(mixed[name], 0.25 * start[name] + 0.75 * end[name])


def test_hard_labels_with_distillation_alike_lengths_and_no_dropout(folders: Folders) -> None:
    """The teacher is asked although labels are hard, and what is saved has the start's own dropout and attention."""
    plain = ["--label", "hard", "--set", "dropout=0.0", "--max-steps", "12", "--teacher", str(folders.model)]
    more = [*plain, "--set", "objective.distil=5", "--set", "alike_lengths=true"]
    assert main(folders.command("out", *more)) == 0
    assert main(folders.command("plain", *plain)) == 0
    assert weights(folders.root / "out") != weights(folders.root / "plain")
    assert (folders.root / "out/config.json").read_text() == (folders.root / "plain/config.json").read_text()
    saved, start = (json.loads((x / "config.json").read_text()) for x in (folders.root / "out", folders.model))
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "attn_implementation", "_attn_implementation"):
        assert saved.get(name) == start.get(name)


def test_distillation_takes_a_teacher_of_the_students_dimensions(
    folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(folders.command("out", "--set", "objective.distil=5")) == 1
    assert "needs a teacher of the student's 32 dimensions, and toys:hashing has 64" in capsys.readouterr().err


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


# Stops


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Folders:
    """A run that nothing disturbed, in the folder "whole"."""
    folders = folders_at(tmp_path_factory.mktemp("stops"), tiny_model)
    assert main(folders.command("whole")) == 0
    looks = [look["dev_accuracy"] for look in record(folders.root / "whole")["dev_curve"]]
    assert looks[0] < looks[1] < looks[2], "the best weights have to be the last: earlier ones say nothing of a resume"
    return folders


KILLED = """
import os, signal, sys
from bitext_bench.cli import main
from training.progress import Progress

own = Progress.on_step_end

def on_step_end(self, args, state, control, **kwargs):
    if state.global_step == 10:  # the last checkpoint is of step 8, in the second epoch
        os.kill(os.getpid(), signal.SIGKILL)
    own(self, args, state, control, **kwargs)

Progress.on_step_end = on_step_end
import torch
torch.set_num_threads(1)
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def killed(whole: Folders) -> Path:
    """What a run leaves that was killed in the tenth of its twelve steps."""
    command = [sys.executable, "-c", KILLED, *whole.command("killed")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    output = whole.root / "killed"
    assert sorted(x.name for x in (output / "checkpoints").iterdir()) == ["checkpoint-4", "checkpoint-8", "eval"]
    assert not (output / "modules.json").exists(), "no one may take it for a finished one"
    return output


def test_a_killed_run_goes_on_as_if_nothing_had_been(
    whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(killed, whole.root / "resumed")
    write(whole.root / "resumed/checkpoints/runs/Nov24_host/events", ["what TensorBoard was told"])
    assert main(whole.command("resumed")) == 1
    assert "pass --resume to go on with it" in error_line(capfd)
    assert main(whole.command("resumed", "--resume")) == 0
    same_run(whole.root / "whole", whole.root / "resumed")
    assert not (whole.root / "resumed/checkpoints").exists()
    assert (whole.root / "resumed/runs/Nov24_host/events").read_text() == "what TensorBoard was told\n"


@pytest.mark.parametrize("damage", ["trainer_state.json", "model.safetensors"])
def test_a_checkpoint_that_was_cut_off_is_not_the_one_to_go_on_from(whole: Folders, killed: Path, damage: str) -> None:
    output = whole.root / f"cut-{damage}"
    shutil.copytree(killed, output)
    (output / "checkpoints/checkpoint-8" / damage).unlink()
    assert main(whole.command(output.name, "--resume")) == 0
    same_run(whole.root / "whole", output)


def signal_at(monkeypatch: pytest.MonkeyPatch, number: int, look: int) -> None:
    """Send the signal while the held-out rows are looked at for the `look`-th time."""
    from training.dev import DevAccuracy

    own: Callable[..., dict[str, float]] = DevAccuracy.__call__
    looks: list[int] = []

    def call(self: DevAccuracy, *args: Any, **kwargs: Any) -> dict[str, float]:
        looks.append(1)
        if len(looks) == look:
            signal.raise_signal(number)
        return own(self, *args, **kwargs)

    monkeypatch.setattr(DevAccuracy, "__call__", call)


@pytest.mark.parametrize(("number", "look", "step"), [(signal.SIGTERM, 1, 5), (signal.SIGINT, 2, 9)])
def test_a_signal_saves_and_says_how_to_go_on(
    whole: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    number: int,
    look: int,
    step: int,
) -> None:
    output = whole.root / f"signal-{number}"
    handlers = [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
    with monkeypatch.context() as patched:
        signal_at(patched, number, look)
        assert main(whole.command(output.name)) == 130
    assert [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)] == handlers
    errors = capfd.readouterr().err
    assert errors.splitlines()[-1] == (
        f"bitext-bench: stopped after step {step} and saved; the same command with --resume goes on from there"
    )
    assert "Traceback" not in errors
    assert not (output / "modules.json").exists()
    assert (output / f"checkpoints/checkpoint-{step}").is_dir()
    assert main(whole.command(output.name, "--resume")) == 0
    same_run(whole.root / "whole", output)


def test_a_signal_at_the_very_end_leaves_nothing_to_do_but_finish(
    whole: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 3)
        assert main(whole.command("end")) in (0, 130)
    if not (whole.root / "end/modules.json").exists():
        assert main(whole.command("end", "--resume")) == 0
    same_run(whole.root / "whole", whole.root / "end")


def test_patience_is_counted_through_a_stop(whole: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing is learned at this rate: the first look stays the best one, and the second after it ends the run.
    flat = ["--learning-rate", "1e-12", "--set", "patience=2", "--set", "eval_steps=2"]
    assert main(whole.command("patient", *flat)) == 0
    assert record(whole.root / "patient")["steps"] == 6
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 2)
        assert main(whole.command("impatient", *flat)) == 130
    assert main(whole.command("impatient", *flat, "--resume")) == 0
    assert record(whole.root / "impatient")["steps"] == 6


def test_a_projection_goes_on_where_it_was(whole: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The teacher has other dimensions than the student: the layer between them is trained, too."""
    runs = Folders(tmp_path, whole.model)
    shutil.copytree(whole.data, runs.data)
    mse = ["--loss", "embedding-mse", "--teacher", "toys:hashing"]
    assert main(runs.command("mse", *mse)) == 0
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 2)
        assert main(runs.command("stopped", *mse)) == 130
    shutil.copytree(runs.root / "stopped", runs.root / "cut-off")
    (runs.root / "cut-off/checkpoints/checkpoint-9/loss.pt").unlink()
    for output in ("stopped", "cut-off"):
        assert main(runs.command(output, *mse, "--resume")) == 0
        same_run(runs.root / "mse", runs.root / output)


def test_resume_where_there_is_nothing_begins(whole: Folders) -> None:
    assert main(whole.command("nothing", "--resume")) == 0
    same_run(whole.root / "whole", whole.root / "nothing")


def test_other_data_are_not_gone_on_with(
    whole: Folders, killed: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = Folders(tmp_path, whole.model)
    write(other.data / "made/en-fr.tsv", made_rows(104, seed=9))
    shutil.copytree(killed, other.root / "resumed")
    assert main(other.command("resumed", "--resume")) == 1
    assert "made" in error_line(capfd)


# Folders


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], ["exists: pass --resume", "--overwrite", "--output"]),
        (["--resume"], ["is finished: run bitext-bench run --model"]),
        (["--resume", "--seed", "7"], ["is finished"]),
        (["--resume", "--overwrite"], ["--overwrite and --resume exclude each other"]),
    ],
)
def test_a_finished_checkpoint_is_not_touched(
    whole: Folders, capfd: pytest.CaptureFixture[str], more: list[str], words: list[str]
) -> None:
    before = {file: file.read_bytes() for file in (whole.root / "whole").rglob("*") if file.is_file()}
    assert main(whole.command("whole", *more)) == 1
    line = error_line(capfd)
    for word in words:
        assert word in line
    assert before == {file: file.read_bytes() for file in (whole.root / "whole").rglob("*") if file.is_file()}


def test_other_settings_are_named(whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    more = ["--resume", "--seed", "7", "--lambda", "0.5", "--label", "average"]
    assert main(whole.command("killed", *more)) == 1
    line = error_line(capfd)
    assert "seed was 42 and is 7" in line
    for word in ("'lambda_cross': 0.1", "'lambda_cross': 0.5", "'label': 'priority'", "'label': 'average'"):
        assert word in line
    for word in ("batch_size", "student_prompt", "learning_rate"):
        assert word not in line


def test_overwrite_begins_anew_in_folders_of_training_alone(
    folders: Folders, capfd: pytest.CaptureFixture[str]
) -> None:
    quick = ["--set", "dev_rows=0", "--max-steps", "2"]
    assert main(folders.command("out", *quick)) == 0
    (folders.root / "out/old").write_text("of the first run")
    assert main(folders.command("out", *quick, "--seed", "3", "--overwrite")) == 0
    assert record(folders.root / "out")["config"]["seed"] == 3
    assert not (folders.root / "out/old").exists()
    capfd.readouterr()
    mine = folders.root / "mine/thesis.tex"
    write(mine, ["years of work"])
    for flag in ("--overwrite", "--resume"):
        assert main(folders.command("mine", *quick, flag)) == 1
        assert "holds no train_config.json" in error_line(capfd)
        assert mine.read_text() == "years of work\n"
    (folders.root / "file").write_text("a file")
    assert main(folders.command("file", *quick, "--overwrite")) == 1
    error_line(capfd)
    assert (folders.root / "file").read_text() == "a file"


@pytest.mark.parametrize(
    "mistake", [["--data", "nowhere"], ["--model", "nowhere/at/all"], ["--tests", "nowhere"], ["--batch-size", "999"]]
)
def test_overwrite_does_not_throw_a_checkpoint_away_for_a_run_that_cannot_begin(
    whole: Folders, folders: Folders, capfd: pytest.CaptureFixture[str], mistake: list[str]
) -> None:
    shutil.copytree(whole.root / "whole", folders.root / "out")
    assert main(folders.command("out", "--overwrite", *mistake)) == 1
    error_line(capfd)
    assert weights(folders.root / "out") == weights(whole.root / "whole")


@pytest.mark.parametrize("role", ["--model", "--teacher"])
def test_overwrite_does_not_remove_what_the_run_begins_from(
    whole: Folders, folders: Folders, capfd: pytest.CaptureFixture[str], role: str
) -> None:
    shutil.copytree(whole.root / "whole", folders.root / "out")
    assert main(folders.command("out", "--overwrite", role, str(folders.root / "out"))) == 1
    assert "--overwrite would remove the" in error_line(capfd)
    assert weights(folders.root / "out") == weights(whole.root / "whole")


# Bad input


def three_columns(folders: Folders) -> None:
    write(folders.data / "made/en-fr.tsv", ["the cat\tle chat", "the dog\tle chien\t0.9"])


def one_column(folders: Folders) -> None:
    write(folders.data / "made/en-fr.tsv", ["the cat\tle chat", "the dog"])


def nothing_left(folders: Folders) -> None:
    write(folders.data / "made/en-fr.tsv", ["the cat\tthe cat", "...\t!", "the dog\t"])


def no_tokenizer(folders: Folders) -> None:
    shutil.copytree(folders.model, folders.root / "model", ignore=shutil.ignore_patterns("tokenizer.json"))


def nothing_of_a_tokenizer(folders: Folders) -> None:
    shutil.copytree(folders.model, folders.root / "model", ignore=shutil.ignore_patterns("tokenizer*"))


def no_weights(folders: Folders) -> None:
    (folders.root / "model").mkdir()


def untouched(folders: Folders) -> None:
    pass


BAD_INPUT: list[tuple[Callable[[Folders], None], list[str], list[str]]] = [
    (three_columns, [], ["en-fr.tsv:2", "3"]),
    (one_column, [], ["en-fr.tsv:2", "1"]),
    (nothing_left, [], ["nothing is left to train en-fr on", "3 rows read, 0 kept", "identical 1"]),
    (untouched, ["--pair", "en-frnch"], ["unknown language 'frnch'", "did you mean"]),
    (untouched, ["--pair", "en-ja"], ["no training pairs for en-ja", "<corpus>/en-ja.tsv"]),
    (untouched, ["--data", "nowhere"], ["the training data nowhere are not there"]),
    (untouched, ["--tests", "nowhere"], ["nowhere", "no such directory"]),
    (untouched, ["--corpora", "maid"], ["unknown corpus 'maid'", "did you mean made"]),
    (untouched, ["--teacher", "toys:nan"], ["NaN or infinity for '", "blue"]),
    (untouched, ["--teacher", "toys:flat"], ["toys:flat", "shape (8,)"]),
    (untouched, ["--teacher", "labs"], ["unknown model 'labs'", "did you mean labse"]),
    (untouched, ["--model", "toys:hashing"], ["toys:hashing is no transformer checkpoint"]),
    (no_tokenizer, ["--model", "ROOT/model"], ["cannot load the model in", "ROOT/model"]),
    (no_weights, ["--model", "ROOT/model"], ["model", "holds no weights"]),
    (untouched, ["--batch-size", "97"], ["en-fr has 94 rows", "at least one batch of 97", "--batch-size"]),
    (untouched, ["--batch-size", "0"], ["batch_size is 0", "1 or more"]),
    (untouched, ["--lambda", "0"], ["lambda_cross is 0.0: expected a number above 0"]),
    (untouched, ["--lambda", "-1"], ["lambda_cross is -1.0: expected a number above 0"]),
    (untouched, ["--set", "objective.tau_teacher=0"], ["tau_teacher is 0.0: expected a number above 0"]),
    (untouched, ["--set", "objective.tau_student=-0.1"], ["tau_student is -0.1: expected a number above 0"]),
    (untouched, ["--set", "nonsense"], ["--set nonsense: expected NAME=VALUE"]),
    (untouched, ["--set", "=3"], ["--set =3: expected NAME=VALUE"]),
    (untouched, ["--set", "clipp=3"], ["unknown setting 'clipp'", "did you mean clip"]),
    (untouched, ["--set", "lambda_cross=3"], ["did you mean objective.lambda_cross"]),
    (untouched, ["--set", "clip=much"], ["clip is 'much': expected a number"]),
    (untouched, ["--set", "objective.tau=3"], ["unknown setting 'tau'"]),
    (untouched, ["--set", "hard_negatives=2"], ["hard_negatives is 2 with the loss soft-contrastive"]),
    (untouched, ["--recipe", "papr"], ["unknown recipe 'papr'", "did you mean paper", "--list-recipes"]),
    (untouched, ["--recipe", "nowhere.toml"], ["cannot read the recipe nowhere.toml"]),
]


@pytest.mark.parametrize(("change", "more", "words"), BAD_INPUT)
def test_bad_input_is_one_line_and_leaves_nothing_that_looks_like_a_model(
    folders: Folders,
    capfd: pytest.CaptureFixture[str],
    change: Callable[[Folders], None],
    more: list[str],
    words: list[str],
) -> None:
    change(folders)
    assert main(folders.command("out", *(x.replace("ROOT", str(folders.root)) for x in more))) == 1
    line = error_line(capfd)
    for word in words:
        assert word.replace("ROOT", str(folders.root)) in line
    left = {x.name for x in (folders.root / "out").rglob("*")} if (folders.root / "out").exists() else set()
    assert left <= {"train_config.json", "dropped.tsv"}


def test_a_student_without_any_tokenizer_is_refused(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    nothing_of_a_tokenizer(folders)
    assert main(folders.command("out", "--model", str(folders.root / "model"), "--max-steps", "2")) == 1
    assert "tokenizer" in error_line(capfd)


def test_what_a_failed_run_leaves_is_in_nobodys_way(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(folders.command("out", "--teacher", "toys:nan")) == 1
    capfd.readouterr()
    assert main(folders.command("out", "--set", "dev_rows=0", "--max-steps", "2")) == 0
    assert record(folders.root / "out")["config"]["teacher"] == "toys:hashing"


def test_an_objective_that_is_set_as_a_whole_is_not_dropped_in_silence(
    folders: Folders, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(folders.command("out", "--set", "objective=7", "--max-steps", "2")) == 1
    assert "objective" in error_line(capfd)


def test_fp16_needs_a_gpu(folders: Folders, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(folders.command("out", "--precision", "fp16")) == 1
    assert "fp16 training needs a GPU" in error_line(capfd)
    assert not (folders.root / "out").exists()


@pytest.mark.parametrize(
    ("name", "said"), [("carrier-pigeon", "expected one of .*tensorboard"), ("tensorboard", "pip install tensorboard")]
)
def test_what_cannot_be_reported_to_is_said_before_anything_begins(
    folders: Folders, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setattr("training.arguments.get_available_reporting_integrations", list)
    assert main(folders.command("out", "--report-to", name)) == 1
    assert re.search(said, error_line(capfd))
    assert not (folders.root / "out").exists()


def test_without_data_or_model_nothing_heavy_begins(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--model", "x", "--pair", "en-fr"]) == 1
    assert "no training data: pass --data" in error_line(capfd)
    assert main(["train", "--data", "x", "--pair", "en-fr"]) == 1
    assert "no student model: pass --model" in error_line(capfd)
    assert main(["train", "--data", "x", "--model", "x"]) == 1
    assert "no language pair to train on: pass --pair" in error_line(capfd)


@pytest.mark.parametrize("more", [["--loss", "nonsense"], ["--batch-size", "many"], ["--precision", "fp8"]])
def test_usage_is_2(folders: Folders, more: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(folders.command("out", *more))
    assert stopped.value.code == 2
    assert "usage:" in capfd.readouterr().err


def test_the_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list-recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"default", "paper", "cpu-minutes", "authors-code"} <= {line.split()[0] for line in lines}


def test_what_the_command_line_says_wins_over_the_recipe(folders: Folders) -> None:
    recipe = folders.root / "mine.toml"
    recipe.write_text(
        'description = "mine"\nseed = 5\nbatch_size = 8\nlearning_rate = 1.0\n'
        "[objective]\ntms = true\ntau_student = 0.3\n"
    )
    more = ["--recipe", str(recipe), "--no-tms", "--set", "objective.divergence=kl", "--max-steps", "2"]
    assert main(folders.command("out", *more, "--set", "dev_rows=0", "--set", "student_prompt=a word")) == 0
    config = record(folders.root / "out")["config"]
    assert (config["seed"], config["batch_size"], config["learning_rate"]) == (5, 16, 1e-2)
    objective = config["objective"]
    assert (objective["tms"], objective["tau_teacher"], objective["divergence"]) == (False, 0.05, "kl")
    assert config["student_prompt"] == config["teacher_prompt"] == "a word"
