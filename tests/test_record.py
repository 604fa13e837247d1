"""What a result keeps of the training of its checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bitext_bench.encoders.record import training_of
from bitext_bench.errors import UserError


def write_record(folder: Path, sha256: str = "ab", **settings: Any) -> Path:
    objective = {"label": "priority", "tms": True, "lambda_cross": 0.1, "tau_teacher": 0.1, "tau_student": 0.1}
    config = {
        "student": "a",
        "loss": "soft-contrastive",
        "num_hard_negatives": 0,
        "batch_size": 32,
        "max_grad_norm": 1.0,
        "seed": 1,
    }
    model = {"name": "local/a", "revision": "r", "prompt": ""}
    content = {
        "recipe": "default",
        "config": {**config, "learning_rate": 3e-5, "objective": objective, **settings},
        "models": {"student": model, "teacher": model},
        "pairs": ["en-ja"],
        "data": [{"name": "made", "pair": "en-ja", "sha256": sha256, "kept": 7}],
        "steps": 10,
        "dev_curve": [{"step": 5.0, "dev_accuracy": 0.5}],
    }
    folder.mkdir(exist_ok=True)
    (folder / "train_config.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"seed": 2}, True),
        ({"student": "elsewhere/a"}, True),  # its revision says which it is
        ({"max_grad_norm": 0.5}, False),
        ({"learning_rate": 1e-4}, False),
        ({"sha256": "cd"}, False),
        ({"group_by_length": True}, False),
        ({"topic_aware_batches": True}, False),
        ({"dropout": 0.0}, False),
        ({"wise_ft_share": 0.25}, False),
        # Settings that later versions added count if they are used.
        ({"lora_rank": None, "merge_lora": True, "gradient_checkpointing": False}, True),
        ({"gradient_accumulation_steps": 1}, True),
        ({"lora_rank": 8}, False),
        ({"gradient_accumulation_steps": 2}, False),
    ],
)
def test_runs_that_differ_in_the_seed_only_share_their_settings(
    tmp_path: Path, changes: dict[str, Any], same: bool
) -> None:
    one, other = training_of(write_record(tmp_path / "one")), training_of(write_record(tmp_path / "other", **changes))
    assert one and other
    assert one["corpora"] == {"made en-ja": 7}
    assert one["curve"] == [[5, 0.5]]
    assert (one["settings"] == other["settings"]) is same


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"distillation_weight": 10.0},
        {"divergence": "kl"},
        {"column_labels": "renormalized"},
        {"symmetric_monolingual": True},
    ],
)
def test_what_goes_beyond_the_paper_is_said_where_it_is_used(tmp_path: Path, said: dict[str, Any]) -> None:
    objective = {"label": "priority", "tms": True, "lambda_cross": 0.1, "tau_teacher": 0.1, "tau_student": 0.1}
    usual = {
        "distillation_weight": 0.0,
        "divergence": "cross-entropy",
        "column_labels": "transposed",
        "symmetric_monolingual": False,
    }
    before = training_of(write_record(tmp_path / "before", objective={**objective, **usual}))
    found = training_of(write_record(tmp_path / "now", objective={**objective, **usual, **said}))
    assert before and found
    assert {**before, **said, "settings": found["settings"]} == found
    assert (before["settings"] == found["settings"]) is (not said)


def test_what_has_no_finished_record_has_none(tmp_path: Path) -> None:
    assert training_of(tmp_path) is None
    (tmp_path / "train_config.json").write_text('{"config": {}}', encoding="utf-8")
    assert training_of(tmp_path) is None
    (tmp_path / "train_config.json").write_text('{"config": {}, "models": {}}', encoding="utf-8")
    with pytest.raises(UserError, match="is not the record of a finished training run"):
        training_of(tmp_path)
