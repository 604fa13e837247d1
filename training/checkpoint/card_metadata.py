"""The YAML metadata at the top of a model card: the hub's fields, with the scores as a model index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bitext_bench.languages import LangPair
from bitext_bench.results.records import TaskResult


def render_metadata(name: str, record: Mapping[str, Any], results: Sequence[TaskResult]) -> str:
    """Return the YAML; takes the arguments of `render_card`. Scores and intervals are in percent, as on the card."""
    from huggingface_hub import EvalResult, ModelCardData

    pairs = [LangPair.parse(pair) for pair in record["pairs"]]
    evaluated = [
        EvalResult(
            task_type="sentence-similarity" if result.main_score == "cosine_spearman" else "translation-retrieval",
            dataset_type="bitext-bench",
            dataset_name=f"{result.label} ({entry.subset})",
            dataset_config=entry.subset,
            dataset_split=result.split,
            dataset_revision=result.data,
            metric_type=result.main_score,
            metric_value=_percent(value),
            metric_args={
                "n": entry.n,
                # YAML has no tuples.
                "interval": [_percent(end) for end in entry.intervals.get(result.main_score) or ()] or None,
                "signature": entry.signature,
            },
        )
        for result in results
        for entry in result.subsets
        if (value := entry.scores[result.main_score]) is not None
    ]
    base = base_model(record)
    dataset = record.get("hub_dataset")
    data = ModelCardData(
        language=sorted({str(side) for pair in pairs for side in (pair.source, pair.target)}),
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=["sentence-transformers", "bitext-mining", "bitext-bench"],
        base_model=base,
        base_model_relation="finetune" if base else None,
        datasets=[dataset["name"]] if dataset else None,
        model_name=name,
        eval_results=evaluated or None,
    )
    return str(data.to_yaml())


def base_model(record: Mapping[str, Any]) -> str | None:
    """Return the hub id of the initial model; None for a local directory, which the hub cannot link to."""
    name: str = record["models"]["student"]["name"]
    return None if name.startswith("local/") else name


def _percent(share: float) -> float:
    return round(100 * share, 4)
