"""LoRA: what it trains, what it saves, and that a checkpoint scores the same merged and separate."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_train_stops import flip, signal_at
from training_runs import Folders, error_line, folders_at, record

from bitext_bench.cli.main import main
from bitext_bench.encoders import ModelOptions, resolve_model
from training.checkpoint.folder import find_damage

pytestmark = pytest.mark.usefixtures("one_thread_throughout")

RANK = 3
TEXTS = ["the cat sat on the mat", "a dog ran", "le chat"]
LORA = ["--lora", str(RANK), "--teacher", "toys:hashing"]
SEPARATE = [*LORA, "--set", "merge_lora=false"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Folders:
    """One training, saved merged in "merged" and as an adapter in "separate"."""
    runs = folders_at(tmp_path_factory.mktemp("lora"), tiny_model)
    assert main(runs.command("merged", *LORA)) == 0
    assert main(runs.command("separate", *SEPARATE)) == 0
    return runs


def vectors(folder: Path) -> np.ndarray:
    return resolve_model(str(folder), ModelOptions(device="cpu")).load().encode(TEXTS, "", None)


def test_merged_and_separate_checkpoints_are_one_model(runs: Folders) -> None:
    merged, separate, initial = (vectors(x) for x in (runs.root / "merged", runs.root / "separate", runs.model))
    np.testing.assert_allclose(merged, separate, atol=1e-6)
    assert np.abs(merged - initial).max() > 1e-3
    for name in ("losses", "log", "dev_curve", "steps", "rows"):
        assert record(runs.root / "merged")[name] == record(runs.root / "separate")[name]


def test_a_merged_checkpoint_is_a_plain_model(runs: Folders) -> None:
    from sentence_transformers import SentenceTransformer

    folder = runs.root / "merged"
    assert (folder / "config.json").read_text() == (runs.model / "config.json").read_text()
    assert not list(folder.rglob("adapter*"))
    before, after = (load_file(x / "model.safetensors") for x in (runs.model, folder))
    assert before.keys() == after.keys()
    plain = SentenceTransformer(str(folder), device="cpu", local_files_only=True).encode(TEXTS)
    np.testing.assert_allclose(plain, vectors(folder), atol=1e-6)


def test_only_linear_layers_change_and_only_by_the_rank(runs: Folders) -> None:
    before, after = (load_file(x / "model.safetensors") for x in (runs.model, runs.root / "merged"))
    changed = {name for name in before if not before[name].equal(after[name])}
    linear = {
        name
        for name in before
        if name.startswith("encoder")
        and name.endswith(("dense.weight", "self.query.weight", "self.key.weight", "self.value.weight"))
    }
    assert changed == linear
    for name in changed:
        difference = torch.linalg.svdvals((after[name] - before[name]).double())
        assert difference[RANK] < 1e-5 * difference[0], name


def test_a_separate_checkpoint_is_small_and_names_its_base(runs: Folders) -> None:
    folder = runs.root / "separate"
    names = {file.name for file in folder.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "modules.json", "tokenizer.json"} < names
    assert "model.safetensors" not in names
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["r"], config["lora_alpha"]) == (str(runs.model), RANK, 2 * RANK)
    shapes = {name: weight.shape for name, weight in load_file(folder / "adapter_model.safetensors").items()}
    assert all("lora_" in name and RANK in shape for name, shape in shapes.items())
    assert "It is a LoRA adapter of `local/tiny-bert`" in (folder / "README.md").read_text()
    assert "base_model_relation" not in (folder / "README.md").read_text(), "its base is a directory"


def test_run_scores_both_alike(runs: Folders, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shown = []
    for name in ("merged", "separate"):
        command = [
            "run",
            "--model",
            str(runs.root / name),
            "--data",
            "mini",
            "--tasks",
            "Mini-STS",
            "--languages",
            "en,fr",
        ]
        assert main([*command, "--output", str(tmp_path), *runs.cache]) == 0
        output = capfd.readouterr()
        assert "Warning" not in output.err
        shown.append(output.out)
    (merged, separate) = (
        json.loads(next((tmp_path / f"local__{name}").rglob("*.json")).read_text()) for name in ("merged", "separate")
    )
    assert merged["training"]["lora_rank"] == RANK
    for one, other in zip(merged["subsets"], separate["subsets"], strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-4)


def test_an_adapter_is_another_model_on_another_base(runs: Folders, tmp_path: Path) -> None:
    """The base model counts in the fingerprint, and the adapter does."""
    base = Path(shutil.copytree(runs.model, tmp_path / "base"))
    folder = Path(shutil.copytree(runs.root / "separate", tmp_path / "separate"))
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(base)}))
    model = resolve_model(str(folder), ModelOptions())
    assert model.unhashed == ""
    assert model.fingerprint != resolve_model(str(base), ModelOptions()).fingerprint
    weights = load_file(base / "model.safetensors")
    from safetensors.torch import save_file

    save_file({name: weight * 1.01 for name, weight in weights.items()}, base / "model.safetensors")
    assert resolve_model(str(folder), ModelOptions()).fingerprint != model.fingerprint
    with pytest.raises(ValueError, match="changed while it was being loaded"):
        model.load()


def no_base(folder: Path) -> None:
    shutil.rmtree(folder.parent / "base")


def another_shape(folder: Path) -> None:
    config = json.loads((folder.parent / "base/config.json").read_text())
    assert config["hidden_size"] == 32
    weights = load_file(folder / "adapter_model.safetensors")
    from safetensors.torch import save_file

    save_file(
        {name: weight[:, :-1].contiguous() for name, weight in weights.items()}, folder / "adapter_model.safetensors"
    )


def nameless(folder: Path) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": None}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (no_base, ["is an adapter of the model", "which does not exist"]),
        (another_shape, ["does not fit its base model", "size mismatch"]),
        (nameless, ["does not name the base model"]),
    ],
)
def test_an_adapter_that_cannot_be_used_is_one_line(
    runs: Folders,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    words: list[str],
) -> None:
    base = Path(shutil.copytree(runs.model, tmp_path / "base"))
    folder = Path(shutil.copytree(runs.root / "separate", tmp_path / "separate"))
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(base)}))
    damage(folder)
    command = [
        "run",
        "--model",
        str(folder),
        "--data",
        "mini",
        "--tasks",
        "Mini-STS",
        "--output",
        str(tmp_path / "out"),
    ]
    assert main([*command, *runs.cache]) == 1
    line = error_line(capfd)
    for word in words:
        assert word in line


def test_an_adapter_can_be_trained_further(runs: Folders) -> None:
    """Its merged weights are the initial ones."""
    quick = ["--set", "dev_size=0", "--max-steps", "1", "--learning-rate", "1e-12"]
    assert main(runs.command("further", "--model", str(runs.root / "separate"), *quick)) == 0
    np.testing.assert_allclose(vectors(runs.root / "further"), vectors(runs.root / "merged"), atol=1e-6)


def test_a_layer_after_the_transformer_trains_in_full(runs: Folders, dense: Path) -> None:
    """And is interpolated, saved and loaded with an adapter."""
    more = ["--model", str(dense), "--set", "wise_ft_share=0.25"]
    assert main(runs.command("dense", *LORA, *more)) == 0
    assert main(runs.command("dense-separate", *SEPARATE, *more)) == 0
    np.testing.assert_allclose(vectors(runs.root / "dense"), vectors(runs.root / "dense-separate"), atol=1e-6)
    files = (dense, runs.root / "dense", runs.root / "dense-separate")
    start, merged, separate = (load_file(x / "2_Dense/model.safetensors") for x in files)
    for name in start:
        assert merged[name].equal(separate[name])
        assert not merged[name].equal(start[name])


def test_interpolation_with_the_initial_model_scales_the_products(runs: Folders) -> None:
    assert main(runs.command("mixed", *LORA, "--set", "wise_ft_share=0.25")) == 0
    files = (runs.model, runs.root / "merged", runs.root / "mixed")
    start, end, mixed = (load_file(folder / "model.safetensors") for folder in files)
    for name in mixed:
        torch.testing.assert_close(mixed[name], 0.25 * start[name] + 0.75 * end[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("more", [LORA, ["--set", "freeze_embeddings=true"], [*LORA, "--set", "mini_batch_size=5"]])
def test_gradient_checkpointing_changes_no_weight(folders: Folders, more: list[str]) -> None:
    """With dropout, whose random numbers are drawn again; and with nothing trainable below the first layer."""
    quick = [*more, "--set", "dev_size=0", "--max-steps", "3"]
    for name in ("kept", "again"):
        assert (
            main(folders.command(name, *quick, "--set", f"gradient_checkpointing={str(name == 'again').lower()}")) == 0
        )
    one, other = (load_file(folders.root / name / "model.safetensors") for name in ("kept", "again"))
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-5, atol=1e-7)
    assert (folders.root / "kept/config.json").read_text() == (folders.root / "again/config.json").read_text()
    assert any(not x.equal(one[n]) for n, x in load_file(folders.model / "model.safetensors").items())


def test_layers_are_computed_again_only_with_gradient_checkpointing(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.models.bert.modeling_bert import BertAttention

    calls: list[int] = []
    own = BertAttention.forward

    def forward(self: Any, *given: Any, **named: Any) -> Any:
        calls.append(torch.is_grad_enabled())
        return own(self, *given, **named)

    monkeypatch.setattr(BertAttention, "forward", forward)
    quick = [*LORA, "--set", "dev_size=0", "--max-steps", "1"]
    counts = []
    for name in ("false", "true"):
        calls.clear()
        assert main(folders.command(name, *quick, "--set", f"gradient_checkpointing={name}")) == 0
        counts.append(sum(calls))
    assert counts == [4, 8], "two layers, two sides"


def test_a_model_without_gradient_checkpointing_is_refused(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers import BertModel

    monkeypatch.setattr(BertModel, "supports_gradient_checkpointing", False)
    assert main(folders.command("out", "--set", "gradient_checkpointing=true", "--set", "dev_size=0")) == 1
    assert "does not support gradient_checkpointing: set it to false" in error_line(capfd)


def test_accumulated_gradients_are_those_of_the_rows_together(folders: Folders) -> None:
    """For a loss without negatives; in-batch negatives come from one batch only."""
    mse = [
        "--loss",
        "embedding-mse",
        "--set",
        "dropout=0.0",
        "--set",
        "dev_size=0",
        "--epochs",
        "0.25",
        "--device",
        "cpu",
    ]
    assert main(folders.command("whole", *mse)) == 0
    halves = ["--batch-size", "8", "--set", "gradient_accumulation_steps=2"]
    assert main(folders.command("halves", *mse, *halves)) == 0
    said = [record(folders.root / name) for name in ("whole", "halves")]
    assert [x["steps"] for x in said] == [2, 2]
    for name in ("loss", "grad_norm"):
        assert said[0]["log"][0][name] == pytest.approx(said[1]["log"][0][name], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("more", [LORA, SEPARATE])
def test_a_stopped_run_goes_on_as_if_nothing_had_been(
    runs: Folders, monkeypatch: pytest.MonkeyPatch, more: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    name, file = ("merged", "model.safetensors") if more is LORA else ("separate", "adapter_model.safetensors")
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 2)
        assert main(runs.command(f"stopped-{name}", *more)) == 143
    output = runs.root / f"stopped-{name}"
    checkpoint = output / "checkpoints/checkpoint-9"
    assert (checkpoint / "trained.safetensors").is_file()
    assert not (checkpoint / "model.safetensors").exists(), "the frozen weights are in the student"
    assert find_damage(checkpoint) == ""
    damaged = Path(shutil.copytree(output, runs.root / f"damaged-{name}"))
    flip(damaged / "checkpoints/checkpoint-9/trained.safetensors")
    for folder in (damaged, output):
        assert main(runs.command(folder.name, *more, "--resume")) == 0
        assert (folder / file).read_bytes() == (runs.root / name / file).read_bytes()
        assert record(folder)["dev_curve"] == record(runs.root / name)["dev_curve"]
    assert "trained.safetensors has changed): resuming from checkpoint-4" in capfd.readouterr().err


@pytest.mark.slow
def test_a_run_that_was_killed_before_it_was_saved_has_the_best_weights(
    runs: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = [*LORA, "--set", "eval_steps=6"]
    for name, scores in (("whole", [0.1, 0.9, 0.5]), ("cut", [0.1, 0.9, 0.5])):
        found = iter(scores)
        monkeypatch.setattr("training.trainer.dev_evaluator.DevAccuracy._accuracy", lambda *_, of=found: next(of))
        if name == "cut":
            with monkeypatch.context() as patched:
                patched.setattr("training.command._save", None)
                with pytest.raises(TypeError):
                    main(runs.command(name, *flat))
        assert main(runs.command(name, *flat, *(["--resume"] if name == "cut" else []))) == 0
    one, other = ((runs.root / name / "model.safetensors").read_bytes() for name in ("whole", "cut"))
    assert one == other


def test_the_hub_id_of_the_student_is_kept_with_its_commit(tiny_model: Path, tmp_path: Path) -> None:
    """Without a request to the hub, which would warn here."""
    from dataclasses import replace

    from training.config import make_config
    from training.trainer.student import open_student

    config = make_config({"student": "org/base", "pairs": ["en-fr"], "lora_rank": 2})
    model = replace(resolve_model(str(tiny_model), ModelOptions()), name="org/base", revision="abc123")
    open_student(config, model).save_pretrained(str(tmp_path), create_model_card=False)
    saved = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (saved["base_model_name_or_path"], saved["revision"]) == ("org/base", "abc123")


# Refusals


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--lora", "0"], ["lora_rank is 0", "1 or more"]),
        (["--set", "merge_lora=false"], ["merge_lora is false without LoRA: pass --lora"]),
        (["--set", "gradient_accumulation_steps=0"], ["gradient_accumulation_steps is 0", "1 or more"]),
        (["--device", "cuda"], ["--device cuda: torch finds no such device here", "--device cpu"]),
    ],
)
def test_settings_that_cannot_be_are_one_line(
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    more: list[str],
    words: list[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(folders.command("out", *more)) == 1
    line = error_line(capfd)
    for word in words:
        assert word in line
    assert not (folders.root / "out").exists()


def test_lora_without_its_extra_stops_at_once(
    folders: Folders, runs: Folders, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    assert main(folders.command("out", *LORA)) == 1
    expected = (
        'lora_rank is 3, which needs the package peft: install the extra lora (in a clone: pip install ".[lora]")'
    )
    assert error_line(capfd) == f"bitext-bench: error: {expected}"
    assert main(["run", "--model", str(runs.root / "separate"), "--data", "mini", "--tasks", "Mini-STS"]) == 1
    assert "install the extra lora" in error_line(capfd)


@pytest.mark.parametrize(("name", "variable"), [("FSDP", "FSDP"), ("DeepSpeed", "DEEPSPEED")])
def test_split_weights_are_refused(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str, variable: str
) -> None:
    """The environment is that of `accelerate launch --use_fsdp` and `--use_deepspeed`."""
    monkeypatch.setenv(f"ACCELERATE_USE_{variable}", "true")
    assert main(folders.command("out")) == 1
    assert f"{name} is not supported: it splits weights or optimizer state between processes" in error_line(capfd)
    assert not (folders.root / "out").exists()


def test_an_adapter_of_a_directory_is_not_published(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.command.check_access", lambda _: None)
    monkeypatch.setattr("training.command.reserve_repository", None)
    assert main(folders.command("out", *SEPARATE, "--push-to-hub", "org/name")) == 1
    assert "--push-to-hub would publish an adapter of" in error_line(capfd)
