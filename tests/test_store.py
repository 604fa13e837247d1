"""The store returns the vectors that were added, and never damaged ones."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bitext_bench.embedding.store import VectorStore, text_key, write_atomic, write_error
from bitext_bench.errors import UserError

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
AS_ROOT = os.geteuid() == 0


def keys(*texts: str) -> list[bytes]:
    return [text_key(text, "", "") for text in texts]


def rows(n: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, 6)).astype(np.float32)


def only_shard(store: VectorStore) -> Path:
    (file,) = store.folder.glob("*.shard")
    return file


def unmount(folder: Path) -> None:
    # Lazily, as the shards of a store that is still open are mapped.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 300 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)]
    if sys.platform != "linux" or not AS_ROOT or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let one mount a small disk")
    yield disk
    unmount(disk)


@pytest.fixture
def lockable(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A folder and a function that makes it read-only. For root, who ignores permissions, it is a mounted disk."""
    folder = tmp_path / "lockable"
    folder.mkdir()
    if AS_ROOT and subprocess.run(["mount", "-t", "tmpfs", "none", str(folder)], capture_output=True).returncode:
        pytest.skip("this machine does not let root mount")

    def lock() -> None:
        if AS_ROOT:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        else:
            for path in (*folder.iterdir(), folder):
                path.chmod(0o500)

    yield folder, lock
    if AS_ROOT:
        unmount(folder)
    else:
        for path in (folder, *folder.iterdir()):
            path.chmod(0o700)


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
    assert len(VectorStore(tmp_path, "another space")) == 0


@settings(deadline=None, max_examples=25)
@given(
    shards=st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=9), min_size=1, max_size=5),
    dimensions=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_round_trip(shards: list[list[str]], dimensions: int, seed: int) -> None:
    """Any shards, with texts twice in one and in several: every text has one of the vectors it was given, in bits."""
    random = np.random.default_rng(seed)
    given_: dict[str, list[bytes]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = VectorStore(Path(folder), "space")
        for texts in shards:
            # Any bits, NaN and infinity among them: the store does not judge.
            vectors = random.integers(0, 2**32, (len(texts), dimensions), dtype=np.uint32).view(np.float32)
            store.add(keys(*texts), vectors)
            for text, vector in zip(texts, vectors, strict=True):
                given_.setdefault(text, []).append(vector.tobytes())
        for opened in (store, VectorStore(Path(folder), "space")):
            assert len(opened) == len(given_)
            for vector, (text, possible) in zip(opened.vectors(keys(*given_)), given_.items(), strict=True):
                assert vector.tobytes() in possible, text


# A shard of three vectors: magic at 0, n at 8, d at 12, keys at 16, vectors at 64, the sum at 136, 168 bytes in all.
@pytest.mark.parametrize("at", [0, 8, 11, 12, 15, 16, 63, 64, 135, 136, 167])
def test_a_flipped_bit_is_noticed_and_the_shard_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], at: int
) -> None:
    store = VectorStore(tmp_path, "space")
    store.add(keys("a", "b", "c"), rows(3))
    file = only_shard(store)
    content = bytearray(file.read_bytes())
    assert len(content) == 168
    content[at] ^= 1
    file.write_bytes(content)
    again = VectorStore(tmp_path, "space")
    assert len(again) == 0
    assert not file.exists()
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count(f"{file} is damaged")) == ("", 1)
    again.add(keys("a", "b", "c"), rows(3))
    np.testing.assert_array_equal(VectorStore(tmp_path, "space").vectors(keys("b")), rows(3)[1:2])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("left", [0, 1, 15, 16, 40, 48, 64, 100, 136, 167])
def test_a_shard_cut_short_is_damaged(tmp_path: Path, left: int) -> None:
    store = VectorStore(tmp_path, "space")
    store.add(keys("a", "b", "c"), rows(3))
    os.truncate(only_shard(store), left)
    assert len(VectorStore(tmp_path, "space")) == 0
    assert not list(store.folder.iterdir())


@pytest.mark.parametrize("content", [b"BITEXT01", b"garbage" * 40, b"BITEXT01" + b"\xff" * 60, bytes(500)])
def test_what_is_no_shard_is_removed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "0.shard").write_bytes(content)
    assert len(VectorStore(tmp_path, "space")) == 0
    assert not (tmp_path / "space" / "0.shard").exists()


def test_a_longer_shard_is_damaged_too(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "space")
    store.add(keys("a"), rows(1))
    with only_shard(store).open("ab") as stream:
        stream.write(b"\0")
    assert len(VectorStore(tmp_path, "space")) == 0


def test_one_damaged_shard_costs_the_others_nothing(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "space")
    store.add(keys("a", "b"), rows(2))
    damaged = only_shard(store)
    store.add(keys("c"), rows(1, seed=1))
    damaged.write_bytes(damaged.read_bytes()[::-1])
    again = VectorStore(tmp_path, "space")
    assert [key in again for key in keys("a", "b", "c")] == [False, False, True]
    again.add(keys("a", "b"), rows(2))
    found = VectorStore(tmp_path, "space").vectors(keys("c", "b", "a"))
    np.testing.assert_array_equal(found, [rows(1, seed=1)[0], *rows(2)[::-1]])


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "space")
    store.add(keys("a"), rows(1))
    shard = only_shard(store)
    foreign = [store.folder / "notes.txt", store.folder / f".{shard.name}.0.tmp", store.folder / f"{shard.name}.bak"]
    for file in foreign:
        file.write_text("not a shard")
    (store.folder / "folder").mkdir()
    assert len(VectorStore(tmp_path, "space")) == 1
    assert [file.read_text() for file in foreign] == ["not a shard"] * 3


def test_a_shard_that_another_run_removes_meanwhile_is_no_error(tmp_path: Path) -> None:
    """A file may disappear between listing and opening, like a broken link."""
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "gone.shard").symlink_to(tmp_path / "nowhere")
    assert len(VectorStore(tmp_path, "space")) == 0


def test_a_shard_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "space" / "folder.shard").mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot read .*folder\.shard: Is a directory"):
        VectorStore(tmp_path, "space")


def test_a_thousand_shards_take_no_file_each(tmp_path: Path) -> None:
    """As many as a process may have open, by far."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, limits[1]))
    try:
        store = VectorStore(tmp_path, "space")
        for i in range(100):
            store.add(keys(str(i)), rows(1, seed=i))
        for opened in (store, VectorStore(tmp_path, "space")):
            found = opened.vectors(keys(*map(str, range(100))))
            np.testing.assert_array_equal(found, np.concatenate([rows(1, seed=i) for i in range(100)]))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"short")])
def test_a_shard_that_goes_away_later_is_one_line(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    store = VectorStore(tmp_path, "space")
    store.add(keys("a"), rows(1))
    damage(next((tmp_path / "space").iterdir()))
    with pytest.raises(UserError, match=r"\.shard can no longer be read"):
        store.vectors(keys("a"))


def test_vectors_of_other_dimensions_are_refused(tmp_path: Path) -> None:
    VectorStore(tmp_path, "space").add(keys("a"), rows(1))
    store = VectorStore(tmp_path, "space")
    with pytest.raises(UserError, match="has vectors of 6 dimensions for this model, which now gives 7"):
        store.add(keys("b"), np.ones((1, 7), np.float32))
    assert len(VectorStore(tmp_path, "space")) == 1


# A text may hold any character, NUL and lone surrogates too; neither a prompt from a command line nor a code has a NUL.
ANY = st.characters() | st.sampled_from("\0\0\ud800\udfff ab")
TEXTS = st.text(ANY, max_size=5)
CODES = st.text(st.characters(exclude_characters="\0") | st.sampled_from("\ud800 ab"), max_size=5)


@settings(deadline=None)
@given(st.tuples(TEXTS, CODES, CODES), st.tuples(TEXTS, CODES, CODES))
def test_keys_tell_text_prompt_and_language_apart(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (text_key(*one) == text_key(*other)) == (one == other)


@settings(deadline=None)
@given(CODES, TEXTS)
def test_a_moved_boundary_is_another_key(start: str, end: str) -> None:
    """The same characters, cut into language, prompt and text at any two places."""
    whole = start + end
    cuts = {text_key(whole[j:], whole[i:j], whole[:i]) for i in range(len(start) + 1) for j in range(i, len(start) + 1)}
    assert len(cuts) == (len(start) + 1) * (len(start) + 2) // 2


def test_a_lone_surrogate_has_a_key_of_its_own() -> None:
    assert len({*keys("\ud800", "\ud801", "?", "\ufffd"), text_key("", "\ud800", ""), text_key("", "\ud801", "")}) == 6


def test_keys_stay_what_they_are() -> None:
    """Every cache in the field is found by them: a new way to make keys encodes everything again."""
    assert text_key("le chat", "query: ", "fr").hex() == "ce6621dca7ebde3f681ed52736c4b7b8"


FULL_DISK = """
import sys
from bitext_bench.cli.main import main
sys.exit(main(["run", "--model", "toys:hashing", "--data", "mini", "--cache-folder", sys.argv[1] + "/cache",
               "--output", sys.argv[1] + "/results"]))
"""


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(small_disk: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(small_disk)], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(small_disk.rglob("*.tmp"))
    assert not list(small_disk.rglob("*.json"))
    (space,) = (small_disk / "cache").iterdir()
    assert len(VectorStore(small_disk / "cache", space.name)) % 512 == 0  # what was finished is kept, and whole
    assert list(space.glob("*.shard"))


SMALL_FILES = """
import resource, sys
from pathlib import Path
import numpy as np
from bitext_bench.errors import UserError
from bitext_bench.embedding.store import VectorStore, text_key
store = VectorStore(Path(sys.argv[1]), "space")
store.add([text_key("small", "", "")], np.ones((1, 6), np.float32))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    store.add([text_key(str(i), "", "") for i in range(99)], np.ones((99, 6), np.float32))
except UserError as error:
    print(error)
"""


def test_a_shard_that_is_written_in_part_is_taken_back(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SMALL_FILES, str(tmp_path)], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    assert "cannot write" in done.stdout
    assert "File too large" in done.stdout
    assert [file.suffix for file in (tmp_path / "space").iterdir()] == [".shard"]
    assert len(VectorStore(tmp_path, "space")) == 1


def test_a_read_only_cache_can_be_read(
    lockable: tuple[Path, Callable[[], None]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A cache that a group shares: reading works, a damaged shard is left out, and writing says why it cannot."""
    folder, lock = lockable
    store = VectorStore(folder, "space")
    store.add(keys("a"), rows(1))
    damaged = only_shard(store)
    store.add(keys("b"), rows(1, seed=1))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    lock()
    opened = VectorStore(folder, "space")
    assert f"{damaged} is damaged" in capsys.readouterr().err
    np.testing.assert_array_equal(opened.vectors(keys("b")), rows(1, seed=1))
    with pytest.raises(UserError, match=r"cannot write .*(Read-only file system|Permission denied)"):
        opened.add(keys("a"), rows(1))
    with pytest.raises(UserError, match=r"cannot create the directory .*(Read-only file system|Permission denied)"):
        VectorStore(folder, "new space")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write .*nowhere/file: No such file or directory"):
        write_atomic(tmp_path / "nowhere" / "file", b"x")
    (tmp_path / "blocked").write_text("a file, no folder")
    with pytest.raises(UserError, match="cannot create the directory"):
        VectorStore(tmp_path / "blocked", "space")
    with pytest.raises(UserError, match=r"cannot write .*blocked/file: Not a directory"):
        write_atomic(tmp_path / "blocked" / "file", b"x")
    with pytest.raises(UserError, match="File name too long"):
        write_atomic(tmp_path / ("x" * 256), b"x")
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match=r"cannot write .*taken: it is a directory"):
        write_atomic(tmp_path / "taken", b"x")
    assert {file.name for file in tmp_path.iterdir()} == {"blocked", "taken"}


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "free some disk space and run the same command again"),
        (errno.EDQUOT, "free some disk space and run the same command again"),
        (errno.EROFS, "choose a directory that you may write to"),
        (errno.EACCES, "choose a directory that you may write to"),
        (errno.EISDIR, "give the name of a file"),
        (errno.ENAMETOOLONG, "choose a shorter name"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_the_advice_fits_the_cause(number: int, cure: str) -> None:
    assert str(write_error(Path("x"), OSError(number, os.strerror(number)))).endswith(cure)


def test_a_file_is_replaced_and_never_written_over(tmp_path: Path) -> None:
    """Who has the old file open, or mapped, still reads the old content."""
    write_atomic(tmp_path / "file", b"old")
    os.link(tmp_path / "file", tmp_path / "held")
    write_atomic(tmp_path / "file", b"new")
    assert [(tmp_path / name).read_bytes() for name in ("file", "held")] == [b"new", b"old"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomic(tmp_path / "file", b"old")

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


# Two of these start at once, write the same 40 shards from either end, and keep opening the store meanwhile.
WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from bitext_bench.embedding.store import VectorStore, text_key

def shard(number):
    numbers = range(number * 8, number * 8 + 8)
    return [text_key(str(n), "", "") for n in numbers], np.array([[n, -n] for n in numbers], np.float32)

root, me = Path(sys.argv[1]), int(sys.argv[2])
store = VectorStore(root, "space")
(root / f"ready{me}").touch()
while not (root / f"ready{1 - me}").exists():
    time.sleep(0.001)
for number in range(40) if me else reversed(range(40)):
    store.add(*shard(number))
    if number % 4 == 0:
        keys, vectors = shard(number)
        assert (VectorStore(root, "space").vectors(keys) == vectors).all()
assert len(store) == 320
"""


def test_two_processes_on_one_store(tmp_path: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(me)], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        for me in (0, 1)
    ]
    try:
        for process in both:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
            assert errors == ""
    finally:
        for process in both:
            process.kill()
    store = VectorStore(tmp_path, "space")
    numbers = range(320)
    np.testing.assert_array_equal(store.vectors(keys(*map(str, numbers))), [[n, -n] for n in numbers])
    assert {file.suffix for file in store.folder.iterdir()} == {".shard"}
    assert len(list(store.folder.iterdir())) == 40
