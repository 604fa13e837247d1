"""`training`: a small public API, which does what the command does."""

from __future__ import annotations

import json
import pydoc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

import training
from bitext_bench.cli.main import main
from bitext_bench.errors import UserError
from training import Objective, SoftContrastiveLoss, TrainConfig, train
from training.trainer.train import Trained


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "numbers").mkdir(parents=True)
    lines = [f"There are {n} houses.\tIl y a {n} maisons.\n" for n in range(100, 140)]
    (tmp_path / "data" / "numbers" / "en-fr.tsv").write_text("".join(lines), encoding="utf-8")
    return tmp_path / "data"


def settings(model: Path, **more: Any) -> TrainConfig:
    return TrainConfig(student=str(model), pairs=("en-fr",), max_steps=2, batch_size=8, dev_size=0, **more)


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, training; print({'torch', 'transformers', 'datasets', 'numpy'} & set(sys.modules))"
    for more in ("", "; training.TrainConfig, training.Objective, training.train"):
        changed = code.replace("; print", f"{more}; print").replace(", 'numpy'", "" if more else ", 'numpy'")
        done = subprocess.run([sys.executable, "-c", changed], capture_output=True, text=True, check=True)
        assert done.stdout == "set()\n"


def test_the_public_names_are_there_with_help() -> None:
    assert dir(training) == sorted(training.__all__) == ["Objective", "SoftContrastiveLoss", "TrainConfig", "train"]
    assert (training.SoftContrastiveLoss, training.Objective) == (SoftContrastiveLoss, Objective)
    text = pydoc.plain(pydoc.render_doc(training))
    assert "\n    train(" in text and "class TrainConfig(" in text
    with pytest.raises(AttributeError, match="module 'training' has no attribute 'fit'"):
        training.fit  # type: ignore[attr-defined]  # noqa: B018


def test_a_missing_package_is_named_with_the_extra() -> None:
    code = "import sys, training; sys.modules['sentence_transformers'] = None; training.SoftContrastiveLoss"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: training.SoftContrastiveLoss needs the package sentence_transformers: "
        'install the extra train (in a clone: pip install ".[train]")'
    )


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore:'pin_memory'")
def test_it_trains_the_checkpoint_that_the_command_trains(data: Path, tiny_model: Path) -> None:
    config = settings(tiny_model, objective=Objective(tms=True), epochs=3)
    assert train(config, data, output="python", benchmarks="mini") == Path("python")
    steps = "--max-steps 2 --batch-size 8 --tms --set dev_size=0 --benchmarks mini --output command".split()
    assert main(["train", "--model", str(tiny_model), "--pair", "en-fr", "--data", str(data), *steps]) == 0
    python, command = ({f.name for f in Path(name).iterdir()} for name in ("python", "command"))
    assert python == command
    ours, theirs = (load_file(Path(name) / "model.safetensors") for name in ("python", "command"))
    assert ours.keys() == theirs.keys() and all((ours[name] == theirs[name]).all() for name in ours)
    python, command = (json.loads(Path(name, "train_config.json").read_text()) for name in ("python", "command"))
    assert {name for name in python if python[name] != command[name]} == {"recipe"}
    assert (python["recipe"], command["recipe"]) == ("python", "default")


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore:'pin_memory'")
def test_the_default_directory_is_returned_and_not_replaced(data: Path, tiny_model: Path) -> None:
    checkpoint = train(settings(tiny_model), data, benchmarks="mini")
    assert checkpoint == Path("checkpoints") / f"{tiny_model.name}-en-fr-python"
    assert (checkpoint / "config.json").is_file()
    with pytest.raises(UserError, match="overwrite"):
        train(settings(tiny_model), data, benchmarks="mini")
    assert train(settings(tiny_model), data, benchmarks="mini", overwrite=True) == checkpoint


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("signal", "error"), [(2, KeyboardInterrupt), (15, SystemExit)])
def test_a_stopped_run_does_not_return(
    data: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, signal: int, error: type[BaseException]
) -> None:
    stopped = Trained(None, [], [], {}, 1, {}, signal)  # type: ignore[arg-type]
    monkeypatch.setattr("training.trainer.train.train", lambda *given, **more: stopped)
    with pytest.raises(error) as raised:
        train(settings(tiny_model), data, benchmarks="mini")
    assert not isinstance(raised.value, SystemExit) or raised.value.code == 143


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"config": {"student": "x"}}, "config is {'student': 'x'}: expected a TrainConfig"),
        ({"data": ""}, "data is '': expected a directory"),
        ({"data": []}, "data is []: expected a directory"),
        ({"data": None}, "data is None: expected a directory"),
        ({"benchmarks": 3}, "benchmarks is 3: expected a directory"),
        ({"data": "nowhere", "benchmarks": "mini"}, "nowhere"),
    ],
)
def test_bad_input_is_one_line(given: dict[str, Any], message: str, data: Path, tiny_model: Path) -> None:
    with pytest.raises(UserError) as raised:
        train(**{"config": settings(tiny_model), "data": data, **given})
    assert message in str(raised.value) and "\n" not in str(raised.value)
    assert not Path("checkpoints").exists() or not list(Path("checkpoints").rglob("model.safetensors"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"label": "nope"}, r"unknown label 'nope' \(one of: priority, average, hard\)"),
        ({"divergence": "x"}, r"unknown divergence 'x' \(one of: cross-entropy, kl, jsd, similarity-mse\)"),
        ({"tau_teacher": "x"}, "tau_teacher is 'x': expected a number"),
        ({"tau_student": 0}, r"tau_student is 0.0: expected a number above 0"),
        ({"tau_student": float("inf")}, r"tau_student is inf: expected a finite number"),
        ({"tms": "yes"}, "tms is 'yes': expected true or false"),
    ],
)
def test_an_objective_is_checked_when_it_is_built(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}$"):
        Objective(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": "mse"}, "unknown loss 'mse'"),
        ({"pairs": "en-fr"}, "pairs is 'en-fr': expected a list of strings"),
        ({"max_steps": 2.5}, "max_steps is 2.5: expected a whole number"),
        ({"objective": "hard"}, "objective is 'hard': expected an Objective"),
    ],
)
def test_a_config_is_checked_when_it_is_built(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TrainConfig(**{"student": "x", "pairs": ("en-fr",), **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "x"}, "model is 'x': expected a SentenceTransformer"),
        ({"objective": "hard"}, "objective is 'hard': expected an Objective"),
        ({"teacher": "x"}, "teacher is 'x': expected a matrix of vectors or a SentenceTransformer"),
        ({"mini_batch_size": 0}, "mini_batch_size is 0: expected 1 or more"),
        ({"mini_batch_size": "4"}, "mini_batch_size is '4': expected a number of sentences"),
    ],
)
def test_a_loss_is_checked_when_it_is_built(given: dict[str, Any], message: str) -> None:
    import torch

    with pytest.raises(UserError, match=f"^{message}$"):
        SoftContrastiveLoss(**{"model": torch.nn.Identity(), **given})


def test_lists_and_whole_numbers_become_what_the_fields_are() -> None:
    config = TrainConfig(student="x", pairs=["en-fr"], epochs=2)  # type: ignore[arg-type]
    assert config.pairs == ("en-fr",) and type(config.epochs) is float


def test_a_third_text_column_is_one_line() -> None:
    import torch

    loss = SoftContrastiveLoss(torch.nn.Identity(), Objective(label="hard"))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="a training row has 3 text columns: expected a source and a target sentence"):
        loss([{}, {}, {}])
