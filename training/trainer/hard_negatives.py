"""Hard negatives for the ranking loss: targets that are near a source but are not its translation.

Guo et al. 2018 (arXiv:1807.11906, section 3.2), as used in mUSE and in Table 2 of Park et al. 2024. They are mined
once, with the initial student.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import Model
from bitext_bench.errors import UserError
from bitext_bench.scoring.metrics import normalize_text
from bitext_bench.scoring.neighbors import search_bidirectional

from ..data.corpora import PairRows

# Additional neighbors to search: some of the nearest are the translation itself, paraphrased or repeated.
_REACH = 16


def mine_negatives(model: Model, prompt: str, data: PairRows, k: int, cache: Path) -> list[list[str]]:
    """Return k columns of N targets, the hardest first.

    A target at least as near as the translation may be another translation, so it is skipped. If too few of the
    nearest remain, the targets of the next rows fill the gap.

    Raises:
        UserError: the model returns NaN or zero vectors, the disk is full, or there are too few other targets.
    """
    sides = [
        TextGroup(tuple(sentences), language, prompt)
        for sentences, language in ((data.source, data.pair.source), (data.target, data.pair.target))
    ]
    embedder = Embedder(model, cache)
    embedder.encode(sides)
    source, target = (embedder.vectors(side) for side in sides)
    nearest = search_bidirectional(source, target, k + _REACH).forward
    folded = [normalize_text(text) for text in data.target]
    gold = (source * target).sum(axis=1)
    rows = []
    for i, (candidates, cosines) in enumerate(zip(nearest.indices.tolist(), nearest.cosines.tolist(), strict=True)):
        hard = [j for j, cosine in zip(candidates, cosines, strict=True) if cosine < gold[i] and folded[j] != folded[i]]
        following = ((i + step) % len(folded) for step in range(1, len(folded)))
        spare = (j for j in following if folded[j] != folded[i] and j not in hard)
        rows.append([*hard, *islice(spare, max(0, k - len(hard)))][:k])
        if len(rows[-1]) < k:
            raise UserError(
                f"{data.pair} has {len(rows[-1])} targets that differ from {data.target[i]!r}, but num_hard_negatives "
                f"is {k}: lower it or add data"
            )
    return [[data.target[row[column]] for row in rows] for column in range(k)]
