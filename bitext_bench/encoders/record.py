"""Read the training record (train_config.json) that `bitext-bench train` saves with a checkpoint.

It also lists the benchmarks that the training rows were compared with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from .files import read_config

_FILE = "train_config.json"
_SETTINGS = ("loss", "num_hard_negatives", "batch_size", "learning_rate", "seed")
_OBJECTIVE = ("label", "tms", "lambda_cross", "tau_teacher", "tau_student")
# Variants of the loss that are not in the paper's equations, with the paper's value. Recorded if another one was used.
_FORMS: dict[str, Any] = {"divergence": "cross-entropy", "column_labels": "transposed", "symmetric_monolingual": False}
# Settings that a later version added, with the value that changes nothing.
_ADDED = {"lora_rank": None, "merge_lora": True, "gradient_checkpointing": False, "gradient_accumulation_steps": 1}
_BEYOND = (
    "distillation_weight",
    "wise_ft_share",
    "topic_aware_batches",
    "lora_rank",
)  # not in the paper, recorded if used


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
            "settings": _digest(config, [corpus["sha256"] for corpus in record["data"]], record.get("changes")),
            "steps": record["steps"],
            "curve": [[int(look["step"]), look["dev_accuracy"]] for look in record["dev_curve"]],
        }
    except (KeyError, TypeError) as error:
        raise UserError(f"{directory / _FILE} is not the record of a finished training run (no {error})") from error


def _digest(config: Mapping[str, Any], data: list[str], changes: object) -> str:
    """Return a digest of all settings and data, without the seed and the paths of the models.

    Settings that later versions added count only if they are used, and changes when the run was resumed only if there
    are any: the digest of every other run stays the same.
    """
    settings = {
        name: value
        for name, value in config.items()
        if name not in ("seed", "student", "teacher") and not (name in _ADDED and value == _ADDED[name])
    }
    parts = [settings, data, *([changes] if changes else [])]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class ContaminationAudit:
    """The benchmarks that training rows were compared with.

    Attributes:
        tasks: Task name -> compared parts: "en-ja" for the sentences of that pair, "ko-ko" for a pair within one
            language, "ja" for a language's sentences in any pair; None for the whole task.
    """

    tasks: Mapping[str, tuple[str, ...] | None]

    @classmethod
    def from_record(cls, record: object) -> ContaminationAudit | None:
        """Read `contamination` from train_config.json; None if it is missing: the training data is unknown."""
        if not isinstance(record, Mapping):
            return None
        checked = record.get("checked")
        if not isinstance(checked, Mapping):
            return cls({})
        return cls({str(task): None if parts is None else tuple(map(str, parts)) for task, parts in checked.items()})

    def covers(self, task: str, languages: Iterable[str]) -> bool:
        """Return whether a task's sentences in a language or a language pair were compared."""
        parts = self.tasks.get(task, ())
        codes = set(languages)
        return parts is None or codes <= set(parts) or self.pair_name(codes) in parts

    @staticmethod
    def pair_name(languages: Iterable[str]) -> str:
        """Return the name of a language pair in `tasks`: "en-ja", or "ko-ko" for one language."""
        codes = sorted(set(languages))
        return "-".join(codes if len(codes) > 1 else codes * 2)

    def intersection(self, other: ContaminationAudit | None) -> ContaminationAudit:
        """Return the parts that two successive trainings both compared; None is an earlier model without a record."""
        if other is None:
            return self
        tasks: dict[str, tuple[str, ...] | None] = {}
        for task in self.tasks.keys() & other.tasks.keys():
            own, others = self.tasks[task], other.tasks[task]
            if own is None or others is None:
                tasks[task] = others if own is None else own
            else:
                common = {x for x in own if other._has(task, x)} | {x for x in others if self._has(task, x)}
                tasks[task] = tuple(sorted(common))
        return ContaminationAudit({task: parts for task, parts in sorted(tasks.items()) if parts != ()})

    def _has(self, task: str, part: str) -> bool:
        """Return whether a part of a task was compared. A compared pair does not cover each of its languages."""
        parts = self.tasks.get(task) or ()
        return part in parts if "-" not in part else self.covers(task, part.split("-"))
