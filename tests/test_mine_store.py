"""What `mine` encodes is saved on the way, and found again whatever the work folder, the file or the shard."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import write
from mining_material import N_ALONE, N_PAIRS, corpora, mine
from numpy.typing import NDArray

from bitext_bench.embedding.store import text_key
from bitext_bench.encoders import Encoder, Model, ModelOptions, resolve_model
from bitext_bench.languages import Language
from bitext_bench.mining.encoding import run_model
from bitext_bench.mining.line_store import LineStore, keys_array

TESTS = Path(__file__).parent
N_TEXTS = 2 * (N_PAIRS + N_ALONE)


class Counted:
    """An encoder of which it is known how often it was loaded, and for what."""

    def __init__(self) -> None:
        self.loads = 0
        self.texts: list[str] = []

    def model(self, name: str, options: ModelOptions) -> Model:
        """Return a model whose fingerprint is taken for all that its vectors depend on: nothing is spot-checked."""
        found = resolve_model(name, options)

        def load() -> Encoder:
            self.loads += 1
            self.device, self.batch_tokens, self._encoder = "cpu", 1_000, found.load()
            return self

        return replace(found, unhashed="", load=load)

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        return self._encoder.token_counts(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        self.texts += sentences
        return self._encoder.encode(sentences, prompt, language)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    monkeypatch.setattr("bitext_bench.mining.encoding.resolve_model", counted.model)
    monkeypatch.setattr("bitext_bench.mining.command.resolve_model", counted.model)
    return counted


@pytest.fixture(autouse=True)
def one_process() -> Iterator[None]:
    run_model.cache_clear()
    yield
    run_model.cache_clear()


@pytest.fixture
def store() -> Path:
    return Path(os.environ["BITEXT_BENCH_CACHE"]) / "mine"


def mined(folder: Path, work: str, *more: object, source: str = "source.txt", model: str = "toys:hashing") -> bytes:
    """Run `mine` as a new process would, on a folder's corpora; returns the pairs."""
    run_model.cache_clear()
    out = folder / "out.tsv"
    files = [folder / source, folder / "target.txt", "-o", out, "--work-dir", folder / work]
    assert mine(*files, *more, model=model) == 0
    return out.read_bytes()


def stored(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.npy"))


def test_another_work_folder_encodes_nothing(tmp_path: Path, counted: Counted, store: Path) -> None:
    corpora(tmp_path)
    pairs = mined(tmp_path, "one", "--shard-lines", 30)
    assert (counted.loads, len(counted.texts)) == (1, N_TEXTS)
    shards = stored(store)
    assert mined(tmp_path, "two", "--shard-lines", 30) == pairs
    assert mined(tmp_path, "three", "--shard-lines", 70, "--search", "exact") == pairs
    (tmp_path / "source.gz").write_bytes(gzip.compress((tmp_path / "source.txt").read_bytes()))
    assert mined(tmp_path, "four", source="source.gz") == pairs
    (tmp_path / "reversed.txt").write_text("".join((tmp_path / "source.txt").read_text().splitlines(True)[::-1]))
    mined(tmp_path, "five", source="reversed.txt")
    assert (counted.loads, len(counted.texts)) == (1, N_TEXTS)
    assert stored(store) == shards


def test_only_planted_lines_are_new(tmp_path: Path, counted: Counted) -> None:
    corpora(tmp_path)
    pairs = mined(tmp_path, "one")
    for at, name in enumerate(("these", "those"), start=1):
        write(tmp_path / name, [f"{name} word{i}\t{name} word{i} x" for i in range(5)])
        plant = ["--planted-pairs", tmp_path / name, "--threshold", "0"]
        assert mined(tmp_path, f"with-{name}", *plant) == pairs
        assert len(counted.texts) == N_TEXTS + 10 * at
    mined(tmp_path, "again", *plant)
    assert len(counted.texts) == N_TEXTS + 20


def test_a_unit_is_on_the_disk_once(tmp_path: Path, store: Path) -> None:
    corpora(tmp_path)
    mined(tmp_path, "one", "--shard-lines", 60)
    vectors = stored(tmp_path / "one" / "encode")
    assert len(vectors) == len(stored(store)) == 4
    assert {file.stat().st_ino for file in vectors} == {file.stat().st_ino for file in stored(store)}


def test_a_file_system_without_hard_links(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    corpora(tmp_path)
    monkeypatch.setattr("os.link", link)
    pairs = mined(tmp_path, "one")
    assert {file.read_bytes() for file in stored(store)} == {
        file.read_bytes() for file in stored(tmp_path / "one" / "encode")
    }
    assert mined(tmp_path, "two") == pairs


@pytest.mark.parametrize("kind", ["npy", "keys"])
def test_a_damaged_file_is_not_used(
    tmp_path: Path, kind: str, counted: Counted, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpora(tmp_path)
    pairs = mined(tmp_path, "one")
    file = sorted(store.rglob(f"*.{kind}"))[0]
    content = file.read_bytes()
    file.write_bytes(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:])
    del counted.texts[:]
    capsys.readouterr()
    assert mined(tmp_path, "two") == pairs
    assert "is damaged; its sentences are encoded again" in capsys.readouterr().err
    assert len(counted.texts) == N_TEXTS // 2
    assert mined(tmp_path, "three") == pairs
    assert len(counted.texts) == N_TEXTS // 2


@pytest.mark.parametrize("kind", ["npy", "keys"])
def test_half_a_shard_is_none(tmp_path: Path, kind: str, counted: Counted, store: Path) -> None:
    corpora(tmp_path)
    pairs = mined(tmp_path, "one")
    for file in store.rglob(f"*.{kind}"):
        file.unlink()
    assert mined(tmp_path, "two") == pairs
    assert len(counted.texts) == 2 * N_TEXTS


def test_each_text_is_found_in_one_shard(tmp_path: Path) -> None:
    store = LineStore(tmp_path, "space")
    keys = keys_array([text_key(f"text {i}", "", "") for i in range(50)])
    vectors = np.arange(100, dtype=np.float32).reshape(50, 2)
    first = store.add("a", keys[10:30], vectors[10:30])
    second = store.add("b", keys[20:45], vectors[20:45])
    found = store.find(keys[::-1], [first, second])
    assert sorted(row for hit in found for row in hit.rows.tolist()) == list(range(5, 40))
    for hit in found:
        read = store.read(hit)
        assert read is not None
        np.testing.assert_array_equal(read, vectors[::-1][hit.rows])
    assert [hit.name for hit in store.find(keys[20:25], [second, first])] == [second]
    store.remove([first])
    assert store.names() == [second]
    assert store.read(found[0]) is None


def test_units_of_one_run_do_not_look_at_each_other(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which process of an array is first must not show in the vectors of lines that are in both files."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    source, target, _ = corpora(tmp_path)
    target.write_text("".join(target.read_text().splitlines(True) + source.read_text().splitlines(True)[::2]))
    options = ["--shard-lines", 40, "--batch-size", 7]
    expected = mined(tmp_path, "one", *options, model="toys:batches")
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "other"))
    for share in (*"54321", *"54321"):
        share_of = [*options, "--shard", f"{share}/5", "-o", tmp_path / "out.tsv", "--work-dir", tmp_path / "two"]
        assert mine(source, target, *share_of, model="toys:batches") == 0
    assert mined(tmp_path, "two", *options, model="toys:batches") == expected
    one, two = (stored(tmp_path / work / "encode") for work in ("one", "two"))
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


@pytest.mark.slow
def test_after_a_kill_little_is_encoded_twice_and_the_bits_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    log = tmp_path / "log"
    texts = [f"line {i} " + "word " * (i % 9) for i in range(4_000)]
    write(tmp_path / "source.txt", texts)
    write(tmp_path / "target.txt", texts[:10])
    monkeypatch.setenv("TOY_LOG", str(log))
    files = [str(tmp_path / name) for name in ("source.txt", "target.txt")]
    line = [
        "mine",
        *files,
        "-o",
        str(tmp_path / "out.tsv"),
        "--work-dir",
        str(tmp_path / "killed"),
        "--batch-size",
        "60",
    ]
    environment = {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}", "TOY_SECONDS": "0.05"}
    command = [sys.executable, "-m", "bitext_bench", *line, "--model", "toys:batches"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    try:
        while not log.exists() or log.read_text().count("\n") < 2_000:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    time.sleep(0.2)  # until its child is gone, too
    begun = log.read_text().count("\n")
    saved = sum(len(np.load(file)) for file in stored(store))
    # A second's batches, and 60 texts that were being encoded.
    assert saved > 0 and begun - saved <= 1_400
    log.unlink()
    mined(tmp_path, "killed", "--batch-size", 60, model="toys:batches")
    checked = 512  # at most, by the spot check that such a model needs
    assert log.read_text().count("\n") <= 4_010 - saved + checked
    assert len(stored(store)) == 2, "one shard a unit"
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "empty"))
    mined(tmp_path, "whole", "--batch-size", 60, model="toys:batches")
    killed, whole = (stored(tmp_path / work / "encode") for work in ("killed", "whole"))
    assert [file.read_bytes() for file in killed] == [file.read_bytes() for file in whole]
