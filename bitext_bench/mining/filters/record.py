"""What a filter is: a name, a description, and a function that gives the reason for dropping a pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...languages import LangPair

Check = Callable[[str, str], str | None]
"""Takes source and target. Returns why the pair is dropped, or None to keep it."""


@dataclass(frozen=True, slots=True)
class CorpusTraits:
    """Properties of the corpus that a filter may need.

    Attributes:
        pair: the languages; None if they are not given.
        length_ratio: usual length of a target divided by that of its source, in characters.
    """

    pair: LangPair | None
    length_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFilter:
    """A filter that looks at one pair at a time.

    Attributes:
        name: its name in `--filters`, the report and the file of dropped pairs.
        drops: the pairs that it drops, for the help and the documentation.
        prepare: returns the check for a corpus; raises UserError if the filter cannot be applied to it.
        needs: the optional package that it needs.
    """

    name: str
    drops: str
    prepare: Callable[[CorpusTraits], Check]
    needs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFilter:
    """A filter that drops a pair if one side repeats the same side of an earlier pair.

    Attributes:
        name: as in `PairFilter`.
        drops: as in `PairFilter`.
        repeats: how a repeated side differs from the earlier one, for the reason.
        n_keys: number of keys of a text.
        keys: returns the keys (n_keys,) of a text; two texts are compared if they share a key at the same position.
        similar: whether two texts that share a key are duplicates.
        needs: as in `PairFilter`.
    """

    name: str
    drops: str
    repeats: str
    n_keys: int
    keys: Callable[[str], NDArray[np.uint64]]
    similar: Callable[[str, str], bool]
    needs: str | None = None


AnyFilter = PairFilter | DuplicateFilter
