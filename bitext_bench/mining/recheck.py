"""Check that the vectors in a work folder still match the model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..embedding.batching import BatchLimits, TextGroup, encode_uncached
from ..embedding.spot_check import stale_reason
from ..encoders import Model
from ..errors import UserError
from ..scoring.neighbors import Vectors
from .encoding import run_model
from .plan import Plan, WorkUnit
from .records import is_intact, load_array, read_record

_SENTENCES = 32  # of each shard


def recheck_stored_vectors(plan: Plan, model: Model) -> None:
    """Encode a few sentences of each shard again, if the model's code or software may have changed.

    Raises:
        UserError: the model returns different vectors now.
    """
    records = {unit: record for unit in plan.stages[0] if (record := read_record(plan, unit))}
    doubt = model.unhashed or any(record.get("software") != model.software for record in records.values())
    done = [unit for unit in records if doubt and is_intact(plan, unit)]
    if plan.model is None or not done:
        return
    encoder = run_model(plan.model).encoder
    sample = [part for unit in done for part in _sample(plan, unit, model.prompts.bitext)]

    def encode(limits: BatchLimits) -> Vectors:
        return np.concatenate([encode_uncached(encoder, texts, model.name, limits) for texts, _ in sample])

    if fault := stale_reason(np.concatenate([vectors for _, vectors in sample]), encode):
        raise UserError(
            f"{plan.root} has vectors that may not be from {model.name}: {fault}; "
            "pass another --work-dir DIR, or remove that directory"
        )


def _sample(plan: Plan, unit: WorkUnit, prompt: str) -> Iterator[tuple[TextGroup, Vectors]]:
    texts = plan.files(unit.side).texts(unit.number)
    rows = sorted(set(np.linspace(0, len(texts) - 1, _SENTENCES, dtype=np.int64).tolist()))
    chosen = TextGroup(tuple(texts[row] for row in rows), plan.language(unit.side), prompt)
    yield chosen, np.array(load_array(plan, unit, "vectors")[rows])
