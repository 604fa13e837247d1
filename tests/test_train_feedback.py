"""What a training run says while it trains: scores of the initial model, labels, and the values of each step."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformerTrainingArguments
from training_runs import Folders, record
from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from bitext_bench.cli.main import main
from training.losses.labels import label_entropy, mean_entropy, temperature_for
from training.losses.objective import Objective

pytestmark = pytest.mark.usefixtures("one_thread_throughout")


def two_valued(n: int, cosine: float) -> torch.Tensor:
    """Return similarities of n sentences that are all as near to each other."""
    return torch.full((n, n), cosine, dtype=torch.float64).fill_diagonal_(1.0)


def entropy_of_two_valued(n: int, cosine: float, tau: float) -> float:
    """One label of weight p, and n - 1 that share the rest."""
    p = 1 / (1 + (n - 1) * math.exp((cosine - 1) / tau))
    return -p * math.log(p) - (1 - p) * math.log((1 - p) / (n - 1))


@pytest.mark.parametrize(("n", "cosine", "tau"), [(32, 0.1, 0.1), (16, 0.8, 0.02), (64, 0.85, 0.1), (2, -0.5, 1.0)])
def test_the_entropy_is_that_of_the_closed_form(n: int, cosine: float, tau: float) -> None:
    batches = [two_valued(n, cosine)] * 2
    assert mean_entropy(batches, tau) == pytest.approx(entropy_of_two_valued(n, cosine, tau), rel=1e-9)
    assert mean_entropy([*batches, torch.ones(n, n)], tau) == pytest.approx(
        (2 * entropy_of_two_valued(n, cosine, tau) + math.log(n)) / 3, rel=1e-6
    )


@pytest.mark.parametrize(
    ("loss", "settings", "unused"),
    [
        ("soft-contrastive", {}, []),
        ("soft-contrastive", {"tms": True, "lambda_cross": 0.5, "symmetric_monolingual": True}, []),
        ("soft-contrastive", {"lambda_cross": 0.5}, ["lambda_cross"]),
        ("soft-contrastive", {"label": "hard", "tau_teacher": 0.2, "tau_student": 0.2}, ["tau_teacher"]),
        ("embedding-mse", {"label": "hard", "tms": True, "tau_student": 0.2}, ["label", "tms", "tau_student"]),
        ("translation-ranking", {"label": "average", "tau_student": 0.2}, ["label"]),
    ],
)
def test_settings_without_effect(loss: str, settings: dict[str, Any], unused: list[str]) -> None:
    assert Objective(**settings).without_effect(loss) == unused


def test_hard_labels_have_one_positive_and_uniform_labels_have_all() -> None:
    assert float(label_entropy(torch.eye(8))) == 0
    assert float(label_entropy(torch.full((8, 8), 1 / 8)).exp()) == pytest.approx(8)


@pytest.mark.parametrize("tau", [0.03, 0.11, 2.0])
def test_the_temperature_of_a_number_of_positives_is_found(tau: float) -> None:
    positives = math.exp(entropy_of_two_valued(32, 0.6, tau))
    assert temperature_for([two_valued(32, 0.6)], positives, above=tau / 20) == pytest.approx(tau, rel=1e-5)


def test_nearly_one_hot_labels_are_warned_of_with_a_temperature_that_helps(
    folders: Folders, capfd: pytest.CaptureFixture[str]
) -> None:
    quick = ["--max-steps", "1", "--set", "dev_size=0"]
    assert main(folders.command("out", *quick)) == 0
    errors = capfd.readouterr().err
    assert "widget" not in errors, "sentence-transformers' own card is not made"
    assert re.search(r"labels: 1\.0\d effective positives in a batch of 16 \(entropy 0\.0\d nats\)", errors)
    found = re.search(r"warning: the labels are nearly one-hot.*(objective.tau_teacher=\S+) gives 2 effective", errors)
    assert found
    assert main(folders.command("better", *quick, "--set", found[1])) == 0
    errors = capfd.readouterr().err
    assert "one-hot" not in errors
    (positives,) = re.findall(r"labels: (\S+) effective positives", errors)
    assert float(positives) == pytest.approx(2, abs=0.15), "the temperature is rounded to two digits"
    assert main(folders.command("hard", *quick, "--label", "hard")) == 0
    assert "effective positives" not in capfd.readouterr().err


def test_the_record_has_the_parts_of_the_loss(folders: Folders) -> None:
    """They sum to the loss; learning rate and entropy follow from the settings."""
    more = ["--tms", "--teacher", str(folders.model), "--set", "objective.distillation_weight=5", "--set", "dev_size=0"]
    assert main(folders.command("out", *more)) == 0
    entries = record(folders.root / "out")["log"]
    names = ["loss", "grad_norm", "learning_rate", "cross_lingual", "monolingual", "distillation", "label_entropy"]
    for entry in entries:
        assert list(entry) == ["step", *names, "effective_positives"]
        parts = [entry[name] for name in ("cross_lingual", "monolingual", "distillation")]
        assert sum(parts) == pytest.approx(entry["loss"], rel=1e-5)
        assert min(parts) > 0
        assert entry["grad_norm"] > 0
        assert 0 < entry["label_entropy"] < math.log(16)
        assert 1 < entry["effective_positives"] < 16
    rates = [1e-2 * (1 - step / 14) for step in range(14)]
    assert [entry["step"] for entry in entries] == [10, 14]
    means = [sum(rates[:10]) / 10, sum(rates[10:]) / 4]
    assert [entry["learning_rate"] for entry in entries] == pytest.approx(means)
    assert main(folders.command("hard", "--label", "hard", "--set", "dev_size=0")) == 0
    for entry in record(folders.root / "hard")["log"]:
        assert list(entry) == ["step", "loss", "grad_norm", "learning_rate", "cross_lingual"]
        assert entry["cross_lingual"] == pytest.approx(entry["loss"])


def test_a_logger_gets_every_step_and_the_score_of_the_initial_model(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What TensorBoard and W&B get: the trainer creates their callbacks from this table and calls them."""
    got: list[tuple[int, dict[str, float]]] = []

    class Logger(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            got.append((state.global_step, dict(logs)))

    monkeypatch.setitem(INTEGRATION_TO_CALLBACK, "tensorboard", Logger)
    monkeypatch.setattr("training.trainer.arguments.get_available_reporting_integrations", lambda: ["tensorboard"])
    assert main(folders.command("out", "--report-to", "tensorboard", "--max-steps", "4")) == 0
    assert [step for step, logs in got if "eval_dev_accuracy" in logs] == [0, 4]
    steps = [logs for _, logs in got if "loss" in logs]
    assert len(steps) == 4
    for logs in steps:
        assert {"grad_norm", "learning_rate", "cross_lingual", "label_entropy", "effective_positives"} < logs.keys()
    curve = record(folders.root / "out")["dev_curve"]
    assert [logs["eval_dev_accuracy"] for _, logs in got if "eval_dev_accuracy" in logs] == [
        look["dev_accuracy"] for look in curve
    ]


def test_training_that_makes_a_model_worse_is_warned_of(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = iter([0.9, 0.5, 0.6])
    monkeypatch.setattr("training.trainer.dev_evaluator.DevAccuracy._accuracy", lambda *_: next(found))
    assert main(folders.command("out", "--max-steps", "8")) == 0
    errors = capfd.readouterr().err
    assert "best accuracy on held-out rows: 60.00 %, at step 8 (the initial model: 90.00 %)" in errors
    assert "warning: the initial model is better on held-out rows: lower --learning-rate" in errors


def test_the_first_evaluation_changes_no_step(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(folders.command("out", "--max-steps", "3")) == 0
    own = Path(folders.root / "out/model.safetensors").read_bytes()

    monkeypatch.setattr(
        SentenceTransformerTrainingArguments, "eval_on_start", property(lambda _: False, lambda *_: None)
    )
    assert main(folders.command("without", "--max-steps", "3")) == 0
    assert record(folders.root / "without")["dev_curve"][0]["step"] == 3
    assert Path(folders.root / "without/model.safetensors").read_bytes() == own
