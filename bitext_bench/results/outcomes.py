"""The file of per-sentence outcomes next to a result. The file is untrusted input.

Nothing is unpickled, and declared sizes are checked before memory is allocated.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DamagedResult, UserError
from ..io.checksums import stream_sha256
from .records import Outcomes, TaskResult

# Files that unpack to more than this may unpack to at most _MOST_TIMES their size. (Real files: 2.5 times.)
_ALWAYS_READ = 64 << 20
_MOST_TIMES = 100
_MOST_MEMBERS = 32
_MOST_HEADER = 10_000  # numpy's own limit
_KINDS: Mapping[str, str] = {
    "hit": "b",
    **dict.fromkeys(("neighbor", "source", "target", "offsets"), "iu"),
    **dict.fromkeys(("score", "margin", "gold"), "f"),
    "blocks": "U",
}
# The columns for each kind of main score.
_OF_SIMILARITY = ("score", "gold")
_OF_MINING = ("hit", "source", "target", "score")
_OF_RETRIEVAL = ("hit", "neighbor", "score", "margin")
# Errors that zipfile and numpy raise for damaged or malicious files.
_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    OverflowError,
    MemoryError,
    RecursionError,
    RuntimeError,  # encryption; its subclass NotImplementedError: unknown compression
    SyntaxError,
    SystemError,  # text that is not Unicode
    TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def outcomes_file(file: Path) -> Path:
    """Return the path of the outcomes of a result file."""
    return file.with_suffix(".outcomes.npz")


def read_outcomes(file: Path, result: TaskResult, only: Collection[str] | None = None) -> Outcomes:
    """Read the outcomes of a result.

    Args:
        file: the result file, not the file of outcomes.
        result: the result in that file.
        only: columns to read; None for all.

    Raises:
        DamagedResult: the outcomes are missing or damaged, do not belong to the result, or lack a column.
    """
    wanted = _columns_of(result) if only is None else only
    with _open_outcomes(file, result) as stream:
        return _blocks(_read(stream, wanted), result)


def check_outcomes(file: Path, result: TaskResult) -> None:
    """Check that the outcomes of a result exist and are those that were written with it, without reading them.

    Raises:
        DamagedResult: they are missing, or their checksum differs.
    """
    with _open_outcomes(file, result):
        pass


@contextmanager
def _open_outcomes(file: Path, result: TaskResult) -> Iterator[io.BufferedReader]:
    """Open the outcomes of a result after a check of their checksum; errors within are those of a damaged file."""
    packed = outcomes_file(file)
    try:
        if packed.exists() and not packed.is_file():
            raise DamagedResult(f"cannot read the outcomes {packed}: it is not a regular file")
        # Opened here because numpy leaves damaged files open.
        with packed.open("rb") as stream:
            if stream_sha256(stream) != result.outcomes_sha256:
                raise DamagedResult(
                    f"{packed} does not belong to {file.name} (its checksum differs): run the task again"
                )
            yield stream
    except UserError:
        raise
    except _ERRORS as error:
        reason = str(error) or type(error).__name__
        raise DamagedResult(f"cannot read the outcomes {packed}: {reason}; run the task again") from error


def _columns_of(result: TaskResult) -> tuple[str, ...]:
    if result.main_score == "cosine_spearman":
        return _OF_SIMILARITY
    return _OF_MINING if result.main_score == "f1" else _OF_RETRIEVAL


def _read(stream: io.BufferedReader, wanted: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Return the wanted columns, `offsets` and `blocks`.

    Raises:
        ValueError: a column is missing, has more than one dimension, the wrong type, or another size than declared.
    """
    packed = stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if len(members) > _MOST_MEMBERS or size > max(_ALWAYS_READ, _MOST_TIMES * packed):
            raise ValueError(f"{packed:,} bytes declare {len(members):,} columns of {size:,} bytes")
        names = (*wanted, "blocks", "offsets")
        found = {}
        for member in members:
            with archive.open(member) as column:
                name = member.filename.removesuffix(".npy")
                dtype = _checked_type(column, name, member.file_size)
                if name in names:
                    found[name] = np.frombuffer(column.read(), dtype)
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"there is no column {missing[0]}")
    return found


def _checked_type(column: IO[bytes], name: str, size: int) -> np.dtype[Any]:
    """Read the header of a column of that many bytes and return its type."""
    version = np.lib.format.read_magic(column)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(column, max_header_size=_MOST_HEADER)
    if dtype.hasobject or dtype.kind not in _KINDS.get(name, "biufU"):
        raise ValueError(f"the column {name} has type {dtype}")
    if len(shape) != 1 or shape[0] * dtype.itemsize != size - column.tell():
        raise ValueError(f"the column {name} does not have its declared size {shape}")
    return dtype


def _blocks(columns: dict[str, NDArray[Any]], result: TaskResult) -> Outcomes:
    """Return the columns of each block.

    Raises:
        ValueError: the blocks do not match the columns or the subsets.
    """
    names = columns.pop("blocks").tolist()
    offsets = [int(offset) for offset in columns.pop("offsets")]
    rows = {name: len(column) for name, column in columns.items()}
    if len(offsets) != len(names) + 1 or offsets[0] != 0 or any(n != offsets[-1] for n in rows.values()):
        raise ValueError(f"{len(names):,} blocks up to row {offsets[-1:]} do not fit columns of {rows} rows")
    for name in columns.keys() & {"neighbor", "source", "target"}:
        if (columns[name] < 0).any():
            raise ValueError(f"the column {name} has negative rows")
    sizes = {subset.subset: subset.n for subset in result.subsets}
    mined = result.main_score == "f1"  # one row for each mined pair, not for each sentence
    blocks: Outcomes = {}
    for i, name in enumerate(names):
        subset, tab, direction = name.partition("\t")
        n = offsets[i + 1] - offsets[i]
        if not tab or (subset, direction) in blocks:
            raise ValueError(f"the block {name!r} is repeated or has no direction")
        if n < 0 or (not mined and n != sizes.get(subset, n)):
            raise ValueError(f"{subset} has {sizes.get(subset)} sentences but {n} outcomes")
        blocks[subset, direction] = {key: column[offsets[i] : offsets[i + 1]] for key, column in columns.items()}
    direction = "pairs" if result.main_score in ("f1", "cosine_spearman") else "forward"
    if lacking := [name for name in sizes if (name, direction) not in blocks]:
        raise ValueError(f"there are none for {lacking[0]} ({direction})")
    return blocks


def pack_outcomes(outcomes: Outcomes) -> bytes:
    """Pack all blocks into a few long columns, rather than a member for each of thousands of language pairs."""
    names: Iterable[str] = next(iter(outcomes.values()))
    lengths = [len(next(iter(columns.values()))) for columns in outcomes.values()]
    packed: dict[str, NDArray[Any]] = {
        name: np.concatenate([columns[name] for columns in outcomes.values()]) for name in names
    }
    packed["offsets"] = np.concatenate([[0], np.cumsum(lengths)])
    packed["blocks"] = np.array(["\t".join(block) for block in outcomes])
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **packed)
    return stream.getvalue()
