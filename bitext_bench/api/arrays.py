"""Scores of two arrays of sentence vectors: no model, no files.

Row i of `x` and row i of `y` are translations unless a function says otherwise. Vectors are compared by cosine, so
they need not be normalized. NumPy arrays, torch tensors and nested lists are accepted.

>>> x = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]
>>> y = [[0.9, 0.1], [0.1, 0.9], [0.8, 0.6]]
>>> print(retrieval_accuracy(x, y))
100.00 (43.85 to 100.00)
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import __version__
from ..errors import UserError
from ..scoring.f1 import cluster_counts, f1_interval
from ..scoring.intervals import mean_interval
from ..scoring.margin import Margin, best_candidates, margin_k, margin_score
from ..scoring.mined_pairs import best_f1_point, judge, mine, operating_point, with_unmined_gold
from ..scoring.neighbors import Nearest, Vectors, nearest_with_csls, search_bidirectional
from .array_inputs import check_count, check_gold, check_margin, check_number, check_parallel, check_sides, check_texts
from .score import Score


def nearest_neighbors(x: ArrayLike, y: ArrayLike, k: int = 4) -> Nearest:
    """Find the k rows of `y` nearest to each row of `x` by cosine, exactly.

    Args:
        x: (N, D) query vectors.
        y: (M, D) vectors to search.
        k: number of neighbors, limited to M.

    Returns:
        `indices` (N, k), rows of `y`, nearest first, and `cosines` (N, k) in [-1, 1].

    Raises:
        UserError: an array is not (N, D), contains values that are not finite, or has a zero row.

    >>> nearest_neighbors([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]], k=1).indices.tolist()
    [[1]]
    """
    source, target = check_sides(x, y)
    return search_bidirectional(source, target, check_count("k", k)).forward


def margin_scores(x: ArrayLike, y: ArrayLike, k: int | None = None, margin: Margin = "ratio") -> NDArray[np.float64]:
    """Return the margin score (N,) of each pair (x_i, y_i): its cosine relative to that of both neighborhoods.

    LASER filters parallel corpora by this score. Higher is better. Unrelated pairs score about 1 with "ratio" and
    about 0 with "distance" and "csls"; "absolute" is the cosine itself.

    Args:
        x: (N, D) vectors.
        y: (N, D) vectors of the translations.
        k: size of the neighborhoods; None for the published value, 4 (CSLS: 10).
        margin: "ratio", "distance" or "absolute" (Artetxe and Schwenk 2019, section 3.1), or "csls" (Conneau et al.
            2018, equation 3).

    Raises:
        UserError: as for `nearest_neighbors`, or the arrays have different numbers of rows.

    >>> margin_scores([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], k=2).tolist()
    [2.0, 2.0]
    """
    source, target = check_parallel(x, y)
    width = margin_k(check_margin(margin)) if k is None else check_count("k", k)
    found = search_bidirectional(source, target, width)
    around = (found.forward.mean(width) + found.backward.mean(width)) / 2
    return margin_score(np.einsum("nd,nd->n", source, target).astype(np.float64), around, margin)


def xsim(x: ArrayLike, y: ArrayLike, margin: Margin = "ratio", y_texts: Iterable[str] | None = None) -> Score:
    """Return xSIM: the share of rows of `x` whose best candidate in `y` is not their translation. Lower is better.

    As in LASER's source/xsim.py, the candidates are the 4 nearest neighbors, ranked by margin with neighborhoods of 4.
    "csls" ranks all rows with neighborhoods of 10.

    Args:
        x: (N, D) source vectors.
        y: (M, D) target vectors, M >= N. Row i < N translates row i of `x`; further rows are distractors.
        margin: score that ranks the candidates.
        y_texts: the M sentences of `y`. With texts, a copy of the translation is correct too, as in LASER; without them
            a copy counts as an error.

    Raises:
        UserError: as for `nearest_neighbors`, `y` has fewer rows than `x`, or `y_texts` and `y` differ in length.

    >>> print(xsim([[1.0, 0.1], [0.1, 1.0]], [[1.0, 0.0], [0.0, 1.0]]))
    0.00 (0.00 to 65.76)
    """
    source, target = check_sides(x, y)
    n = len(source)
    if len(target) < n:
        raise UserError(f"x has {n:,} rows and y {len(target):,}: expected a translation in y for every row of x")
    classes = check_texts("y_texts", y_texts, len(target))
    k = margin_k(check_margin(margin))
    if margin == "csls":
        found = nearest_with_csls(source, target, k, k)[1].forward
    else:
        found = best_candidates(search_bidirectional(source, target, k), margin, classes).indices
    misses = (classes[found] != classes[:n]).astype(np.float64)
    line = _signature("xsim", n, target, margin=margin, match="text" if y_texts is not None else "row")
    return Score("xsim", float(misses.mean()), *mean_interval(misses), n, lower_is_better=True, signature=line)


def retrieval_accuracy(
    x: ArrayLike, y: ArrayLike, x_texts: Iterable[str] | None = None, y_texts: Iterable[str] | None = None
) -> Score:
    """Return the share of rows whose nearest neighbor on the other side is their translation, averaged over directions.

    This is the score of Tatoeba. `details` has "forward" (x to y) and "backward".

    Args:
        x: (N, D) vectors.
        y: (N, D) vectors of the translations.
        x_texts: the N sentences of `x`. With texts, a copy of the correct sentence is correct too.
        y_texts: the N sentences of `y`.

    Raises:
        UserError: as for `nearest_neighbors`, or the inputs differ in length.

    >>> score = retrieval_accuracy([[1.0, 0.1], [0.9, 0.2]], [[1.0, 0.0], [0.0, 1.0]])
    >>> score.value, dict(score.details)
    (0.75, {'forward': 0.5, 'backward': 1.0})
    """
    source, target = check_parallel(x, y)
    n = len(source)
    found = search_bidirectional(source, target, 1)
    hits = []
    for nearest, name, texts in ((found.forward, "y_texts", y_texts), (found.backward, "x_texts", x_texts)):
        classes = check_texts(name, texts, n)
        hits.append(classes[nearest.indices[:, 0]] == classes)
    both = np.stack(hits).astype(np.float64)
    given = [name for name, texts in (("x_texts", x_texts), ("y_texts", y_texts)) if texts is not None]
    match = given[0] if len(given) == 1 else "text" if given else "row"
    return Score(
        "accuracy",
        float(both.mean()),
        *mean_interval(both.mean(axis=0), judgements=2),
        n,
        signature=_signature("accuracy", n, target, dir="mean", match=match),
        details={"forward": float(both[0].mean()), "backward": float(both[1].mean())},
    )


def mining_f1(x: ArrayLike, y: ArrayLike, gold: Iterable[tuple[int, int]], threshold: float | None = None) -> Score:
    """Mine translations between two sets of sentences and return F1 against gold pairs.

    Mining follows LASER's mine_bitexts.py: ratio margin, k = 4; each row proposes its best candidate, and proposals are
    accepted greedily by score. `details` has threshold, precision and recall.

    Args:
        x: (N, D) source vectors.
        y: (M, D) target vectors; most rows may have no translation.
        gold: all translation pairs, as (row of x, row of y), counted from 0.
        threshold: minimum ratio margin of a pair. None chooses the threshold with the best F1 on these pairs, an upper
            bound for thresholds chosen on other data ("oracle" in the signature).

    Raises:
        UserError: as for `nearest_neighbors`, there is no gold pair, or a gold pair has a row out of range.

    >>> print(mining_f1([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.1], [0.1, 1.0]], [(0, 0), (1, 1)], threshold=1.0))
    100.00 (34.24 to 100.00)
    """
    source, target = check_sides(x, y)
    pairs = check_gold(gold, len(source), len(target))
    mined = mine(search_bidirectional(source, target, margin_k("ratio")))
    correct = judge(mined, pairs)
    if threshold is None:
        cut = best_f1_point(mined.scores, correct, len(pairs))
    else:
        cut = operating_point(mined.scores, correct, len(pairs), check_number("threshold", threshold))
    judged = with_unmined_gold(mined, pairs)
    # Gold pairs that were not mined have the score -inf, and are not taken even if that is the threshold.
    hit, taken = judge(judged, pairs), (judged.scores >= cut.threshold) & (judged.scores > -np.inf)
    kept = taken | hit
    low, high = f1_interval(cluster_counts(judged.source[kept], judged.target[kept], taken[kept], hit[kept]))
    chosen = "oracle" if threshold is None else repr(cut.threshold)
    line = _signature("f1", len(source), target, margin="ratio", retrieval="max", threshold=chosen)
    details = {"threshold": cut.threshold, "precision": cut.precision, "recall": cut.recall}
    return Score("f1", cut.f1, low, high, len(pairs), signature=line, details=details)


def _signature(score: str, n: int, target: Vectors, **settings: str) -> str:
    fields = {"score": score, "n": str(n), "candidates": str(len(target)), **settings, "bb": __version__}
    return "|".join(f"{name}:{value}" for name, value in fields.items())
