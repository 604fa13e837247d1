"""Read text files line by line, plain or compressed, in bounded memory."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ..errors import UserError, install_hint

_CHUNK = 1 << 20
# 256 bytes of zstandard unpack to 64 blocks of 128 KB at most.
_ZST_CHUNK = 256
# No sentence is this long: the file is not text, or has other line ends.
_LONGEST_LINE = 1_000_000
# Text shrinks to about a tenth; gzip can shrink zeros to a thousandth, and zstandard to much less.
_MOST_EXPANSION, _ALWAYS_UNPACKED = 100, 64 << 20
EXPANDS = f"unpacks to more than {_MOST_EXPANSION} times its size, unlike text: decompress it yourself if it is right"


class _Damaged(Exception):
    """A compressed file cannot be unpacked further. The message gives the cause and the next step."""


def read_lines(file: Path) -> Iterator[str]:
    r"""Iterate over the lines of a text file, without their ends \n or \r\n; .gz and .zst are decompressed.

    Raises:
        UserError: The file cannot be read, is damaged, or unpacks to far more than its size; or a line is not UTF-8,
            contains a NUL or is longer than a megabyte.
    """
    return _decode(_split_lines(file), file)


def split_lines(content: bytes, file: Path) -> list[str]:
    """Return the lines of a file that has been read already, as `read_lines` does.

    Raises:
        UserError: A line is not UTF-8 or contains a NUL; the message names `file`.
    """
    lines = content.split(b"\n")
    return list(_decode(lines if lines[-1] else lines[:-1], file))


def _decode(lines: Iterable[bytes], file: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if b"\0" in content:
            raise UserError(f"{file}:{number}: a NUL byte; expected UTF-8 text, one sentence per line")
        try:
            yield content.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{file}:{number}: not UTF-8, byte {error.start} of the line is 0x{content[error.start]:02x}; "
                "convert the file to UTF-8"
            ) from error


def read_blocks(file: Path) -> Iterator[bytes]:
    """Yield the content of a file in blocks of at most a megabyte; .gz and .zst are decompressed.

    Raises:
        UserError: The file cannot be read, is damaged, or unpacks to far more than its size.
    """
    try:
        yield from _blocks(file)
    except _Damaged as error:
        raise UserError(f"{file} {error}") from error


def is_decompression_bomb(unpacked: int, packed: int) -> bool:
    """Return whether data expands far more than text does; both sizes in bytes."""
    return unpacked > max(_ALWAYS_UNPACKED, _MOST_EXPANSION * packed)


def _split_lines(file: Path) -> Iterator[bytes]:
    rest, number = b"", 0
    try:
        for block in _blocks(file):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                number += 1
                yield _check_length(line, file, number)
            _check_length(rest, file, number + 1)
    except _Damaged as error:
        raise UserError(f"{file}:{number + 1}: the file {error}") from error
    if rest:
        yield rest


def _check_length(line: bytes, file: Path, number: int) -> bytes:
    if len(line) > _LONGEST_LINE:
        raise UserError(f"{file}:{number}: longer than a megabyte; expected one sentence per line")
    return line


def _blocks(file: Path) -> Iterator[bytes]:
    unpacked = 0
    try:
        with file.open("rb") as stream:
            for piece in _pieces(stream, file):
                for first in range(0, len(piece), _CHUNK):
                    block = piece[first : first + _CHUNK]
                    unpacked += len(block)
                    if is_decompression_bomb(unpacked, stream.tell()):
                        raise _Damaged(EXPANDS)
                    yield block
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error


def _pieces(stream: IO[bytes], file: Path) -> Iterator[bytes]:
    if file.suffix == ".zst":
        yield from _unpacked_zst(stream, file)
    elif file.suffix == ".gz":
        try:
            with gzip.open(stream) as content:
                yield from iter(lambda: content.read(_CHUNK), b"")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _Damaged(f"is not a complete gzip file ({error}): get or compress it again") from error
    else:
        yield from iter(lambda: stream.read(_CHUNK), b"")


def _unpacked_zst(stream: IO[bytes], file: Path) -> Iterator[bytes]:
    """Yield the content of all frames. The package's own stream reader does not detect a truncated frame."""
    try:
        import zstandard
    except ImportError as error:
        raise UserError(f"{file} needs the package zstandard: {install_hint('mine')}") from error
    frame = None
    try:
        while chunk := stream.read(_ZST_CHUNK):
            while chunk:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(chunk)
                chunk, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    except zstandard.ZstdError as error:
        raise _Damaged(f"is not a zstandard file ({error}): get or compress it again") from error
    if frame is not None:
        raise _Damaged("is not a complete zstandard file: get or compress it again")
