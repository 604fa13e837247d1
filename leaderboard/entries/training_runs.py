"""Parse the training record in a result file."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bitext_bench.results.schema import TrainedFrom, TrainingRecord

_PAPER = {"lambda_cross": 0.1, "tau_teacher": 0.1, "tau_student": 0.1}  # Park et al. 2024, section 4.1
# Fields that may differ between seeds of one training. The steps may differ too, because of early stopping, but only if
# the settings are recorded: without them, different steps may mean different settings.
_OF_A_SEED = ("seed", "curve")
_FORMS = ("divergence", "column_labels", "symmetric_monolingual")  # recorded only if they differ from the paper
_NEEDED = {"pairs", "loss", "label", "tms", "num_hard_negatives", "recipe", "steps", "batch_size", "seed", *_PAPER}


@dataclass(frozen=True, slots=True, order=True)
class ModelRef:
    """The student or teacher of a training."""

    name: str
    revision: str
    prompt: str

    @property
    def short(self) -> str:
        """The name without the organization, or without "local/" for a directory."""
        return self.name.rpartition("/")[2] or self.name


@dataclass(frozen=True, slots=True)
class Training:
    """How a checkpoint was trained.

    Attributes:
        label, tms: settings of the soft contrastive loss; other losses record them but do not use them.
        uses_teacher: whether the loss uses a teacher; hard labels and translation ranking do not.
        beyond: whether a setting is not in the paper, so that the training matches no row of its tables.
        shared: a key that is equal for runs that differ only in the seed.
        data: (corpus, rows kept); empty if not recorded.
        particulars: descriptions of settings that differ from the paper's.
    """

    student: ModelRef
    teacher: ModelRef
    pairs: frozenset[frozenset[str]]
    loss: str
    label: str
    tms: bool
    num_hard_negatives: int
    uses_teacher: bool
    beyond: bool
    recipe: str
    steps: int
    batch_size: int
    seed: int
    shared: str
    data: tuple[tuple[str, int], ...]
    particulars: tuple[str, ...]


def parse_training(record: TrainingRecord | None) -> Training | None:
    """Parse the training record of a model; return None if it is missing or incomplete."""
    if record is None or record.student is None or record.teacher is None or not record.model_fields_set >= _NEEDED:
        return None
    return Training(
        student=_parse_model_ref(record.student),
        teacher=_parse_model_ref(record.teacher),
        pairs=frozenset(frozenset(pair.split("-")) for pair in record.pairs),
        loss=record.loss,
        label=record.label,
        tms=record.tms,
        num_hard_negatives=record.num_hard_negatives,
        uses_teacher=_uses_teacher(record),
        beyond=bool(
            record.distillation_weight
            or record.wise_ft_share
            or record.topic_aware_batches
            or record.lora_rank
            or record.divergence
        ),
        recipe=record.recipe,
        steps=record.steps,
        batch_size=record.batch_size,
        seed=record.seed,
        shared=_run_group(record),
        data=tuple(record.corpora.items()),
        particulars=_unusual_settings(record),
    )


def _parse_model_ref(model: TrainedFrom) -> ModelRef:
    return ModelRef(model.name, model.revision, model.prompt)


def _uses_teacher(record: TrainingRecord) -> bool:
    if record.loss == "soft-contrastive":
        return record.label != "hard" or bool(record.distillation_weight)
    return record.loss != "translation-ranking"


def _run_group(record: TrainingRecord) -> str:
    apart = (*_OF_A_SEED, "steps") if "settings" in record.model_fields_set else _OF_A_SEED
    return json.dumps({name: value for name, value in record.to_dict().items() if name not in apart}, sort_keys=True)


def _unusual_settings(record: TrainingRecord) -> tuple[str, ...]:
    """Describe the settings that differ from the paper's and are not in the label of a row."""
    recorded = {name: getattr(record, name) for name in TrainingRecord.model_fields if name in record.model_fields_set}
    found = [f"{name} {recorded[name]}" for name, usual in _PAPER.items() if recorded[name] != usual]
    found += [f"{name} {recorded[name]}" for name in _FORMS if name in recorded]
    if record.num_hard_negatives > 1:
        found.append(f"{record.num_hard_negatives} hard negatives per row")
    if "learning_rate" in recorded:
        found.append(f"learning rate {record.learning_rate:g}")
    return tuple(found)
