"""The threshold that `mine --score` suggests, and its histogram."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import write
from mining_material import mine, report, rows

from bitext_bench.mining.score_modes import ScoreModes
from bitext_bench.mining.suggestion_lines import histogram_lines

SHARES = (0.0, 0.05, 0.2, 0.5)


def mixture(draw: np.random.Generator, share: float, distance: float = 1.0, n: int = 4_000) -> tuple[Any, Any, Any]:
    """Return scores of given pairs, whether each is wrong, and scores of random pairs."""
    wrong = np.arange(n) < round(share * n)
    scores = np.where(wrong, draw.normal(0.2, 0.15, n), draw.normal(0.2 + distance, 0.15, n))
    return scores, wrong, tuple(np.sort(draw.normal(0.2, 0.15, 20_000)) for _ in range(2))


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("distance", [0.8, 1.0, 1.5])
def test_the_interval_has_the_precision_and_the_threshold_is_nearly_the_best(share: float, distance: float) -> None:
    held = shares_held = 0
    for seed in range(20):
        scores, wrong, random_scores = mixture(np.random.default_rng(seed), share, distance)
        modes = ScoreModes(np.sort(scores), random_scores)
        found = modes.suggest()
        assert not isinstance(found, str)
        kept = scores >= found.threshold
        precision, recall = 1 - wrong[kept].mean(), kept[~wrong].mean()
        held += found.precision.low - 1e-9 <= precision <= found.precision.high + 1e-9
        shares_held += modes.misaligned.low <= max(share, 1e-3) <= modes.misaligned.high + 1e-3
        assert found.kept == kept.mean() and found.recall == pytest.approx(recall, abs=0.03)
        order = np.argsort(-scores)
        right = np.cumsum(~wrong[order])
        best = (2 * right / (np.arange(1, len(scores) + 1) + right[-1])).max()
        assert 2 * precision * recall / (precision + recall) >= best - 0.005
    assert held >= 18 and shares_held >= 18


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_no_threshold_if_the_modes_overlap(share: float) -> None:
    scores, _, random_scores = mixture(np.random.default_rng(0), share, 0.2)
    found = ScoreModes(np.sort(scores), random_scores).suggest()
    assert isinstance(found, str)
    assert found.startswith(
        ("the scores of translations and of misaligned pairs overlap: ", "the best threshold would ")
    )


def test_the_histogram_has_every_pair_once() -> None:
    scores, wrong, random_scores = mixture(np.random.default_rng(0), 0.2)
    histogram = ScoreModes(np.sort(scores), random_scores).histogram()
    assert len(histogram["edges"]) == len(histogram["pairs"]) + 1 == len(histogram["misaligned"]) + 1
    assert sum(histogram["pairs"]) == len(scores)
    assert sum(histogram["misaligned"]) == pytest.approx(wrong.sum(), rel=0.1)
    assert histogram["edges"] == sorted(histogram["edges"])


def test_the_lines_of_a_histogram() -> None:
    histogram = {"edges": [0.0, 0.1, 0.2, 0.3, 0.4], "pairs": [10, 14, 60, 36], "misaligned": [9.0, 3.0, 0.0, 0.0]}
    assert histogram_lines(histogram, 0.25) == [
        "score    pairs  (# given, - of them probably misaligned)",
        " 0.000      24  ------######",
        " 0.200      96  ################################################ < suggested threshold",
    ]


# --- On files


def misaligned_corpus(folder: Path, n: int, share: float) -> list[bool]:
    """Write pairs.tsv with n pairs of made-up words, some misaligned. Returns whether each is right."""
    draw = random.Random(0)
    words = [f"word{i}" for i in range(400)]
    pairs = [(text, [*text[:8], "x", "y"]) for text in (draw.choices(words, k=10) for _ in range(n))]
    chosen = draw.sample(range(n), round(share * n))
    targets = {at: pairs[other][1] for at, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True)}
    texts = [(" ".join(source), " ".join(targets.get(at, target))) for at, (source, target) in enumerate(pairs)]
    write(folder / "pairs.tsv", ["\t".join(pair) for pair in texts])
    return [at not in targets for at in range(n)]


@pytest.mark.parametrize("share", SHARES)
def test_the_suggested_threshold_on_a_file(share: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = misaligned_corpus(tmp_path, 600, share)
    output = tmp_path / "out.tsv"
    assert mine(tmp_path / "pairs.tsv", "--score", "-o", output) == 0
    about = report(output)
    found, scores = about["suggested"], [float(row["score"]) for row in rows(output)]
    precision = _precision(right, scores, found["threshold"])
    assert found["precision"]["low"] - 1e-9 <= precision <= found["precision"]["high"] + 1e-9
    assert about["misaligned"]["low"] - 0.005 <= share <= about["misaligned"]["high"] + 0.005
    assert sum(about["histogram"]["pairs"]) == 600
    said = capsys.readouterr().err
    assert f"suggested threshold {found['threshold']:.6f}: precision " in said
    assert f"to apply it, run the command again with --threshold {found['threshold']:.6f}" in said
    mine(tmp_path / "pairs.tsv", "--score", "-o", output, "--threshold", found["threshold"])
    assert len(rows(output)) == round(found["kept"] * 600) == sum(score >= found["threshold"] for score in scores)
    assert report(output)["precision"] == found["precision"]
    assert f"threshold {found['threshold']:.6f} (as given): precision " in capsys.readouterr().err


def _precision(right: Sequence[bool], scores: Sequence[float], threshold: float) -> float:
    kept = [is_right for is_right, score in zip(right, scores, strict=True) if score >= threshold]
    return sum(kept) / len(kept)


def test_suggestions_do_not_depend_on_the_shards(tmp_path: Path) -> None:
    misaligned_corpus(tmp_path, 300, 0.2)
    for name, size in (("one", 1_000), ("many", 37)):
        mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / f"{name}.tsv", "--shard-lines", size)
    one, many = (report(tmp_path / f"{name}.tsv") for name in ("one", "many"))
    for name in ("suggested", "misaligned", "histogram"):
        assert one[name] == many[name]


def test_copies_do_not_count_for_the_suggestion_if_a_filter_drops_them(tmp_path: Path) -> None:
    misaligned_corpus(tmp_path, 300, 0.2)
    mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / "without.tsv")
    texts = (tmp_path / "pairs.tsv").read_text()
    write(tmp_path / "pairs.tsv", [*texts.splitlines(), *(f"<b>{i}</b> a\t<b>{i}</b> b" for i in range(100))])
    mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / "filtered.tsv", "--filters", "markup")
    counts = [sum(report(tmp_path / f"{name}.tsv")["histogram"]["pairs"]) for name in ("without", "filtered")]
    assert counts == [300, 300]


def test_too_few_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    misaligned_corpus(tmp_path, 50, 0.2)
    assert mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / "out.tsv") == 0
    assert "no threshold is suggested: it needs at least 200 different pairs" in capsys.readouterr().err
    assert report(tmp_path / "out.tsv")["suggested"] is None


def test_mined_pairs_have_no_suggestion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their wrong pairs are neighbors with high scores, not random ones."""
    misaligned_corpus(tmp_path, 300, 0.2)
    for column, name in enumerate(("source", "target")):
        texts = (tmp_path / "pairs.tsv").read_text().splitlines()
        write(tmp_path / f"{name}.txt", [line.split("\t")[column] for line in texts])
    assert mine(tmp_path / "source.txt", tmp_path / "target.txt", "-o", tmp_path / "mined.tsv") == 0
    assert mine(tmp_path / "mined.tsv", "--score", "-o", tmp_path / "out.tsv") == 0
    assert "no threshold is suggested: these pairs are mined. " in capsys.readouterr().err
    assert report(tmp_path / "out.tsv")["suggested"] is None
    assert len(rows(tmp_path / "out.tsv")) == len(rows(tmp_path / "mined.tsv"))


@pytest.mark.parametrize("repeats", [1, 2, 150])
def test_repeated_pairs(repeats: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Few different pairs, many times: there are no or hardly any wrong combinations of them."""
    pairs = [f"word{i} other\tword{i} other x" for i in range(300 // repeats // 2 or 1)]
    write(tmp_path / "pairs.tsv", [*pairs] * repeats * 2)
    assert mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / "out.tsv") == 0
    if repeats == 150:
        assert "it needs at least 200 different pairs" in capsys.readouterr().err


def test_texts_without_any_relation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(0)
    words = [f"word{i}" for i in range(400)]
    write(
        tmp_path / "pairs.tsv",
        [f"{' '.join(draw.choices(words, k=9))}\t{' '.join(draw.choices(words, k=9))}" for _ in range(300)],
    )
    mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / "out.tsv")
    assert "no threshold is suggested: the " in capsys.readouterr().err
    assert report(tmp_path / "out.tsv")["suggested"] is None
