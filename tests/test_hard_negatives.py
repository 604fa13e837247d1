"""Hard negatives against brute force."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from toys import hashing

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from bitext_bench.scoring.metrics import normalize_text
from training.data.corpora import PairRows
from training.trainer.hard_negatives import mine_negatives

PAIR = LangPair.parse("en-fr")


def mined(data: PairRows, k: int, cache: Path, prompt: str = "") -> list[list[str]]:
    """Return the negatives of each row."""
    columns = mine_negatives(resolve_model("toys:hashing", ModelOptions()), prompt, data, k, cache)
    assert [len(column) for column in columns] == [len(data.source)] * k
    return [list(row) for row in zip(*columns, strict=True)]


def unit(sentences: list[str], prompt: str = "") -> np.ndarray:
    vectors = hashing().encode([prompt + text for text in sentences]).astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def made(n: int, seed: int) -> PairRows:
    """Return rows whose sides share some words, so that the translation is near, but not always the nearest."""
    rng = random.Random(seed)
    words = [f"w{i}" for i in range(25)]
    sources = [rng.sample(words, 8) for _ in range(n)]
    targets = [[*rng.sample(s, 4), *rng.sample(words, 4)] for s in sources]
    return PairRows(PAIR, [" ".join(s) for s in sources], [" ".join(t) for t in targets])


@pytest.mark.parametrize("prompt", ["", "w3 w4 "])
@pytest.mark.parametrize("k", [1, 3])
def test_they_are_the_nearest_below_the_translation_hardest_first(k: int, prompt: str, tmp_path: Path) -> None:
    data = made(120, seed=1)
    cosines = unit(data.source, prompt) @ unit(data.target, prompt).T
    whole = passed_over = 0
    for i, negatives in enumerate(mined(data, k, tmp_path, prompt)):
        order = np.argsort(-cosines[i])
        below = [data.target[j] for j in order if cosines[i, j] < cosines[i, i] - 1e-6]
        nearer = int((cosines[i] > cosines[i, i] + 1e-6).sum())
        if nearer + k + 1 <= k + 16 and len(below) >= k:  # all within what is looked through
            assert negatives == below[:k]
            whole += 1
            passed_over += nearer > 0
    assert whole > 60
    assert passed_over > 20, "some translations are not the nearest, and what is nearer was no negative"


def test_never_the_translation_in_any_spelling_nor_twice_the_same_row(tmp_path: Path) -> None:
    data = made(40, seed=2)
    # Each translation stands there once more, in capitals and with a point; the toy sees other words in it.
    data = PairRows(PAIR, [*data.source, *data.source], [*data.target, *(f"{t.upper()}." for t in data.target)])
    for i, negatives in enumerate(mined(data, 4, tmp_path)):
        assert normalize_text(data.target[i]) not in map(normalize_text, negatives)
        assert len(set(negatives)) == 4


@pytest.mark.parametrize(("n", "k"), [(3, 2), (5, 4), (20, 19)])
def test_where_too_few_are_below_the_translation_others_fill_up(n: int, k: int, tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(n)]
    # Nothing is nearer than the translation in even rows; in odd rows everything is at least as near.
    targets = [word if i % 2 == 0 else "zz" + word for i, word in enumerate(words)]
    data = PairRows(PAIR, words, targets)
    for i, negatives in enumerate(mined(data, k, tmp_path)):
        assert len(negatives) == k
        assert data.target[i] not in negatives
        assert len(set(negatives)) == k, "each of the others once"


def test_more_than_there_are_is_one_line(tmp_path: Path) -> None:
    data = PairRows(PAIR, ["a b", "a c", "d e"], ["x y", "X y.", "d e"])
    with pytest.raises(UserError, match="has 1 targets that differ from 'x y', but num_hard_negatives is 2"):
        mined(data, 2, tmp_path)


def test_a_translation_that_stands_in_for_a_negative_is_not_the_rows_own(tmp_path: Path) -> None:
    """Of four rows, two have the same translation: the others fill up, and it must not be among them."""
    data = PairRows(PAIR, ["a b", "a c", "d e", "f g"], ["x y", "X y.", "d e", "f g"])
    for i, negatives in enumerate(mined(data, 2, tmp_path)):
        assert normalize_text(data.target[i]) not in map(normalize_text, negatives), i
