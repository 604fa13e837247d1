"""The file of per-sentence outcomes beside a result: written from numpy columns, and read without trust in it.

Nothing of it is unpickled, and no memory is taken for what a small file only declares to be large.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DamagedResult, UserError
from .records import Outcomes, TaskResult

# A file that unpacks to more than this may unpack to so many times its size. (Real ones: 2.5 times.)
_ALWAYS_READ = 64 << 20
_MOST_TIMES = 100
_MOST_MEMBERS = 32
_MOST_HEADER = 10_000  # as numpy's own limit
_KINDS: Mapping[str, str] = {
    "hit": "b",
    **dict.fromkeys(("neighbour", "source", "target", "offsets"), "iu"),
    **dict.fromkeys(("score", "margin", "gold"), "f"),
    "blocks": "U",
}
# The columns of each kind of main score.
_OF_SIMILARITY = ("score", "gold")
_OF_MINING = ("hit", "source", "target", "score")
_OF_RETRIEVAL = ("hit", "neighbour", "score", "margin")
# What zipfile and numpy raise on damaged and on hostile files.
_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    OverflowError,
    MemoryError,
    RecursionError,
    RuntimeError,  # encrypted; NotImplementedError: another compression
    SyntaxError,
    SystemError,  # text that is no Unicode
    TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def outcomes_file(file: Path) -> Path:
    """Return where the outcomes of a result file are."""
    return file.with_suffix(".outcomes.npz")


def read_outcomes(file: Path, result: TaskResult, only: Collection[str] | None = None) -> Outcomes:
    """Read the outcomes of a result, or `only` some of their columns.

    Args:
        file: of the result, not of the outcomes.
        result: as it was read from that file.
        only: the columns wanted; None for all.

    Raises:
        DamagedResult: they are missing or damaged, are not those that the result was written with, or lack a column.
    """
    packed = outcomes_file(file)
    wanted = _columns_of(result) if only is None else only
    try:
        if packed.exists() and not packed.is_file():
            raise DamagedResult(f"cannot read the outcomes {packed}: it is no regular file")
        # Opened here, as numpy leaves a file open that turns out to be damaged.
        with packed.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != result.outcomes_sha256:
                raise DamagedResult(
                    f"{packed} is not what was written with {file.name} (its checksum differs): run it again"
                )
            found = _blocks(_read(stream, wanted), result)
    except UserError:
        raise
    except _ERRORS as error:
        reason = str(error) or type(error).__name__
        raise DamagedResult(f"cannot read the outcomes {packed}: {reason}; run the task again") from error
    return found


def _columns_of(result: TaskResult) -> tuple[str, ...]:
    if result.main_score == "cosine_spearman":
        return _OF_SIMILARITY
    return _OF_MINING if result.main_score == "f1" else _OF_RETRIEVAL


def _read(stream: IO[bytes], wanted: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Return columns, and `offsets` and `blocks`.

    Raises:
        ValueError: they are not of one dimension, of their type, or of the size that they declare.
    """
    packed = stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if len(members) > _MOST_MEMBERS or size > max(_ALWAYS_READ, _MOST_TIMES * packed):
            raise ValueError(f"{packed:,} bytes declare {len(members):,} columns of {size:,} bytes")
        for member in members:
            _check_member(archive, member)
    stream.seek(0)
    with np.load(stream, allow_pickle=False, max_header_size=_MOST_HEADER) as content:
        return {name: content[name] for name in (*wanted, "blocks", "offsets")}


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as column:
        version = np.lib.format.read_magic(column)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(column, max_header_size=_MOST_HEADER)
        if dtype.hasobject or dtype.kind not in _KINDS.get(name, "biufU"):
            raise ValueError(f"the column {name} is of type {dtype}")
        if len(shape) != 1 or shape[0] * dtype.itemsize != member.file_size - column.tell():
            raise ValueError(f"the column {name} is not of the size that it declares, {shape}")


def _blocks(columns: dict[str, NDArray[Any]], result: TaskResult) -> Outcomes:
    """Return the columns of each block.

    Raises:
        ValueError: blocks and columns, or blocks and subsets, do not fit together.
    """
    names = columns.pop("blocks").tolist()
    offsets = [int(offset) for offset in columns.pop("offsets")]
    rows = {name: len(column) for name, column in columns.items()}
    if len(offsets) != len(names) + 1 or offsets[0] != 0 or any(n != offsets[-1] for n in rows.values()):
        raise ValueError(f"{len(names):,} blocks up to row {offsets[-1:]} do not fit columns of {rows} rows")
    for name in columns.keys() & {"neighbour", "source", "target"}:
        if (columns[name] < 0).any():
            raise ValueError(f"the column {name} has negative rows")
    sizes = {subset.subset: subset.n for subset in result.subsets}
    mined = result.main_score == "f1"  # of which there are as many rows as pairs were found
    blocks: Outcomes = {}
    for i, name in enumerate(names):
        subset, tab, direction = name.partition("\t")
        n = offsets[i + 1] - offsets[i]
        if not tab or (subset, direction) in blocks:
            raise ValueError(f"there are two blocks {name!r}, or it has no direction")
        if n < 0 or (not mined and n != sizes.get(subset, n)):
            raise ValueError(f"{subset} has {sizes.get(subset)} sentences and outcomes of {n}")
        blocks[subset, direction] = {key: column[offsets[i] : offsets[i + 1]] for key, column in columns.items()}
    direction = "pairs" if result.main_score in ("f1", "cosine_spearman") else "forward"
    if lacking := [name for name in sizes if (name, direction) not in blocks]:
        raise ValueError(f"there are none of {lacking[0]} ({direction})")
    return blocks


def pack_outcomes(outcomes: Outcomes) -> bytes:
    """Pack all blocks into a few long columns: thousands of language pairs must not be thousands of members."""
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
