"""Check the arguments of the functions that take arrays."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UserError
from ..scoring.margin import MARGINS, Margin
from ..scoring.metrics import text_classes
from ..scoring.neighbors import Vectors, normalize
from ..scoring.numeric import as_floats

# Largest absolute values of a row that float32 normalizes correctly: their squares neither overflow nor vanish.
_ORDINARY = (1e-15, 1e15)


def check_sides(x: ArrayLike, y: ArrayLike) -> tuple[Vectors, Vectors]:
    """Return the rows of both arrays, normalized to length 1.

    Raises:
        UserError: an array is not (N, D), a row is zero or not finite, or the dimensions differ.
    """
    source, target = _normalized("x", x), _normalized("y", y)
    if source.shape[1] != target.shape[1]:
        raise UserError(f"x has {source.shape[1]} dimensions and y {target.shape[1]}: expected vectors of one model")
    return source, target


def check_parallel(x: ArrayLike, y: ArrayLike) -> tuple[Vectors, Vectors]:
    """Return the same as `check_sides`, for arrays with equal numbers of rows."""
    source, target = check_sides(x, y)
    if len(source) != len(target):
        raise UserError(
            f"x has {len(source):,} rows and y {len(target):,}: expected row i of y to translate row i of x"
        )
    return source, target


def check_margin(given: Margin) -> Margin:
    """Return a margin by name."""
    if given not in MARGINS:
        raise UserError(f"unknown margin {given!r}: expected one of {', '.join(MARGINS)}")
    return given


def check_count(name: str, given: int) -> int:
    """Return an integer of 1 or more."""
    try:
        count = index(given)
    except TypeError:
        raise UserError(f"{name} is {brief(given)}: expected an integer, 1 or more") from None
    if count < 1:
        raise UserError(f"{name} is {count}: expected 1 or more")
    return count


def check_number(name: str, given: float) -> float:
    """Return a number, which may be infinite but not NaN."""
    try:
        number = float("nan") if isinstance(given, str | bytes) else float(given)
    except (TypeError, ValueError):
        number = float("nan")
    if isnan(number):
        raise UserError(f"{name} is {brief(given)}: expected a number")
    return number


def check_texts(name: str, given: Iterable[str] | None, n: int) -> NDArray[np.int64]:
    """Return (N,) the `text_classes` of one text for each of N rows; without texts, each row is its own class."""
    if given is None:
        return np.arange(n)
    texts = as_sentences(name, given)
    if len(texts) != n:
        raise UserError(f"there are {len(texts):,} texts for {n:,} vectors: expected one text for each vector")
    return text_classes(texts)


def as_sentences(name: str, given: Iterable[str]) -> list[str]:
    """Return a list of sentences: given as a list, a Series, a NumPy array, or any other iterable of strings.

    Raises:
        UserError: something else is given, or an item is not a string.
    """
    if isinstance(given, str):
        raise UserError(f"{name} is a single string: expected a list of sentences")
    # Iterating over a dict or a DataFrame gives its keys, over a Series its items.
    has_keys = hasattr(given, "keys") and not hasattr(given, "array")
    if has_keys or isinstance(given, bytes) or not isinstance(given, Iterable):
        raise UserError(f"{name} is a {type(given).__name__}: expected a list of sentences")
    sentences = list(given)
    for number, text in enumerate(sentences, start=1):
        if not isinstance(text, str):
            raise UserError(f"{name} {number} is a {type(text).__name__}: expected a sentence")
        if _has_surrogate(text):
            raise UserError(f"{name} {number} has a lone surrogate, {text[:40]!a}: expected text that UTF-8 can encode")
    return sentences


def check_gold(given: Iterable[tuple[int, int]], n: int, m: int) -> set[tuple[int, int]]:
    """Return the gold pairs as (row of x, row of y), for N and M rows."""
    expected = "expected (row of x, row of y) for every translation, counted from 0"
    try:
        pairs = {(index(source), index(target)) for source, target in given}
    except (TypeError, ValueError) as error:
        raise UserError(f"gold is not a list of pairs of row numbers ({error}): {expected}") from error
    if not pairs:
        raise UserError(f"gold is empty: {expected}")
    for source, target in pairs:
        if not (0 <= source < n and 0 <= target < m):
            raise UserError(f"gold pair ({source}, {target}) is out of range: x has {n:,} rows and y {m:,}")
    return pairs


def _normalized(name: str, given: ArrayLike) -> Vectors:
    """Return the rows of an array, normalized to length 1."""
    rows = _as_floats(name, given, np.float32)
    if rows.ndim != 2 or not rows.size:
        raise UserError(f"{name} has shape {rows.shape}: expected (N, D), one vector for each row")
    largest = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    extreme = np.flatnonzero(~((largest > _ORDINARY[0]) & (largest < _ORDINARY[1])))
    if not len(extreme):
        return normalize(rows)
    wide = _as_floats(name, given, np.float64)[extreme]
    for bad, kind, expected in (
        (~np.isfinite(wide).all(axis=1), "contains NaN or infinity", "finite numbers"),
        (~wide.any(axis=1), "is all zeros", "vectors with a direction"),
    ):
        if bad.any():
            raise UserError(f"row {extreme[bad.argmax()]} of {name} {kind}: expected {expected}")
    scaled = rows.copy()  # `rows` may be the caller's own array
    scaled[extreme] = wide / np.abs(wide).max(axis=1, keepdims=True)
    return normalize(scaled)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _as_floats(name: str, given: ArrayLike, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    try:
        return as_floats(given, dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{name} is not an array of numbers ({reason}): expected shape (N, D)") from error


def brief(given: object) -> str:
    """Return what is given in one short line."""
    return " ".join(repr(given).split())[:60]
