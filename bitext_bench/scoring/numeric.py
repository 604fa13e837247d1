"""Arrays of any library as NumPy arrays of floats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_floats(given: Any, dtype: type[np.floating[Any]] = np.float32) -> NDArray[Any]:  # noqa: ANN401 (any array)
    """Return an array, a tensor or nested lists as floats. Numbers too large for the type become infinite.

    Raises:
        TypeError, ValueError, RuntimeError: these are not numbers, or the conversion would lose something: masked
            entries, imaginary parts, or text that looks like numbers.

    >>> as_floats([[1, 2.5]]).tolist()
    [[1.0, 2.5]]
    """
    if isinstance(given, list | tuple):
        given = [_on_host(row) for row in given]
    array = np.asarray(_on_host(given))
    if array.dtype.kind == "c":
        raise TypeError("it has complex numbers")
    entries = array.flat if array.dtype.kind == "O" else ()
    if array.dtype.kind in "SUT" or any(isinstance(entry, str | bytes) for entry in entries):
        raise TypeError("it has text")
    if array.dtype.kind not in "biufO":
        raise TypeError(f"it has entries of type {array.dtype}")
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(dtype, copy=False)


def _on_host(given: Any) -> Any:  # noqa: ANN401 (an array of any library)
    """Return a tensor without its gradient, in main memory, as numbers that NumPy has (bfloat16 is not one of them)."""
    if np.ma.isMaskedArray(given) and np.ma.getmaskarray(given).any():
        raise TypeError("it has masked entries")
    if not hasattr(given, "detach"):
        return given
    tensor = given.detach().cpu()
    return tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
