"""Nearest neighbors of small sides in NumPy: loading torch takes longer than the search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float32]

MAX_PRODUCTS = 512 * 512


def is_small(source: _Floats, target: _Floats) -> bool:
    """Return whether the sides have few enough similarities for this module."""
    return len(source) * len(target) <= MAX_PRODUCTS


def similarities(source: _Floats, target: _Floats) -> _Floats:
    """Return the products (N, M) of all rows. Equal vectors give equal products.

    OpenBLAS adds in another order at the edges of a matrix, so each distinct vector is multiplied once.
    """
    (rows, of_source), (columns, of_target) = _distinct(source), _distinct(target)
    products: _Floats = (source[rows] @ target[columns].T)[np.ix_(of_source, of_target)]
    return products


def _distinct(vectors: _Floats) -> tuple[list[int], list[int]]:
    """Return the row of each distinct vector, and for each row the number of its vector among these."""
    first: dict[bytes, int] = {}
    firsts = [first.setdefault(vector.tobytes(), row) for row, vector in enumerate(vectors)]
    numbers = {row: number for number, row in enumerate(first.values())}
    return list(numbers), [numbers[row] for row in firsts]


def largest(products: _Floats, k: int) -> tuple[NDArray[np.int64], _Floats]:
    """Return the columns and the values (N, k) of the k largest of each row. Ties are in order of index.

    Each float32 and its column become one int64, so that equal values have an order and a partial sort is exact.
    """
    columns = products.shape[1]
    bits = (products + np.float32(0)).view(np.int32)  # + 0 turns -0 into 0
    ordered = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)  # in the order of the floats
    keys = ordered * columns + np.arange(columns - 1, -1, -1)
    best = np.partition(keys, columns - k, axis=1)[:, columns - k :]
    best.sort(axis=1)
    indices = columns - 1 - best[:, ::-1] % columns
    return indices, np.take_along_axis(products, indices, axis=1)


def csls_winners(
    products: _Floats, of_rows: _Floats, of_columns: _Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the column with the highest CSLS for each row (N,), and the row for each column (M,).

    Args:
        products: (N, M) similarities.
        of_rows: (N,) half of each row's mean.
        of_columns: (M,) half of each column's mean.
    """
    return (products - of_columns).argmax(axis=1), (products - of_rows[:, None]).argmax(axis=0)
