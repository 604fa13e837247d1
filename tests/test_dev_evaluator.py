"""Rows held out of training, and the accuracy on them that chooses the checkpoint."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from builders import WORDS
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext_bench.languages import LangPair
from bitext_bench.scoring.metrics import normalize_text
from training.data.corpora import PairRows
from training.trainer.dev_evaluator import DevAccuracy, hold_out

# Few words in short sentences: rows share sentences all the time, within a pair and between pairs.
SENTENCES = st.lists(st.sampled_from(["a", "B", "b", "c!", "d", "e", "f"]), min_size=1, max_size=3).map(" ".join)
ROWS = st.lists(st.tuples(SENTENCES, SENTENCES), min_size=0, max_size=60)


def pair_rows(pair: str, rows: list[tuple[str, str]]) -> PairRows:
    return PairRows(LangPair.parse(pair), [s for s, _ in rows], [t for _, t in rows])


def as_rows(item: PairRows) -> list[tuple[str, str]]:
    return list(zip(item.source, item.target, strict=True))


def folded(items: list[PairRows]) -> set[str]:
    return {normalize_text(text) for item in items for text in (*item.source, *item.target)}


@settings(deadline=None, max_examples=60)
@given(first=ROWS, second=ROWS, rows=st.integers(0, 8), seed=st.integers(0, 5))
def test_no_training_row_shares_a_sentence_with_a_held_out_row_of_any_pair(
    first: list[tuple[str, str]], second: list[tuple[str, str]], rows: int, seed: int
) -> None:
    data = [pair_rows("en-fr", first), pair_rows("en-ja", second)]
    training, held = hold_out(data, rows, seed)
    assert [len(item.source) for item in held] == [min(rows, len(item.source) // 10) for item in data]
    seen = folded(held)
    for item, kept, away in zip(data, training, held, strict=True):
        assert item.pair == kept.pair == away.pair
        # All the rest is trained on, in its order; nothing else is.
        assert as_rows(kept) == [
            r for r in as_rows(item) if normalize_text(r[0]) not in seen and normalize_text(r[1]) not in seen
        ]
        assert set(as_rows(away)) <= set(as_rows(item))
    assert hold_out(data, rows, seed) == (training, held)


def test_sizes_and_seeds() -> None:
    rows = [(f"source {i}", f"target {i}") for i in range(100)]
    held = {seed: hold_out([pair_rows("en-fr", rows)], 7, seed)[1][0] for seed in range(4)}
    assert {len(set(as_rows(item))) for item in held.values()} == {7}
    assert len({tuple(item.source) for item in held.values()}) == 4
    for asked, expected in ((0, 0), (1, 1), (10, 10), (11, 10), (1000, 10)):
        training, (item,) = hold_out([pair_rows("en-fr", rows)], asked, 0)
        assert len(item.source) == expected
        assert len(training[0].source) == 100 - expected
    assert hold_out([pair_rows("en-fr", rows[:9])], 5, 0)[1][0].source == []


def by_brute_force(source: np.ndarray, target: np.ndarray, item: PairRows) -> float:
    """Return the share of sentences whose nearest one has the text of its translation, mean of both directions."""
    hits = []
    for rows, columns, texts in ((source, target, item.target), (target, source, item.source)):
        for i, vector in enumerate(rows):
            cosines = [float(vector @ x / np.linalg.norm(vector) / np.linalg.norm(x)) for x in columns]
            hits.append(texts[int(np.argmax(cosines))] == texts[i])
    return float(np.mean(hits))


@pytest.mark.usefixtures("one_thread")
def test_the_accuracy_is_that_of_brute_force(tiny_model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_model), local_files_only=True)
    rng = random.Random(3)
    words = WORDS[:14]
    data = []
    for pair in ("en-fr", "en-ja"):
        # Shuffled and with one word exchanged: some are found and some are not, and two translations are the same.
        sources = [rng.sample(words, 6) for _ in range(30)]
        targets = [rng.sample([*s[:4], rng.choice(words)], 5) for s in sources]
        rows = [(" ".join(s), " ".join(t)) for s, t in zip(sources, targets, strict=True)]
        data.append(pair_rows(pair, [*rows, (rows[0][0], rows[1][1]), rows[2]]))
    data.append(pair_rows("en-ko", []))
    expected = []
    for item in data[:2]:
        vectors = [model.encode([f"the cat {text}" for text in side]) for side in (item.source, item.target)]
        expected.append(by_brute_force(*vectors, item))
    assert all(0.2 < accuracy < 0.95 for accuracy in expected)
    found = DevAccuracy(data, "the cat ")(model)
    assert found["dev_accuracy_en-fr"] == pytest.approx(expected[0], abs=1e-9)
    assert found["dev_accuracy_en-ja"] == pytest.approx(expected[1], abs=1e-9)
    assert found["dev_accuracy"] == pytest.approx(np.mean(expected), abs=1e-9)
    assert set(found) == {"dev_accuracy", "dev_accuracy_en-fr", "dev_accuracy_en-ja"}, "a pair without rows has none"
    assert DevAccuracy(data, "")(model) != found, "the prompt counts"


@pytest.mark.usefixtures("one_thread")
def test_perfect_and_hopeless(tiny_model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_model), local_files_only=True)
    texts = [f"{color} {animal}" for color in ("red", "blue", "one") for animal in ("cat", "dog", "house")]
    same = pair_rows("en-fr", [(text, text) for text in texts])
    assert DevAccuracy([same], "")(model)["dev_accuracy"] == 1.0
    moved = pair_rows("en-fr", list(zip(texts, [*texts[1:], texts[0]], strict=True)))
    assert DevAccuracy([moved], "")(model)["dev_accuracy"] == 0.0
