"""Write array files atomically."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embedding.store import write_atomic


def array_bytes(array: NDArray[Any]) -> bytes:
    """Return the content of an .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def write_array(file: Path, array: NDArray[Any]) -> None:
    """Write an .npy file, completely or not at all.

    Raises:
        UserError: the file cannot be written.
    """
    write_atomic(file, array_bytes(array))
