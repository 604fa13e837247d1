"""Reading the user's files line by line, plain or compressed, so that nothing is wrong in silence."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..checksums import file_sha256
from ..errors import UserError

_CHUNK = 1 << 20
# Nobody's sentence; a file with such a line is no text, or has other line ends.
_LONGEST_LINE = 1_000_000


def file_digest(file: Path) -> str:
    """Return the sha256 of a file's bytes, as they are on disk.

    Raises:
        UserError: it cannot be read, or only once.
    """
    if file.exists() and not file.is_file():
        raise UserError(f"{file} is no regular file, and it is read more than once: write its text to one")
    try:
        return file_sha256(file)
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error


def read_lines(file: Path) -> Iterator[str]:
    r"""Yield the lines of a text file (.gz and .zst are decompressed), cut at \n or \r\n only, without their ends.

    Raises:
        UserError: the file cannot be read or is damaged; a line is not UTF-8, holds a NUL or is longer than a
            megabyte (with its number); the package for .zst is missing.
    """
    for number, line in enumerate(_cut(_chunks(file), file), start=1):
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if b"\0" in content:
            raise UserError(f"{file}:{number}: a NUL byte; expected UTF-8 text, one sentence a line")
        try:
            yield content.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{file}:{number}: not UTF-8, byte {error.start} of the line is 0x{content[error.start]:02x}; "
                "convert the file to UTF-8"
            ) from error


def read_rows(file: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line number, source and target of a file of pairs.

    These are the first two columns; or those called source and target, where the first line names them (as in what
    `mine` writes), which then is no row.

    Raises:
        UserError: as `read_lines`, or a row has too few columns.
    """
    at = (0, 1)
    for number, line in enumerate(read_lines(file), start=1):
        cells = line.split("\t")
        if number == 1 and {"source", "target"} <= set(cells):
            at = (cells.index("source"), cells.index("target"))
        elif len(cells) <= max(at):
            raise UserError(f"{file}:{number}: expected source TAB target, found {line[:60]!r}")
        else:
            yield number, cells[at[0]], cells[at[1]]


def _cut(chunks: Iterator[bytes], file: Path) -> Iterator[bytes]:
    rest, number = b"", 0
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        number += len(lines)
        if len(rest) > _LONGEST_LINE:
            raise UserError(f"{file}:{number + 1}: longer than a megabyte; expected one sentence a line")
        yield from lines
    if rest:
        yield rest


def _chunks(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            if file.suffix == ".gz":
                with gzip.open(stream) as unpacked:
                    yield from iter(lambda: unpacked.read(_CHUNK), b"")
            elif file.suffix == ".zst":
                yield from _unpacked_zst(stream, file)
            else:
                yield from iter(lambda: stream.read(_CHUNK), b"")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{file} is not a whole gzip file ({error}): get or compress it again") from error
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error


def _unpacked_zst(stream: IO[bytes], file: Path) -> Iterator[bytes]:
    """Yield the content of all frames; the package's own stream reader ends without a word where a frame is cut off."""
    try:
        import zstandard
    except ImportError as error:
        raise UserError(f'{file} needs the package zstandard: pip install "bitext-bench[mine]"') from error
    frame = None
    try:
        while chunk := stream.read(_CHUNK):
            while chunk:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(chunk)
                chunk, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    except zstandard.ZstdError as error:
        raise UserError(f"{file} is not a zstandard file ({error}): get or compress it again") from error
    if frame is not None:
        raise UserError(f"{file} is not a whole zstandard file: get or compress it again")
