"""Training on bad input: one line, and nothing that looks like a model."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable

import pytest
from builders import write
from training_runs import Folders, error_line, record

from bitext_bench.cli.main import main

pytestmark = pytest.mark.usefixtures("one_thread_throughout")


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
    (untouched, ["--languages", "en,fr"], ["--pair and --languages exclude each other"]),
    (untouched, ["--data", "nowhere"], ["the training data nowhere do not exist"]),
    (untouched, ["--benchmarks", "nowhere"], ["--benchmarks nowhere: no such directory"]),
    (untouched, ["--corpora", "maid"], ["unknown corpus 'maid'", "did you mean made"]),
    (untouched, ["--teacher", "toys:nan"], ["NaN or infinity for '", "blue"]),
    (untouched, ["--teacher", "toys:flat"], ["toys:flat", "shape (8,)"]),
    (untouched, ["--teacher", "labs"], ["unknown model 'labs'", "did you mean labse"]),
    (untouched, ["--model", "toys:hashing"], ["toys:hashing is not a transformer checkpoint"]),
    (no_tokenizer, ["--model", "ROOT/model"], ["cannot load the model in", "ROOT/model"]),
    (no_weights, ["--model", "ROOT/model"], ["model", "has no weights"]),
    (untouched, ["--batch-size", "97"], ["en-fr has 94 rows", "at least one batch of 97", "--batch-size"]),
    (untouched, ["--batch-size", "0"], ["batch_size is 0", "1 or more"]),
    (untouched, ["--lambda", "0"], ["lambda_cross is 0.0: expected a number above 0"]),
    (untouched, ["--lambda", "-1"], ["lambda_cross is -1.0: expected a number above 0"]),
    (untouched, ["--set", "objective.tau_teacher=0"], ["tau_teacher is 0.0: expected a number above 0"]),
    (untouched, ["--set", "objective.tau_student=-0.1"], ["tau_student is -0.1: expected a number above 0"]),
    (
        untouched,
        ["--loss", "translation-ranking", "--set", "num_hard_negatives=120"],
        ["targets that differ from", "num_hard_negatives is 120"],
    ),
    (untouched, ["--set", "nonsense"], ["--set nonsense: expected NAME=VALUE"]),
    (untouched, ["--set", "=3"], ["--set =3: expected NAME=VALUE"]),
    (untouched, ["--set", "max_grad_nrm=3"], ["unknown setting 'max_grad_nrm'", "did you mean max_grad_norm"]),
    (untouched, ["--set", "lambda_cross=3"], ["did you mean objective.lambda_cross"]),
    (untouched, ["--set", "max_grad_norm=much"], ["max_grad_norm is 'much': expected a number"]),
    (untouched, ["--set", "objective.tau=3"], ["unknown setting 'tau'"]),
    (untouched, ["--set", "num_hard_negatives=2"], ["num_hard_negatives is 2 with the loss soft-contrastive"]),
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
    assert left <= {"train_config.json", "dropped_rows.tsv"}


def static(folders: Folders) -> str:
    """Make a checkpoint of static vectors, as sentence-transformers saves it; returns its path."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folders.model / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)]).save(str(folders.root / "static"))
    return str(folders.root / "static")


def test_a_student_that_cannot_be_trained_is_refused_before_the_folder_is_claimed(
    folders: Folders, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("toys:hashing", static(folders)):
        assert main(folders.command("out", "--model", name)) == 1
        assert f"{name} is not a transformer checkpoint" in error_line(capfd)
        assert not (folders.root / "out").exists()


def test_a_model_that_the_hub_does_not_deliver_is_said_before_the_benchmarks_are_read(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(folders.command("out", "--model", "nowhere/none", "--benchmarks", "hub")) == 1
    assert "cannot get the model nowhere/none from the hub" in error_line(capfd)


def test_training_without_its_extra_stops_at_once(
    folders: Folders, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    assert main(folders.command("out")) == 1
    expected = 'training needs the package accelerate: install the extra train (in a clone: pip install ".[train]")'
    assert error_line(capfd) == f"bitext-bench: error: {expected}"
    assert not (folders.root / "out").exists()


def test_held_out_accuracy_is_said_in_percent(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(folders.command("out", "--max-steps", "2", "--set", "dev_size=8", "--set", "wise_ft_share=0.5")) == 0
    curve = record(folders.root / "out")["dev_curve"]
    errors = capfd.readouterr().err
    best = max(look["dev_accuracy"] for look in curve)
    assert f"best accuracy on held-out rows: {100 * best:.2f} %, at step" in errors
    assert re.search(r"after interpolation with the initial weights: \d+\.\d\d %", errors)


def test_a_student_without_any_tokenizer_is_refused(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    nothing_of_a_tokenizer(folders)
    assert main(folders.command("out", "--model", str(folders.root / "model"), "--max-steps", "2")) == 1
    assert "tokenizer" in error_line(capfd)


def test_what_a_failed_run_leaves_is_in_nobodys_way(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(folders.command("out", "--teacher", "toys:nan")) == 1
    capfd.readouterr()
    assert main(folders.command("out", "--set", "dev_size=0", "--max-steps", "2")) == 0
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
    monkeypatch.setattr("training.trainer.arguments.get_available_reporting_integrations", list)
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


def test_epochs_on_the_command_line_lift_a_recipes_steps(folders: Folders) -> None:
    recipe = folders.root / "mine.toml"
    recipe.write_text('description = "mine"\nmax_steps = 3\n')
    more = ["--recipe", str(recipe), "--set", "dev_size=0"]
    assert main(folders.command("out", *more, "--epochs", "1")) == 0
    assert record(folders.root / "out")["steps"] == 7
    assert main(folders.command("both", *more, "--epochs", "1", "--max-steps", "2")) == 0
    assert record(folders.root / "both")["steps"] == 2


def test_a_loss_that_is_no_number_ends_the_run(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(folders.command("out", "--learning-rate", "1e30", "--set", "dev_size=0")) == 1
    line = error_line(capfd)
    assert "the loss of step" in line and "is nan: lower --learning-rate" in line
    assert not (folders.root / "out/modules.json").exists()


def test_a_prompt_that_is_dropped_is_said(folders: Folders, capfd: pytest.CaptureFixture[str]) -> None:
    quick = ["--set", "dev_size=0", "--max-steps", "2"]
    assert main(folders.command("one", *quick, "--prompt", "query: ")) == 0
    assert "is '', but training uses 'query: '; see --prompt" in capfd.readouterr().err
    again = ["--model", str(folders.root / "one"), *quick]
    assert main(folders.command("two", *again)) == 0
    assert "is 'query: ', but training uses ''; see --prompt" in capfd.readouterr().err
    assert main(folders.command("three", *again, "--prompt", "query: ")) == 0
    assert "the prompt of" not in capfd.readouterr().err


def test_what_the_command_line_says_wins_over_the_recipe(folders: Folders) -> None:
    recipe = folders.root / "mine.toml"
    recipe.write_text(
        'description = "mine"\nseed = 5\nbatch_size = 8\nlearning_rate = 1.0\n'
        "[objective]\ntms = true\ntau_student = 0.3\n"
    )
    more = ["--recipe", str(recipe), "--no-tms", "--set", "objective.divergence=kl", "--max-steps", "2"]
    assert main(folders.command("out", *more, "--set", "dev_size=0", "--set", "student_prompt=a word")) == 0
    config = record(folders.root / "out")["config"]
    assert (config["seed"], config["batch_size"], config["learning_rate"]) == (10, 16, 1e-2)
    objective = config["objective"]
    assert (objective["tms"], objective["tau_teacher"], objective["divergence"]) == (False, 0.05, "kl")
    assert config["student_prompt"] == config["teacher_prompt"] == "a word"
