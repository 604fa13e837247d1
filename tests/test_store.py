"""The store: what goes in comes out, and nothing damaged ever does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext_bench.errors import UserError
from bitext_bench.store import VectorStore, text_key, write_whole

ROOT = Path(__file__).parents[1]


def keys(*texts: str) -> list[bytes]:
    return [text_key(text, "", "") for text in texts]


def rows(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, 6)).astype(np.float32)


def test_vectors_come_back_in_any_order_from_any_shard(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "space")
    first, second = rows(3), rows(2, seed=1)
    store.add(keys("a", "b", "c"), first)
    store.add(keys("d", "e"), second)
    for opened in (store, VectorStore(tmp_path, "space")):
        assert len(opened) == 5
        found = opened.vectors(keys("e", "a", "d", "a"))
        np.testing.assert_array_equal(found, [second[1], first[0], second[0], first[0]])
        assert keys("x")[0] not in opened


@pytest.mark.parametrize("at", [0, 9, 20, 60, -40, -1])
def test_a_flipped_bit_is_noticed_and_the_shard_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], at: int
) -> None:
    store = VectorStore(tmp_path, "space")
    store.add(keys("a", "b", "c"), rows(3))
    (file,) = store.folder.glob("*.shard")
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    again = VectorStore(tmp_path, "space")
    assert len(again) == 0
    assert f"{file} is damaged" in capsys.readouterr().err
    again.add(keys("a", "b", "c"), rows(3))
    np.testing.assert_array_equal(VectorStore(tmp_path, "space").vectors(keys("b")), rows(3)[1:2])


@pytest.mark.parametrize("content", [b"", b"BITEXT01", b"garbage" * 40])
def test_what_is_no_shard_is_removed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "0.shard").write_bytes(content)
    assert len(VectorStore(tmp_path, "space")) == 0
    assert not (tmp_path / "space" / "0.shard").exists()


def test_a_shard_cut_short_is_damaged_and_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "space")
    store.add(keys("a", "b"), rows(2))
    (file,) = store.folder.glob("*.shard")
    file.write_bytes(file.read_bytes()[:-5])
    (store.folder / "notes.txt").write_text("mine")
    assert len(VectorStore(tmp_path, "space")) == 0
    assert (store.folder / "notes.txt").read_text() == "mine"


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)),
    st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)),
)
def test_keys_tell_text_prompt_and_language_apart(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    if "\0" not in "".join(one + other):
        assert (text_key(*one) == text_key(*other)) == (one == other)


def test_a_lone_surrogate_has_a_key() -> None:
    assert text_key("\ud800", "", "") != text_key("\ud801", "", "")


FULL_DISK = """
import sys
from pathlib import Path
from bitext_bench.cli import main
sys.exit(main(["run", "--model", "toys:hashing", "--data", "mini", "--cache-folder", sys.argv[1] + "/cache",
               "--output-folder", sys.argv[1] + "/results"]))
"""


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounting a small disk needs root")
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine does not let root mount")
    try:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        done = subprocess.run(
            [sys.executable, "-c", FULL_DISK, str(disk)], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 1
        assert "No space left on device" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
        assert not list(disk.rglob("*.tmp"))
        assert not list(disk.rglob("*.json"))
        assert list(disk.rglob("*.shard"))  # what was finished is kept
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write .*nowhere/file: No such file or directory"):
        write_whole(tmp_path / "nowhere" / "file", b"x")
    (tmp_path / "blocked").write_text("a file, no folder")
    with pytest.raises(UserError, match="cannot make the cache folder"):
        VectorStore(tmp_path / "blocked", "space")
