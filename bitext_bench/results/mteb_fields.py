"""The fields of a result file that `mteb.results.TaskResult.from_disk` reads. They repeat values of our fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tasks import OF_MTEB

# mteb's name of a score -> ours. mteb's weighted recall equals its accuracy: each target belongs to exactly one query.
_NAMES = {
    "f1": "mteb_f1",
    "accuracy": "mteb_accuracy",
    "recall": "mteb_accuracy",
    "alpha_auc": "mteb_alpha_auc",
    "cosine_spearman": "cosine_spearman",
    "cosine_pearson": "cosine_pearson",
}
_MAIN = ("f1", "alpha_auc", "cosine_spearman")  # mteb's main scores of BitextMining and STS


def mteb_fields(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return mteb's fields for the content of a result file.

    The main score of a subset is mteb's if the file has it (`mteb_f1`, `cosine_spearman`), otherwise ours. The revision
    of the data set is the name of our data. mteb's version is None, because mteb did not compute the scores.
    """
    entries = [_entry(subset, content["main_score"]) for subset in content["subsets"]]
    return {
        "task_name": content["task"].removeprefix(OF_MTEB),
        "dataset_revision": content["data"],
        "mteb_version": None,
        "scores": {content["split"]: entries},
    }


def check_mteb_fields(content: Mapping[str, Any]) -> None:
    """Check that mteb's fields agree with ours.

    Raises:
        ValueError: a field differs; the message names it.
    """
    for name, value in mteb_fields(content).items():
        if content[name] != value:
            raise ValueError(f"{name}: mteb would read other values than bitext-bench")


def _entry(subset: Mapping[str, Any], main_score: str) -> dict[str, Any]:
    named = by_mteb_names(subset["scores"])
    main = next((named[name] for name in _MAIN if name in named), subset["scores"][main_score])
    return {"hf_subset": subset["subset"], "languages": subset["languages"], "main_score": main, **named}


def by_mteb_names(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return the scores that have MTEB's definition, by MTEB's names.

    >>> by_mteb_names({"accuracy": 0.95, "mteb_accuracy": 0.94, "mteb_f1": 0.92})
    {'f1': 0.92, 'accuracy': 0.94, 'recall': 0.94}
    """
    return {theirs: scores[ours] for theirs, ours in _NAMES.items() if ours in scores}
