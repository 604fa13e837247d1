"""The selection criterion: Tatoeba-style accuracy on held-out training rows, with the harness's own scoring."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.evaluation import BaseEvaluator

from bitext_bench.embedding.batching import TextGroup, encode_uncached
from bitext_bench.encoders.transformer import TransformerEncoder
from bitext_bench.scoring.metrics import gold_rank, normalize_text, recall_at, text_classes
from bitext_bench.scoring.neighbors import search_bidirectional

from ..data.corpora import PairRows


def hold_out(data: Sequence[PairRows], rows: int, seed: int) -> tuple[list[PairRows], list[PairRows]]:
    """Hold out at most `rows` random rows of each pair, and at most a tenth; return (training, held out).

    Training rows that share a sentence with a held-out row of any pair are dropped; the comparison ignores case and
    punctuation.
    """
    held = [_choose_rows(item, min(rows, len(item.source) // 10), seed) for item in data]
    seen = {normalize_text(text) for item in held for text in (*item.source, *item.target)}
    return [_drop_seen(item, seen) for item in data], held


def _choose_rows(item: PairRows, rows: int, seed: int) -> PairRows:
    chosen = random.Random(seed).sample(range(len(item.source)), rows)
    return PairRows(item.pair, [item.source[i] for i in chosen], [item.target[i] for i in chosen])


def _drop_seen(item: PairRows, seen: set[str]) -> PairRows:
    kept = [
        (source, target)
        for source, target in zip(item.source, item.target, strict=True)
        if normalize_text(source) not in seen and normalize_text(target) not in seen
    ]
    return PairRows(item.pair, [s for s, _ in kept], [t for _, t in kept])


class DevAccuracy(BaseEvaluator):
    """Retrieval accuracy on held-out rows, averaged over directions and pairs; in [0, 1], higher is better."""

    def __init__(self, held_out: Sequence[PairRows], prompt: str) -> None:
        super().__init__()
        self._held_out = [item for item in held_out if item.source]
        self._prompt = prompt
        self.primary_metric = "dev_accuracy"

    def __call__(
        self, model: SentenceTransformer, output_path: str | None = None, epoch: int = -1, steps: int = -1, **_: Any
    ) -> dict[str, float]:
        """Return `dev_accuracy` and the accuracy of each pair."""
        encoder = TransformerEncoder(model)
        scores = {f"dev_accuracy_{item.pair}": self._accuracy(encoder, item) for item in self._held_out}
        scores["dev_accuracy"] = float(np.mean(list(scores.values())))
        return scores

    def _accuracy(self, encoder: TransformerEncoder, item: PairRows) -> float:
        source, target = (
            encode_uncached(encoder, TextGroup(tuple(sentences), language, self._prompt))
            for sentences, language in ((item.source, item.pair.source), (item.target, item.pair.target))
        )
        neighbors = search_bidirectional(source, target, k=1)
        forward = recall_at(gold_rank(neighbors.forward.indices, text_classes(item.target)), 1)
        backward = recall_at(gold_rank(neighbors.backward.indices, text_classes(item.source)), 1)
        return (forward + backward) / 2
