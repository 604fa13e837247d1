"""Scores of mteb and of bitext-bench on the same vectors, for every task: python mteb_equality.py ROOT TASK ...

ROOT is what a hub serves (HF_ENDPOINT); the data sets are built there first. Prints one JSON object for each subset.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import mteb
import numpy as np
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder
from mteb_material import LANGUAGES, build
from numpy.typing import NDArray

import bitext_bench as bb
from bitext_bench.data import mteb_tasks
from bitext_bench.languages import resolve
from bitext_bench.tasks import find_task

DIMENSIONS = 12


@cache
def vector(text: str) -> NDArray[np.float32]:
    """A vector of the meaning, which is the last number in the text, with noise of the text."""
    meaning = int(re.findall(r"-?\d+", text)[-1])
    signal = np.random.default_rng(meaning + 1_000).normal(size=DIMENSIONS)
    noise = np.random.default_rng(list(text.encode())).normal(size=DIMENSIONS)
    return (signal + 0.9 * noise).astype(np.float32)


def encode(sentences: Sequence[str]) -> NDArray[np.float32]:
    return np.stack([vector(sentence) for sentence in sentences])


class Encoder(AbsEncoder):
    """The same vectors for mteb."""

    def __init__(self) -> None:
        self.mteb_model_meta = ModelMeta.create_empty({"name": "tests/vectors", "revision": "1"})

    def encode(self, inputs: Any, **_: Any) -> NDArray[np.float32]:
        return encode([text for batch in inputs for text in batch["text"]])


def compare(name: str, root: Path) -> list[dict[str, Any]]:
    """Return the scores of each subset that both have."""
    known = mteb_tasks()[name]
    languages = LANGUAGES.get(name, "all").split()
    wanted = {str(resolve(code)) for code in languages if code != "all"} | {"en"}
    subsets = [
        subset
        for subset, pair in known.pairs.items()
        if languages == ["all"] or {str(pair.source), str(pair.target)} <= wanted
    ]
    where = known.repository
    build(known.task, subsets, root / "datasets" / where.name / str(where.revision))
    chosen = None if subsets == ["default"] else subsets
    theirs = (
        mteb.evaluate(Encoder(), mteb.get_tasks(tasks=[name], exclude_superseded=False), cache=None)
        if chosen is None
        else mteb.evaluate(Encoder(), [mteb.get_task(name, hf_subsets=chosen)], cache=None)
    )
    rows = []
    for split in known.splits:
        task = find_task(f"mteb:{name}" if split == known.splits[0] else f"mteb:{name}-{split}")
        report = bb.evaluate(encode, [task.name], languages, "hub")
        ours = {subset.subset: subset for subset in report.results[0].subsets}
        for entry in theirs.task_results[0].scores[split]:
            rows.append(
                {
                    "task": name,
                    "split": split,
                    "subset": entry["hf_subset"],
                    "theirs": {
                        key: entry.get(key)
                        for key in ("f1", "accuracy", "cosine_spearman", "cosine_pearson", "alpha_auc")
                    },
                    "ours": ours[entry["hf_subset"]].scores,
                    "signature": ours[entry["hf_subset"]].signature,
                    "languages": [ours[entry["hf_subset"]].languages, entry["languages"]],
                }
            )
    return rows


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for task in sys.argv[2:]:
        for row in compare(task, Path(sys.argv[1])):
            print(json.dumps(row), flush=True)
