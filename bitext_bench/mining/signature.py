"""The signature of a mining run: one line with every setting that can change the pairs, as in the results of `run`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from .. import __version__
from ..encoders import Model
from .filters.record import AnyFilter
from .plan import Plan

_DIGITS = 12  # of a checksum


def mining_signature(plan: Plan, model: Model | None, about: Mapping[str, Any], filters: Sequence[AnyFilter]) -> str:
    """Return the signature.

    Args:
        plan: the plan.
        model: the model; None for vectors.
        about: settings and threshold, as in the report.
        filters: the filters that were applied.
    """
    read = plan.identity
    fields = {
        "task": "mine" if "select" in about else "score",
        "margin": about["margin"],
        "select": about.get("select"),
        "threshold": None if about["threshold"] is None else f"{about['threshold']:.6f}",
        "search": plan.search if plan.search == "exact" else f"{plan.search}({plan.probes})",
        "filters": ",".join(map(_with_version, filters)) or None,
        "split": read.get("split_sentences"),
        "maxchars": read.get("max_characters"),
        "pair": plan.pair,
        **(_model_fields(model) if model is not None else {}),
        **{side: str(read[side])[:_DIGITS] for side in ("source", "target") if read.get(side)},
        "bb": __version__,
    }
    return "|".join(f"{name}:{str(value).replace('|', '/')}" for name, value in fields.items() if value is not None)


def _model_fields(model: Model) -> dict[str, Any]:
    return {
        "prompt": json.dumps(model.prompts.bitext, ensure_ascii=False),
        "pool": model.pooling,
        "dtype": model.dtype,
        "backend": None if model.backend == "torch" else model.backend,
        "maxlen": model.max_length or "model",
        "model": model.identity,
    }


def _with_version(one: AnyFilter) -> str:
    return f"{one.name}({one.needs} {version(one.needs)})" if one.needs else one.name
