"""Text files, line by line: damage is named with its line, and nothing takes more than a few megabytes."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from bitext_bench.errors import UserError
from bitext_bench.io.lines import read_lines

PACKINGS = ["", ".gz", ".zst"]
LONG = b"sentence " * 1_000 + b"\n"


def pack(content: bytes, packing: str, times: int = 1) -> bytes:
    """Return a content so many times over, as a file of several members or frames."""
    import zstandard

    zst = zstandard.ZstdCompressor(write_checksum=True).compress
    packed = {"": bytes, ".gz": gzip.compress, ".zst": zst}[packing](content)
    return packed * times


def read(tmp_path: Path, packing: str, content: bytes) -> list[str]:
    file = tmp_path / f"text{packing}"
    file.write_bytes(content)
    return list(read_lines(file))


@pytest.mark.parametrize("packing", PACKINGS)
def test_lines_end_where_they_end_in_the_file(tmp_path: Path, packing: str) -> None:
    content = "\ufeffone\r\n\n\u2028two\x85\n".encode() + LONG * 300 + b"end"
    found = read(tmp_path, packing, pack(content, packing))
    assert found == ["one", "", "\u2028two\x85", *[LONG.decode()[:-1]] * 300, "end"]
    assert read(tmp_path, packing, pack(b"", packing)) == read(tmp_path, packing, b"") == []
    assert read(tmp_path, packing, pack(b"a\n", packing, 3)) == ["a"] * 3


BAD: dict[str, tuple[bytes, str]] = {
    "a NUL": (b"one\ntw\0o\n", ":2: a NUL byte"),
    "Latin-1": (b"one\ntwo\ncaf\xe9\n", ":3: not UTF-8, byte 3 of the line is 0xe9"),
    "a long line": (b"one\n" + b"x" * 1_000_001 + b"\n", ":2: longer than a megabyte"),
    "a long line without an end": (b"one\n" + b"x" * 3_000_000, ":2: longer than a megabyte"),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_named(tmp_path: Path, case: str, packing: str) -> None:
    content, words = BAD[case]
    with pytest.raises(UserError, match=rf"text{packing}{words}") as error:
        read(tmp_path, packing, pack(content, packing))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("packing", PACKINGS[1:])
@pytest.mark.parametrize("damage", [lambda packed: packed[:-3], lambda packed: packed[:-3] + b"\7\7\7"])
def test_a_damaged_file_is_named_with_the_line(tmp_path: Path, packing: str, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(UserError, match=rf"text{packing}:1: the file is not a .*: get or compress it again"):
        read(tmp_path, packing, damage(b"one\ntwo\n"))
    whole = pack(b"one\ntwo\n", packing)
    with pytest.raises(UserError, match=rf"text{packing}:[1-5]: the file is not a .*: get or compress it again"):
        read(tmp_path, packing, whole + damage(whole))


@pytest.mark.parametrize("packing", PACKINGS[1:])
@pytest.mark.parametrize(
    ("content", "words"),
    [(bytes(16 << 20), ":1: longer than a megabyte"), (LONG * 2_000, ":[0-9]+: the file unpacks to more than 100")],
)
def test_what_unpacks_without_end_is_refused_in_little_memory(
    tmp_path: Path, packing: str, content: bytes, words: str
) -> None:
    file = tmp_path / f"text{packing}"
    file.write_bytes(pack(content, packing, 20))
    tracemalloc.start()
    with pytest.raises(UserError, match=rf"text{packing}{words}"):
        for _ in read_lines(file):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 << 20
