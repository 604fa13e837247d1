"""BUCC mining where corpora repeat sentences: copies merged, and LASER's rule beside it, against loops over files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from builders import write
from test_mining import slow_mine

from bitext_bench.data.local import LocalSource
from bitext_bench.languages import resolve
from bitext_bench.scoring.neighbors import Vectors, normalize
from bitext_bench.tasks import TASKS, SubsetScores

Corpus = list[tuple[str, str]]  # id and sentence of each line
GOLD, ALONE = 40, 40


def corpora(seed: int, copies: int) -> tuple[Corpus, Corpus, list[tuple[str, str]]]:
    """Gold pairs and lines without a partner; copies of gold sentences and of others, some of them in gold pairs.

    Sentence i of either language is named by its meaning.
    """
    generator = np.random.default_rng(seed)
    sides: list[Corpus] = []
    for language in ("fr", "en"):
        meanings = [*range(GOLD), *(range(100, 100 + ALONE) if language == "fr" else range(200, 200 + ALONE))]
        again = generator.choice(meanings[: GOLD + 10], copies).tolist()
        lines = [f"{language} {meaning}" for meaning in [*meanings, *again]]
        sides.append([(f"{language}-{number}", line) for number, line in enumerate(lines)])
    gold = [(f"fr-{i}", f"en-{i}") for i in range(GOLD)]
    first = {sentence: identifier for identifier, sentence in reversed(sides[1])}
    gold += [  # a copy of a French gold sentence, with its English
        (identifier, first[f"en {sentence[3:]}"])
        for identifier, sentence in sides[0][GOLD + ALONE :][::2]
        if f"en {sentence[3:]}" in first
    ]
    return sides[0], sides[1], gold


def vector(sentence: str) -> np.ndarray:
    """One text has one vector, near that of what it translates."""
    language, meaning = sentence.split()
    about = np.random.default_rng(int(meaning)).standard_normal(16)
    own = np.random.default_rng([int(meaning), language == "fr"]).standard_normal(16)
    return np.asarray(about + 0.9 * own + 1.5)


def encode(sentences: list[str]) -> Vectors:
    return normalize(np.stack([vector(sentence) for sentence in sentences]))


def scored(root: Path, copies: int) -> SubsetScores:
    """Write both splits as BUCC distributes them, and run the task."""
    for seed, split in enumerate(("training", "test")):
        source, target, gold = corpora(seed, copies)
        stem = f"bucc2018/fr-en/fr-en.{split}"
        for name, lines in (("fr", source), ("en", target), ("gold", gold)):
            write(root / f"{stem}.{name}", ["\t".join(line) for line in lines])
    (work,) = TASKS["BUCC-mining"].load(LocalSource(root), [resolve("fr"), resolve("en")])
    (found,) = work.score([encode(list(side.sentences)) for side in work.sides])
    return found


def unified(corpus: Corpus) -> list[str]:
    return list(dict.fromkeys(sentence for _, sentence in corpus))


def slow_laser(split: int, copies: int) -> tuple[list[tuple[tuple[str, str], float]], set[tuple[str, str]]]:
    """The candidates that bucc.py has (id pairs with scores, best first), and its gold: a set of id pairs."""
    source, target, gold = corpora(split, copies)
    texts = [unified(side) for side in (source, target)]
    ids = []
    for side in (source, target):
        times = Counter(sentence for _, sentence in side)
        ids.append({sentence: identifier for identifier, sentence in side if times[sentence] == 1})
    candidates = []
    for i, j, score in slow_mine(encode(texts[0]), encode(texts[1])):
        pair = texts[0][i], texts[1][j]
        if pair[0] in ids[0] and pair[1] in ids[1]:
            candidates.append(((ids[0][pair[0]], ids[1][pair[1]]), score))
    return candidates, set(gold)


def f1(taken: list[tuple[str, str]], gold: set[tuple[str, str]]) -> float:
    right = sum(pair in gold for pair in taken)
    if not right:
        return 0.0
    precision, recall = right / len(taken), right / len(gold)
    return 2 * precision * recall / (precision + recall)


def slow_threshold(candidates: list[tuple[tuple[str, str], float]], gold: set[tuple[str, str]]) -> float:
    """Half way between the last pair taken and the first left out, where F1 is best."""
    best, threshold = 0.0, 0.0
    for n in range(1, len(candidates)):
        found = f1([pair for pair, _ in candidates[:n]], gold)
        if found > best:
            best, threshold = found, (candidates[n - 1][1] + candidates[n][1]) / 2
    return threshold


@pytest.mark.parametrize("copies", [0, 6, 25])
def test_lasers_rule_equals_the_loops(tmp_path: Path, copies: int) -> None:
    found = scored(tmp_path, copies)
    threshold = slow_threshold(*slow_laser(0, copies))
    candidates, gold = slow_laser(1, copies)
    taken = [pair for pair, score in candidates if score >= threshold]
    right = sum(pair in gold for pair in taken)
    assert found.scores["threshold_laser"] == pytest.approx(threshold, rel=1e-5)
    assert found.scores["precision_laser"] == pytest.approx(right / len(taken))
    assert found.scores["recall_laser"] == pytest.approx(right / len(gold))
    assert found.scores["f1_laser"] == pytest.approx(f1(taken, gold))
    assert 0.2 < f1(taken, gold) < 1


@pytest.mark.parametrize("copies", [0, 6, 25])
def test_our_rule_takes_pairs_of_texts(tmp_path: Path, copies: int) -> None:
    """Judged by text: any copy is right, and gold pairs of equal texts are one."""
    found = scored(tmp_path, copies)
    source, target, gold = corpora(1, copies)
    texts = dict(source), dict(target)
    wanted = {(texts[0][i], texts[1][j]) for i, j in gold}
    names = [unified(side) for side in (source, target)]
    mined = slow_mine(*map(encode, names))
    threshold = found.scores["threshold"]
    assert threshold is not None
    taken = [(names[0][i], names[1][j]) for i, j, score in mined if score >= threshold]
    assert found.n == len(wanted)
    assert found.scores["f1"] == pytest.approx(f1(taken, wanted))
    pairs = found.outcomes["pairs"]
    rows = [(names[0][i], names[1][j]) for i, j in zip(pairs["source"].tolist(), pairs["target"].tolist(), strict=True)]
    # The outcomes hold what was mined and then all other gold pairs.
    assert rows[: len(mined)] == [(names[0][i], names[1][j]) for i, j, _ in mined]
    assert {pair for pair, hit in zip(rows, pairs["hit"], strict=True) if hit} == wanted
    assert len(set(rows)) == len(rows)
    assert np.isfinite(pairs["score"]).tolist() == [True] * len(mined) + [False] * (len(rows) - len(mined))


def test_without_copies_the_rules_are_one_and_with_them_lasers_loses(tmp_path: Path) -> None:
    whole, repeated = scored(tmp_path / "a", 0).scores, scored(tmp_path / "b", 25).scores
    for name in ("f1", "precision", "recall", "threshold"):
        assert whole[f"{name}_laser"] == whole[name]
    assert (repeated["f1"] or 0) - (repeated["f1_laser"] or 0) > 0.1


def test_where_all_is_repeated_laser_has_no_score(tmp_path: Path) -> None:
    for split in ("training", "test"):
        for language in ("fr", "en"):
            lines = [f"{language}-{i}\t{language} {i // 2}" for i in range(12)]
            write(tmp_path / f"bucc2018/fr-en/fr-en.{split}.{language}", lines)
        write(tmp_path / f"bucc2018/fr-en/fr-en.{split}.gold", ["fr-0\ten-1"])
    (work,) = TASKS["BUCC-mining"].load(LocalSource(tmp_path), [resolve("fr"), resolve("en")])
    (found,) = work.score([encode(list(side.sentences)) for side in work.sides])
    assert found.scores["f1"] is not None and found.scores["f1"] > 0
    assert {found.scores[f"{name}_laser"] for name in ("f1", "precision", "recall", "threshold")} == {None}
