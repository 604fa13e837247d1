"""The embedder encodes each text once; a killed run and its successor use the same shards."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import WORDS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bitext_bench.embedding import batching as batches
from bitext_bench.embedding.batching import BatchLimits, TextGroup, check_vectors, encode_uncached
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import Encoder, Model, ModelOptions, Prompts, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.languages import Language, resolve

TESTS = Path(__file__).parent
FR, JA = resolve("fr"), resolve("ja")
TASKS = ["Mini-Tatoeba", "Mini-mining", "Mini-xSIM"]  # 1,800 sentences, and no scipy to wait for


class Recorder:
    """Encodes a text as numbers made of it, and keeps the batches it was given."""

    batch_tokens = 12
    device = "cpu"

    def __init__(self, bad: float | None = None) -> None:
        self.batches: list[tuple[list[str], str, Language | None]] = []
        self._bad = bad

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        return np.array([len(s) for s in sentences])

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        self.batches.append((list(sentences), prompt, language))
        vectors = [[len(s), sum(map(ord, s)), len(prompt) + 1] for s in sentences]
        result = np.array(vectors, dtype=np.float32)
        if self._bad is not None:
            result[[s == "bad" for s in sentences]] = self._bad
        return result


class Padded(Recorder):
    """Encodes a text with a trace of the batch that it was in, as the rounding of a real encoder leaves one."""

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        vectors = super().encode(sentences, prompt, language)
        trace = np.full((len(sentences), 2), (len(sentences), max(map(len, sentences))), np.float32)
        return np.concatenate([vectors, trace], axis=1)


class Interrupted:
    """Any encoder, until it has encoded so many sentences; then Ctrl-C."""

    def __init__(self, encoder: Encoder, after: int) -> None:
        self.batch_tokens, self.device, self.token_counts = encoder.batch_tokens, encoder.device, encoder.token_counts
        self._encoder, self._left = encoder, after

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        if self._left <= 0:
            raise KeyboardInterrupt
        self._left -= len(sentences)
        return self._encoder.encode(sentences, prompt, language)


def unloadable() -> Encoder:
    raise RuntimeError("the model was loaded")


def shards(folder: Path) -> list[str]:
    """Return the names of all shards, which are hashes of their content."""
    return sorted(f.name for f in folder.rglob("*.shard"))


def model(encoder: Encoder, *, needs_language: bool = False) -> Model:
    return Model(
        name="test/recorder",
        revision="1",
        fingerprint="f" * 64,
        prompts=Prompts(),
        pooling="mean",
        dtype="fp32",
        max_length=None,
        load=lambda: encoder,
        needs_language=needs_language,
    )


def texts(*sentences: str, language: Language | None = None, prompt: str = "") -> TextGroup:
    return TextGroup(sentences, language, prompt)


def test_a_text_is_encoded_once_for_each_prompt(tmp_path: Path) -> None:
    recorder = Recorder()
    embedder = Embedder(model(recorder), tmp_path)
    done = embedder.encode([texts("a", "b", "a"), texts("b", "c", language=FR), texts("a", prompt="q: ")])
    assert (done.needed, done.encoded) == (4, 4)
    encoded = sorted((s, prompt) for batch, prompt, _ in recorder.batches for s in batch)
    assert encoded == [("a", ""), ("a", "q: "), ("b", ""), ("c", "")]


def test_encoders_that_need_the_language_get_it(tmp_path: Path) -> None:
    recorder = Recorder()
    embedder = Embedder(model(recorder, needs_language=True), tmp_path)
    done = embedder.encode([texts("a", language=FR), texts("a", language=JA), texts("a", language=FR)])
    assert (done.needed, done.encoded) == (2, 2)
    assert sorted(str(language) for _, _, language in recorder.batches) == ["fr", "ja"]


def test_a_batch_has_one_prompt_and_one_language(tmp_path: Path) -> None:
    recorder = Recorder()
    plan = [texts(*"abcdef", language=language, prompt=p) for language in (FR, JA, None) for p in ("", "q: ", "p: ")]
    Embedder(model(recorder, needs_language=True), tmp_path).encode(plan)
    encoded = sorted((s, prompt, str(lang)) for batch, prompt, lang in recorder.batches for s in batch)
    assert encoded == sorted(itertools.product("abcdef", ("", "q: ", "p: "), ("fr", "ja", "None")))


def test_only_what_is_new_is_encoded(tmp_path: Path) -> None:
    Embedder(model(Recorder()), tmp_path).encode([texts("one", "two")])
    recorder = Recorder()
    embedder = Embedder(model(recorder), tmp_path)
    done = embedder.encode([texts("two", "three", "one")])
    assert (done.needed, done.encoded, done.tokens) == (3, 1, 5)
    assert [batch for batch, _, _ in recorder.batches] == [["three"]]
    alone = [encode_uncached(Recorder(), texts(s))[0] for s in ("two", "three", "one")]
    np.testing.assert_array_equal(embedder.vectors(texts("two", "three", "one")), alone)


def test_another_model_has_another_store(tmp_path: Path) -> None:
    first = model(Recorder())
    Embedder(first, tmp_path).encode([texts("one")])
    others = [
        replace(first, fingerprint="e" * 64),
        replace(first, pooling="cls"),
        replace(first, dtype="bf16"),
        replace(first, max_length=8),
    ]
    for other in others:
        assert Embedder(other, tmp_path).encode([texts("one")]).encoded == 1
    renamed = replace(first, name="another/name", revision="2", load=unloadable)
    assert Embedder(renamed, tmp_path).encode([texts("one")]).encoded == 0


def test_a_second_run_loads_nothing(tmp_path: Path) -> None:
    plan = [texts("one", "two", "three")]
    first = Embedder(model(Recorder()), tmp_path)
    first.encode(plan)
    again = Embedder(replace(model(Recorder()), load=unloadable), tmp_path)
    assert again.encode(plan).encoded == 0
    np.testing.assert_array_equal(again.vectors(plan[0]), first.vectors(plan[0]))
    np.testing.assert_allclose(np.linalg.norm(again.vectors(plan[0]), axis=1), 1.0, rtol=1e-6)


def test_batches_keep_the_token_budget_and_fall_in_size(tmp_path: Path) -> None:
    sentences = [("x" * n) + str(i) for i, n in enumerate([9, 1, 4, 4, 2, 20, 1, 1, 3])]
    for limits, most in ((BatchLimits(), 99), (BatchLimits(tokens=30, sentences=2), 2)):
        recorder = Recorder()
        Embedder(model(recorder), tmp_path / str(most), limits).encode([texts(*sentences)])
        batches = [batch for batch, _, _ in recorder.batches]
        widths = [max(map(len, batch)) for batch in batches]
        assert widths == sorted(widths, reverse=True)
        assert sorted(s for batch in batches for s in batch) == sorted(sentences)
        for batch in batches:
            padded = len(batch) * max(map(len, batch))
            assert len(batch) == 1 or (padded <= (limits.tokens or 12) and len(batch) <= most)


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=60),
    tokens=st.integers(1, 120),
    most=st.none() | st.integers(1, 9),
)
def test_batches_are_within_their_limits(sizes: list[int], tokens: int, most: int | None) -> None:
    sentences = ["x" * size + chr(0x4E00 + i) for i, size in enumerate(sizes)]
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        embedder = Embedder(model(recorder), Path(folder), BatchLimits(tokens, most))
        embedder.encode([texts(*sentences)])
        found = embedder.vectors(texts(*sentences))
    batches = [batch for batch, _, _ in recorder.batches]
    assert sorted(s for batch in batches for s in batch) == sorted(sentences)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= tokens
        assert len(batch) <= (most or len(sentences))
    np.testing.assert_array_equal(found, np.concatenate([encode_uncached(Recorder(), texts(s)) for s in sentences]))


def test_stopping_anywhere_and_going_on_gives_the_same_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop within each shard and go on: the files are those of one run, and at most one shard is encoded again."""
    monkeypatch.setattr(batches, "SHARD_TEXTS", 4)
    lines = [f"{'y' * (i % 5)}{i}" for i in range(15)]
    plan = [texts(*lines), texts(*lines[:6], prompt="q: ")]
    Embedder(model(Padded()), tmp_path / "whole").encode(plan)
    assert len(shards(tmp_path / "whole")) == 6
    for after in range(1, 20):
        folder = tmp_path / str(after)
        with pytest.raises(KeyboardInterrupt):
            Embedder(model(Interrupted(Padded(), after)), folder).encode(plan)
        again = Embedder(model(Padded()), folder)
        assert 21 - again.encode(plan).encoded > after - batches.SHARD_TEXTS
        assert shards(folder) == shards(tmp_path / "whole")


@pytest.mark.usefixtures("one_thread")
def test_a_real_encoder_goes_on_to_the_same_bits(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "SHARD_TEXTS", 32)
    choose = random.Random(0)
    plan = [texts(*{" ".join(choose.choices(WORDS, k=choose.randint(1, 40))) for _ in range(100)})]
    found = resolve_model(str(tiny_model), ModelOptions(device="cpu"))
    encoder = found.load()
    limits = BatchLimits(tokens=256)
    whole = Embedder(replace(found, load=lambda: encoder), tmp_path / "whole", limits)
    whole.encode(plan)
    with pytest.raises(KeyboardInterrupt):
        stopping = Interrupted(encoder, after=50)
        Embedder(replace(found, load=lambda: stopping), tmp_path / "parts", limits).encode(plan)
    parts = Embedder(replace(found, load=lambda: encoder), tmp_path / "parts", limits)
    assert parts.encode(plan).encoded == len(plan[0].sentences) - 32
    assert parts.vectors(plan[0]).tobytes() == whole.vectors(plan[0]).tobytes()


def test_the_texts_of_a_damaged_shard_are_encoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batches, "SHARD_TEXTS", 4)
    plan = [texts(*map(str, range(10)))]
    Embedder(model(Padded()), tmp_path).encode(plan)
    before = shards(tmp_path)
    damaged = max(tmp_path.rglob("*.shard"), key=lambda file: file.stat().st_size)
    damaged.write_bytes(damaged.read_bytes()[:-40] + bytes(40))
    assert Embedder(model(Padded()), tmp_path).encode(plan).encoded == 4
    assert f"{damaged} is damaged" in capsys.readouterr().err
    assert shards(tmp_path) == before


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (float("nan"), "NaN or infinity"),
        (float("inf"), "NaN or infinity"),
        (float("-inf"), "NaN or infinity"),
        (0.0, "a zero vector"),
        (1e-25, "a vector of length 2e-25"),  # float32 has no square of it: its unit vector would be infinite
        (1e25, "a vector of length 2e+25"),
    ],
)
def test_a_useless_vector_names_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, kind: str
) -> None:
    monkeypatch.setattr(batches, "SHARD_TEXTS", 2)
    embedder = Embedder(model(Recorder(bad=value)), tmp_path)
    with pytest.raises(UserError) as caught:
        embedder.encode([texts("longer", "longest", "good", "bad", "x")])
    assert str(caught.value).startswith(f"test/recorder gave {kind} for 'bad' (1 of the ")
    again = Embedder(model(Recorder()), tmp_path)
    assert len(shards(tmp_path)) == 1  # the one before, and nothing of the one with the bad vector
    assert again.encode([texts("longer", "longest", "good", "bad", "x")]).encoded == 3


@pytest.mark.parametrize("length", [1e-14, 1.0, 1e14])
def test_any_usual_length_becomes_one(tmp_path: Path, length: float) -> None:
    class Scaled(Recorder):
        def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
            vectors = super().encode(sentences, prompt, language)
            result: NDArray[np.float32] = vectors * np.float32(length) / np.linalg.norm(vectors, axis=1, keepdims=True)
            return result

    embedder = Embedder(model(Scaled()), tmp_path)
    embedder.encode([texts("one", "three", "")])
    found = embedder.vectors(texts("one", "three", ""))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(found, encode_uncached(Recorder(), texts("one", "three", "")), rtol=1e-5)


def test_a_bad_vector_among_good_ones_is_counted() -> None:
    vectors = np.ones((5, 3), np.float32)
    check_vectors(vectors, list("abcde"), "m")
    vectors[[2, 4], 1] = np.nan
    with pytest.raises(UserError, match=r"^m gave NaN or infinity for 'c' \(2 of the 5 sentences"):
        check_vectors(vectors, list("abcde"), "m")


def test_progress_is_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Embedder(model(Recorder()), tmp_path).encode([texts("one", "two")])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "encoding 2 sentences" in captured.err


def test_encoding_without_a_store_keeps_the_order() -> None:
    sentences = ("ccc", "a", "bb", "dddd")
    found = encode_uncached(Recorder(), texts(*sentences))
    alone = np.concatenate([encode_uncached(Recorder(), texts(s)) for s in sentences])
    np.testing.assert_allclose(found, alone)


def run(folder: Path, seconds: float, results: str = "results", partner: str = "") -> subprocess.Popen[str]:
    """Start the command with a cache in `folder`; the sentences that it encodes go to `<results>.log` there."""
    folder.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{TESTS.parent}:{TESTS}",
        "TOY_LOG": str(folder / f"{results}.log"),
        "TOY_PARTNER": str(folder / f"{partner or results}.log"),
        "TOY_SECONDS": str(seconds),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "bitext_bench", "run", "--model", "toys:logging_", "--data", "mini"]
    folders = ["--cache-folder", str(folder / "cache"), "--output", str(folder / results)]
    return subprocess.Popen(
        [*command, *folders, "--batch-size", "40", "--tasks", *TASKS],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def scores(folder: Path) -> dict[str, str]:
    found = {f.name: json.dumps(json.loads(f.read_text())["subsets"]) for f in sorted(folder.rglob("*.json"))}
    assert sorted(found) == [f"{task}.json" for task in TASKS]
    return found


def encoded(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@pytest.mark.slow
def test_killed_halfway_and_run_again_twice_at_once(tmp_path: Path) -> None:
    """Compare an undisturbed run with one that is killed and then resumed by two processes on one cache."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    undisturbed, killed = run(whole, 0), run(parts, 0.1, "killed")
    deadline = time.monotonic() + 60
    while len(encoded(parts / "killed.log")) <= 1.5 * batches.SHARD_TEXTS and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    finish(undisturbed)
    total, before = len(encoded(whole / "results.log")), len(encoded(parts / "killed.log"))
    assert 1.5 * batches.SHARD_TEXTS < before < total
    assert not list((parts / "killed").rglob("*.json"))
    both = [run(parts, 0, "one", partner="other"), run(parts, 0, "other", partner="one")]
    for process in both:
        finish(process)

    assert scores(parts / "one") == scores(parts / "other") == scores(whole / "results")
    assert shards(parts) == shards(whole)
    left = encoded(parts / "one.log")
    assert left == encoded(parts / "other.log")  # neither found anything of the other's
    # The shard that was cut off is encoded again, and the spot check of a factory's vectors takes some of those stored.
    assert 0 <= before + len(left) - total <= batches.SHARD_TEXTS + 260
    assert not list(tmp_path.rglob("*.tmp"))
