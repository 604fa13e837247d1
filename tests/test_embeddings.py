"""The engine: each text once, in shards that a killed run and its successor cut alike."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bitext_bench import embeddings
from bitext_bench.embeddings import BatchLimits, Embedder, Texts, encode_now
from bitext_bench.encoders import Encoder, Model, Prompts
from bitext_bench.errors import UserError
from bitext_bench.languages import Language, resolve

TESTS = Path(__file__).parent
FR, JA = resolve("fr"), resolve("ja")


class Recorder:
    """Encodes a text as numbers made of it, and keeps the batches it was given."""

    batch_tokens = 12

    def __init__(self, bad: float | None = None) -> None:
        self.batches: list[tuple[list[str], str, Language | None]] = []
        self._bad = bad

    def sizes(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        return np.array([len(s) for s in sentences])

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        self.batches.append((list(sentences), prompt, language))
        vectors = [[len(s), sum(map(ord, s)), len(prompt) + 1] for s in sentences]
        result = np.array(vectors, dtype=np.float32)
        if self._bad is not None:
            result[[s == "bad" for s in sentences]] = self._bad
        return result


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


def texts(*sentences: str, language: Language | None = None, prompt: str = "") -> Texts:
    return Texts(sentences, language, prompt)


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
    embedder.encode([texts("a", language=FR), texts("a", language=JA), texts("a", language=FR)])
    assert sorted(str(language) for _, _, language in recorder.batches) == ["fr", "ja"]


def test_a_second_run_loads_nothing(tmp_path: Path) -> None:
    plan = [texts("one", "two", "three")]
    first = Embedder(model(Recorder()), tmp_path)
    first.encode(plan)

    def fail() -> Encoder:
        raise RuntimeError("the model was loaded")

    again = Embedder(replace(model(Recorder()), load=fail), tmp_path)
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


def test_going_on_gives_the_same_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop after the first of several shards, go on: file names (hashes of the content) are those of one run."""
    monkeypatch.setattr(embeddings, "SHARD_TEXTS", 4)
    plan = [texts(*(f"{'y' * (i % 5)}{i}" for i in range(15)))]
    Embedder(model(Recorder()), tmp_path / "whole").encode(plan)

    class Stops(Recorder):
        def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
            if sum(len(batch) for batch, _, _ in self.batches) >= 6:
                raise KeyboardInterrupt
            return super().encode(sentences, prompt, language)

    with pytest.raises(KeyboardInterrupt):
        Embedder(model(Stops()), tmp_path / "parts").encode(plan)
    recorder = Recorder()
    assert Embedder(model(recorder), tmp_path / "parts").encode(plan).encoded == 15 - 4
    names = [sorted(f.name for f in (tmp_path / part).rglob("*.shard")) for part in ("whole", "parts")]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("value", "kind"), [(float("nan"), "NaN or infinity"), (float("inf"), "NaN or infinity"), (0.0, "a zero vector")]
)
def test_a_useless_vector_names_its_sentence(tmp_path: Path, value: float, kind: str) -> None:
    embedder = Embedder(model(Recorder(bad=value)), tmp_path)
    with pytest.raises(UserError, match=f"test/recorder gave {kind} for 'bad'"):
        embedder.encode([texts("good", "bad")])
    assert not list(tmp_path.rglob("*.shard"))


def test_encoding_without_a_store_keeps_the_order() -> None:
    sentences = ("ccc", "a", "bb", "dddd")
    found = encode_now(Recorder(), texts(*sentences))
    alone = np.concatenate([encode_now(Recorder(), texts(s)) for s in sentences])
    np.testing.assert_allclose(found, alone)


def run(
    folder: Path, log: Path, seconds: float, cache: str = "cache", results: str = "results"
) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{TESTS.parent}:{TESTS}",
        "TOY_LOG": str(log),
        "TOY_SECONDS": str(seconds),
    }
    command = [sys.executable, "-m", "bitext_bench", "run", "--model", "toys:logging_", "--data", "mini"]
    folders = ["--cache-folder", str(folder / cache), "--output-folder", str(folder / results)]
    return subprocess.Popen(
        [*command, *folders, "--batch-size", "40"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def scores(folder: Path) -> dict[str, str]:
    return {f.name: json.dumps(json.loads(f.read_text())["scores"]) for f in sorted(folder.rglob("*.json"))}


def encoded(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines()


def test_killed_halfway_and_run_again(tmp_path: Path) -> None:
    whole, parts, again = (tmp_path / f"{name}.log" for name in ("whole", "parts", "again"))
    finish(run(tmp_path / "whole", whole, 0))
    killed = run(tmp_path / "parts", parts, 0.05)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (parts.exists() and len(encoded(parts)) > 1_200):
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert len(encoded(parts)) < len(encoded(whole))
    finish(run(tmp_path / "parts", again, 0))
    assert scores(tmp_path / "whole") == scores(tmp_path / "parts")
    twice = len(encoded(parts)) + len(encoded(again)) - len(encoded(whole))
    assert 0 <= twice <= embeddings.SHARD_TEXTS


def test_two_runs_at_once_on_one_store(tmp_path: Path) -> None:
    finish(run(tmp_path, tmp_path / "0.log", 0, cache="alone", results="r0"))
    both = [run(tmp_path, tmp_path / f"{i}.log", 0.01, results=f"r{i}") for i in (1, 2)]
    for process in both:
        finish(process)
    assert scores(tmp_path / "r0") == scores(tmp_path / "r1") == scores(tmp_path / "r2")
