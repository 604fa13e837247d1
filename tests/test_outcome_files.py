"""Outcomes that anybody may have written: columns of their type and size, nothing unpickled, no memory for nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import write_content
from numpy.typing import NDArray

from bitext_bench.cli.main import main
from bitext_bench.errors import DamagedResult
from bitext_bench.results.files import read_result
from bitext_bench.results.outcomes import outcomes_file, read_outcomes

Columns = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    folders = ["--cache-folder", str(root.with_name("store")), "--output", str(root)]
    tasks = ["--tasks", "Mini-Tatoeba", "--languages", "en", "ja"]
    assert main(["run", "--model", "toys:letters", "--data", "mini", *tasks, *folders]) == 0
    return next(root.rglob("Mini-Tatoeba.json"))


def beside(made: Path, folder: Path, packed: bytes) -> Path:
    """Write a result with other outcomes, whose checksum it has."""
    content = json.loads(made.read_text(encoding="utf-8"))
    file = folder / made.name
    write_content(file, {**content, "outcomes_sha256": hashlib.sha256(packed).hexdigest()})
    outcomes_file(file).write_bytes(packed)
    return file


def packed_with(made: Path, change: Callable[[Columns], None]) -> bytes:
    with np.load(outcomes_file(made)) as content:
        columns = {name: content[name] for name in content.files}
    change(columns)
    stream = io.BytesIO()
    np.savez_compressed(stream, **columns)
    return stream.getvalue()


def replaced(name: str, to: Callable[[NDArray[Any]], Any]) -> Callable[[Columns], None]:
    def change(columns: Columns) -> None:
        columns[name] = np.array(to(columns[name]))

    return change


CHANGES: dict[str, Callable[[Columns], None]] = {
    "pickled": replaced("score", lambda x: np.array([os.abort] * len(x), dtype=object)),
    "a column less": lambda columns: columns.__delitem__("margin"),
    "a row less": replaced("hit", lambda x: x[1:]),
    "hits that are numbers": replaced("hit", lambda x: x.astype(np.int64)),
    "text for scores": replaced("score", lambda x: x.astype(str)),
    "two dimensions": replaced("hit", lambda x: x[None]),
    "a negative row": replaced("neighbor", lambda x: np.where(np.arange(len(x)) == 3, -1, x)),
    "an offset that goes back": replaced("offsets", lambda x: [*x[:-2], x[-1] + 5, x[-1]]),
    "an offset beyond": replaced("offsets", lambda x: [*x[:-1], 2**62]),
    "no offsets": replaced("offsets", lambda x: x[:0]),
    "other sizes than n": replaced("offsets", lambda x: [x[0], x[1] - 1, *x[2:]]),
    "one block twice": replaced("blocks", lambda x: [x[0]] * len(x)),
    "no block of a subset": replaced("blocks", lambda x: [f"other\t{i}" for i in range(len(x))]),
    "text that is no Unicode": replaced("blocks", lambda x: np.full(len(x), 0x7FFFFFFF, dtype=np.uint32).view("U1")),
    "a block without a direction": replaced("blocks", lambda x: ["x", *x[1:]]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_columns_that_do_not_fit_are_refused(made: Path, tmp_path: Path, name: str) -> None:
    file = beside(made, tmp_path, packed_with(made, CHANGES[name]))
    with pytest.raises(DamagedResult, match="cannot read the outcomes") as caught:
        read_outcomes(file, read_result(file))
    assert "\n" not in str(caught.value)
    assert main(["export-mteb", str(file), "--output", str(tmp_path)]) == 1


def member(shape: str, size: int, dtype: str = "|b1") -> Callable[[zipfile.ZipFile], None]:
    """Return what writes a column that declares a shape, and holds so many zeros."""

    def write(archive: zipfile.ZipFile) -> None:
        text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
        with archive.open("hit.npy", "w", force_zip64=True) as stream:
            stream.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
            for _ in range(size >> 20):
                stream.write(bytes(1 << 20))

    return write


@pytest.mark.parametrize(
    "write",
    [
        member("(209715200,)", 200 << 20),
        member("(6000000000,)", 1 << 20),
        member("(1,)", 1 << 20, "<U1500000000"),
        member("(-1,)", 1 << 20),
        member("(((((1,),),),),)", 1 << 20),
        member("(" * 5000, 0),
    ],
)
def test_no_memory_is_taken_for_what_is_only_declared(
    made: Path, tmp_path: Path, write: Callable[[zipfile.ZipFile], None]
) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    assert len(stream.getvalue()) < 1 << 20
    file = beside(made, tmp_path, stream.getvalue())
    result = read_result(file)
    tracemalloc.start()
    with pytest.raises(DamagedResult, match="cannot read the outcomes"):
        read_outcomes(file, result, ["hit"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_flipped_byte_with_a_right_checksum_is_damage_or_other_numbers(made: Path, tmp_path: Path) -> None:
    whole = outcomes_file(made).read_bytes()
    draws = np.random.default_rng(7)
    refused = 0
    for place in draws.choice(len(whole), 150, replace=False):
        flipped = whole[:place] + bytes([whole[place] ^ (1 << draws.integers(8))]) + whole[place + 1 :]
        file = beside(made, tmp_path, flipped)
        try:
            read_outcomes(file, read_result(file))
        except DamagedResult:
            refused += 1
    assert refused > 100


def test_a_pipe_is_not_waited_for(made: Path, tmp_path: Path) -> None:
    file = beside(made, tmp_path, b"")
    outcomes_file(file).unlink()
    os.mkfifo(outcomes_file(file))
    with pytest.raises(DamagedResult, match="not a regular file"):
        read_outcomes(file, read_result(file))
