"""What the record beside a checkpoint (train_config.json, which `bitext-bench train` writes) says of its making."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from .checked import ContaminationAudit
from .configuration import read_config

_FILE = "train_config.json"
_SETTINGS = ("loss", "num_hard_negatives", "batch_size", "learning_rate", "seed")
_OBJECTIVE = ("label", "tms", "lambda_cross", "tau_teacher", "tau_student")
# Other forms of the loss than the paper's equations, recorded where one was taken.
_FORMS: dict[str, Any] = {"divergence": "cross-entropy", "column_labels": "transposed", "symmetric_monolingual": False}
_BEYOND = ("distillation_weight", "wise_ft_share", "topic_aware_batches")  # not in the paper


def contaminated_rows(directory: Path) -> int:
    """Return how many rows of benchmarks a checkpoint, or the student it began as, is known to be trained on."""
    contamination = read_config(directory / _FILE).get("contamination")
    if not isinstance(contamination, dict):
        return 0
    return int(contamination["rows"] if contamination.get("kept") else 0) + int(contamination.get("inherited", 0))


def checked_benchmarks(directory: Path) -> ContaminationAudit | None:
    """Return the benchmarks that training rows were compared with; None for a model that `train` did not make."""
    return ContaminationAudit.from_record(read_config(directory / _FILE).get("contamination"))


def training_of(directory: Path) -> dict[str, Any] | None:
    """Return what a result file keeps of a checkpoint's training; None for a model that has no finished record.

    Models, pairs, recipe, the settings that tell the rows of the paper's tables apart, those that go beyond the paper
    where they are used, `corpora` (rows of each that were kept), `settings` (a digest that runs share which differ in
    the seed only), and `curve`: (step, accuracy on held-out rows) of every look.

    Raises:
        UserError: the record lacks something that training always writes.
    """
    record = read_config(directory / _FILE)
    if "models" not in record:
        return None
    try:
        config = record["config"]
        told = config | config["objective"]
        return {
            "recipe": record["recipe"],
            **record["models"],
            "pairs": record["pairs"],
            **{name: config[name] for name in _SETTINGS},
            **{name: config["objective"][name] for name in _OBJECTIVE},
            **{name: told[name] for name, usual in _FORMS.items() if told.get(name, usual) != usual},
            **{name: told[name] for name in _BEYOND if told.get(name)},
            "corpora": {f"{corpus['name']} {corpus['pair']}": corpus["kept"] for corpus in record["data"]},
            "settings": _digest(config, [corpus["sha256"] for corpus in record["data"]]),
            "steps": record["steps"],
            "curve": [[int(look["step"]), look["dev_accuracy"]] for look in record["dev_curve"]],
        }
    except (KeyError, TypeError) as error:
        raise UserError(f"{directory / _FILE} is not the record of a finished training run (no {error})") from error


def _digest(config: Mapping[str, Any], data: list[str]) -> str:
    """Return a digest of all settings and data but the seed and the paths of the models."""
    settings = {name: value for name, value in config.items() if name not in ("seed", "student", "teacher")}
    return hashlib.sha256(json.dumps([settings, data], sort_keys=True).encode()).hexdigest()[:12]
