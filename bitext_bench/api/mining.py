"""`bitext_bench.mine`: find translations in two lists of sentences, as `bitext-bench mine` does in files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..embedding.batching import TextGroup
from ..embedding.embedder import Embedder
from ..encoders import Model, ModelOptions
from ..encoders.loaded import as_model
from ..errors import UserError
from ..languages import LangPair
from ..mining.filters.registry import check_filters, parse_filters
from ..scoring.margin import Margin, best_by_margin, margin_k
from ..scoring.mined_pairs import SELECTIONS, RowPairs, Selection, select
from ..scoring.neighbors import Neighbors, Vectors, search_bidirectional
from .array_inputs import as_sentences, check_margin, check_number
from .mined_pairs import MinedPair, MinedPairs, filter_pairs
from .paths import vector_folder


@dataclass(frozen=True, slots=True)
class MiningOptions:
    """How `mine` chooses pairs.

    Attributes:
        margin: "ratio", "distance" or "absolute" with 4 neighbors, or "csls" with 10.
        selection: which proposals become pairs: "greedy"; "intersection" for those of both directions, "union" for
            those of either, "forward" or "backward" for those of one.
        pair: the languages, as in "fr-en"; only SONAR, models with `needs_language` and the filter "language" need
            them.
        cache: directory of the cached vectors, as in `evaluate`.
        filters: names of filters, as in "all", "identical,numbers" or "all,-urls"; the result lists the pairs that
            they drop in its attribute `dropped`.

    Raises:
        UserError: a margin, selection, pair or filter is unknown, or a filter cannot be applied.
    """

    margin: Margin = "ratio"
    selection: Selection = "greedy"
    pair: str | None = None
    cache: str | Path | None = None
    filters: str = "none"

    def __post_init__(self) -> None:
        """Check the settings."""
        check_margin(self.margin)
        if self.selection not in SELECTIONS:
            raise UserError(f"unknown selection {self.selection!r}: expected one of {', '.join(SELECTIONS)}")
        if not isinstance(self.pair, str | None):
            raise UserError(f'pair is {self.pair!r}: expected two languages, as in "fr-en"')
        if not isinstance(self.filters, str):
            raise UserError(f'filters is {self.filters!r}: expected names, as in "identical,numbers"')
        check_filters(parse_filters(self.filters), _languages(self.pair))


def mine(
    source: Iterable[str],
    target: Iterable[str],
    model: object,
    threshold: float | None = None,
    options: ModelOptions | None = None,
    mining: MiningOptions | None = None,
) -> MinedPairs:
    """Find translations in two lists of sentences, sorted by margin, best first.

    Each sentence proposes its best candidate on the other side, and proposals are accepted greedily by score, as in
    LASER's mine_bitexts.py with `--retrieval max`, so that pairs are one-to-one. Repeated sentences count once; blank
    ones are skipped. The search is exact and in memory. For files with millions of lines, use `bitext-bench mine`,
    which finds the same pairs and can aim at a precision.

    Args:
        source: sentences in one language.
        target: sentences in the other.
        model: as in `evaluate`.
        threshold: minimum margin of a pair; None keeps all pairs.
        options: as in `evaluate`.
        mining: the margin, the selection, the languages and the cache; None for the defaults.

    Raises:
        UserError: the model cannot be loaded, a list has no sentence, or an argument is invalid.

    >>> def letters(sentences):
    ...     return [[text.lower().count(c) + 0.1 for c in "abcdefghijklmnopqrstuvwxyz"] for text in sentences]
    >>> pairs = mine(["un cafe", "la musique"], ["music", "a coffee"], letters)
    >>> sorted((found.source, found.target) for found in pairs)
    [('la musique', 'music'), ('un cafe', 'a coffee')]
    """
    mining = _check_options(mining)
    margin, k = mining.margin, margin_k(mining.margin)
    lowest = -np.inf if threshold is None else check_number("threshold", threshold)
    lines = [_deduplicate(name, side) for name, side in (("source", source), ("target", target))]
    resolved = as_model(model, options)
    vectors = _encode(resolved, _texts(resolved, lines, mining.pair), mining.cache)
    found = search_bidirectional(vectors[0], vectors[1], k)
    rows = select(_propose(found, k, margin), _swap_sides(_propose(found.reversed, k, margin)), mining.selection)
    kept = rows.scores >= lowest
    columns = (rows.scores, _cosines(vectors, rows), rows.source, rows.target)
    listed = [list(side.items()) for side in lines]
    pairs = [
        MinedPair(score, cosine, listed[0][i][1], listed[1][j][1], listed[0][i][0], listed[1][j][0])
        for score, cosine, i, j in zip(*(column[kept].tolist() for column in columns), strict=True)
    ]
    filters = parse_filters(mining.filters)
    return filter_pairs(pairs, filters, _languages(mining.pair)) if filters else MinedPairs(pairs)


def _check_options(given: MiningOptions | None) -> MiningOptions:
    if not isinstance(given, MiningOptions | None):
        raise UserError(f"mining is a {type(given).__name__}: expected MiningOptions, or None for the defaults")
    return given or MiningOptions()


def _texts(model: Model, lines: Sequence[Iterable[str]], pair: str | None) -> list[TextGroup]:
    languages = _languages(pair)
    if model.needs_language and languages is None:
        raise UserError(f'{model.name} needs to know the languages: pass MiningOptions(pair="fr-en")')
    sides = (None, None) if languages is None else (languages.source, languages.target)
    prompt = model.prompts.bitext
    return [TextGroup(tuple(side), language, prompt) for side, language in zip(lines, sides, strict=True)]


def _languages(pair: str | None) -> LangPair | None:
    return None if pair is None else LangPair.parse(pair)


def _cosines(vectors: Sequence[Vectors], rows: RowPairs) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.einsum("nd,nd->n", vectors[0][rows.source], vectors[1][rows.target]).clip(-1, 1)
    return found


def _deduplicate(name: str, sentences: Iterable[str]) -> dict[str, int]:
    """Return the distinct sentences and the first position of each, counted from 1."""
    first: dict[str, int] = {}
    for number, text in enumerate(as_sentences(name, sentences), start=1):
        if text.strip():
            first.setdefault(text, number)
    if not first:
        raise UserError(f"{name} has no sentence: expected a list of sentences")
    return first


def _encode(model: Model, texts: Sequence[TextGroup], cache: str | Path | None) -> list[Vectors]:
    with vector_folder(model, cache) as folder:
        embedder = Embedder(model, folder)
        embedder.encode(texts)
        return [embedder.vectors(side) for side in texts]


def _propose(found: Neighbors, k: int, margin: Margin) -> RowPairs:
    """Return the best candidate for each row of the first side."""
    best = best_by_margin(found.forward, found.forward.mean(k), found.backward.mean(k), margin)
    return RowPairs(np.arange(len(best.indices)), best.indices, best.scores)


def _swap_sides(pairs: RowPairs) -> RowPairs:
    return RowPairs(pairs.target, pairs.source, pairs.scores)
