"""`bitext_bench.mine`: find translations in two lists of sentences, as `bitext-bench mine` does in files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from ..embedding.batching import TextGroup
from ..embedding.embedder import Embedder
from ..encoders import Model, ModelOptions
from ..encoders.loaded import as_model
from ..errors import UserError
from ..io.terminal import printable
from ..languages import LangPair
from ..scoring.margin import Margin, best_by_margin, margin_k
from ..scoring.mined_pairs import SELECTIONS, RowPairs, Selection, select
from ..scoring.neighbors import Neighbors, Vectors, search_bidirectional
from .array_inputs import as_sentences, check_margin, check_number
from .paths import vector_folder

if TYPE_CHECKING:
    from pandas import DataFrame


class MinedPair(NamedTuple):
    """Two sentences that translate each other.

    Attributes:
        score: margin score; higher is better.
        cosine: cosine of the two vectors, in [-1, 1].
        source_line: position in the source list, counted from 1; the first one if the sentence is repeated.
        target_line: position in the target list.
        source: the source sentence.
        target: the target sentence.
    """

    score: float
    cosine: float
    source_line: int
    target_line: int
    source: str
    target: str


class MinedPairs(Sequence[MinedPair]):
    """Mined pairs, best first."""

    def __init__(self, pairs: Sequence[MinedPair]) -> None:
        self._pairs = tuple(pairs)

    @overload
    def __getitem__(self, index: int) -> MinedPair: ...
    @overload
    def __getitem__(self, index: slice) -> MinedPairs: ...
    def __getitem__(self, index: int | slice) -> MinedPair | MinedPairs:
        """Return one pair, or a slice of them."""
        return MinedPairs(self._pairs[index]) if isinstance(index, slice) else self._pairs[index]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._pairs)

    def __iter__(self) -> Iterator[MinedPair]:
        """Iterate over the pairs, best first."""
        return iter(self._pairs)

    def __eq__(self, other: object) -> bool:
        """Return whether the pairs are equal, with the same scores and order."""
        return self._pairs == other._pairs if isinstance(other, MinedPairs) else NotImplemented

    def __hash__(self) -> int:
        """Return a hash of the pairs."""
        return hash(self._pairs)

    def __repr__(self) -> str:
        """Return the five best pairs, one on each line."""
        lines = [f"{pair.score:.4f}\t{printable(pair.source)}\t{printable(pair.target)}" for pair in self._pairs[:5]]
        more = [f"… {len(self) - 5:,} more"] if len(self) > 5 else []
        return "\n".join([f"<{len(self):,} pairs>", *lines, *more])

    def _repr_html_(self) -> str:
        """Return the five best pairs for a notebook."""
        rows = [(f"{pair.score:.4f}", printable(pair.source), printable(pair.target)) for pair in self._pairs[:5]]
        table = tabulate(rows, headers=("score", "source", "target"), tablefmt="html", disable_numparse=True)
        return f"{table}\n<p>{len(self):,} pairs</p>"

    def to_pandas(self) -> DataFrame:
        """Return a frame with the columns score, cosine, source_line, target_line, source and target."""
        from pandas import DataFrame

        return DataFrame(self._pairs, columns=list(MinedPair._fields))


@dataclass(frozen=True, slots=True)
class MiningOptions:
    """How `mine` chooses pairs.

    Attributes:
        margin: "ratio", "distance" or "absolute" with 4 neighbors, or "csls" with 10.
        selection: which proposals become pairs: "greedy"; "intersection" for those of both directions, "union" for
            those of either, "forward" or "backward" for those of one.
        pair: the languages, as in "fr-en"; only SONAR and models with `needs_language` need them.
        cache: directory of the cached vectors, as in `evaluate`.

    Raises:
        UserError: a margin, selection or pair is unknown.
    """

    margin: Margin = "ratio"
    selection: Selection = "greedy"
    pair: str | None = None
    cache: str | Path | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_margin(self.margin)
        if self.selection not in SELECTIONS:
            raise UserError(f"unknown selection {self.selection!r}: expected one of {', '.join(SELECTIONS)}")
        if not isinstance(self.pair, str | None):
            raise UserError(f'pair is {self.pair!r}: expected two languages, as in "fr-en"')
        if self.pair is not None:
            LangPair.parse(self.pair)


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
    return MinedPairs(
        [
            MinedPair(score, cosine, listed[0][i][1], listed[1][j][1], listed[0][i][0], listed[1][j][0])
            for score, cosine, i, j in zip(*(column[kept].tolist() for column in columns), strict=True)
        ]
    )


def _check_options(given: MiningOptions | None) -> MiningOptions:
    if not isinstance(given, MiningOptions | None):
        raise UserError(f"mining is a {type(given).__name__}: expected MiningOptions, or None for the defaults")
    return given or MiningOptions()


def _texts(model: Model, lines: Sequence[Iterable[str]], pair: str | None) -> list[TextGroup]:
    languages = None if pair is None else LangPair.parse(pair)
    if model.needs_language and languages is None:
        raise UserError(f'{model.name} needs to know the languages: pass MiningOptions(pair="fr-en")')
    sides = (None, None) if languages is None else (languages.source, languages.target)
    prompt = model.prompts.bitext
    return [TextGroup(tuple(side), language, prompt) for side, language in zip(lines, sides, strict=True)]


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
