"""Read the training record (train_config.json) that `bitext-bench train` saves with a checkpoint."""

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
# Variants of the loss that are not in the paper's equations, with the paper's value. Recorded if another one was used.
_FORMS: dict[str, Any] = {"divergence": "cross-entropy", "column_labels": "transposed", "symmetric_monolingual": False}
_BEYOND = ("distillation_weight", "wise_ft_share", "topic_aware_batches")  # not in the paper, recorded if used


def contaminated_rows(directory: Path) -> int:
    """Return the number of benchmark rows in a checkpoint's training data, those of its initial model included."""
    contamination = read_config(directory / _FILE).get("contamination")
    if not isinstance(contamination, dict):
        return 0
    return int(contamination["rows"] if contamination.get("kept") else 0) + int(contamination.get("inherited", 0))


def checked_benchmarks(directory: Path) -> ContaminationAudit | None:
    """Return the benchmarks that training rows were compared with; None for a model without a training record."""
    return ContaminationAudit.from_record(read_config(directory / _FILE).get("contamination"))


def training_of(directory: Path) -> dict[str, Any] | None:
    """Return the training record for a result file; None for a model without a finished record.

    It has the models, pairs and recipe; the settings that distinguish the rows of the paper's tables; settings that
    are not in the paper, if used; `corpora`, the number of kept rows for each; `settings`, a digest that is equal for
    runs that differ only in the seed; and `curve`, (step, accuracy on held-out rows) for each evaluation.

    Raises:
        UserError: The record does not have everything that training always writes.
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
    """Return a digest of all settings and data, without the seed and the paths of the models."""
    settings = {name: value for name, value in config.items() if name not in ("seed", "student", "teacher")}
    return hashlib.sha256(json.dumps([settings, data], sort_keys=True).encode()).hexdigest()[:12]
