"""Precision estimated from known pairs: closed forms, coverage of the intervals, and what is refused."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from builders import write
from mining_material import lines, mine, report
from numpy.typing import NDArray

from bitext_bench.mining.insertion import NEVER, Events, Outcomes, SideOutcome
from bitext_bench.mining.precision import LEFT_OUT, Calibration
from bitext_bench.mining.sides import SIDES
from bitext_bench.mining.threshold import FARTHEST
from bitext_bench.scoring.mined_pairs import RowPairs

NONE = Events(np.array([], dtype=np.int64), np.array([]))


def side(wrong: Events, false: NDArray[np.float64]) -> SideOutcome:
    paired = np.flatnonzero(false > NEVER)
    return SideOutcome(wrong, Events(paired, false[paired]))


def test_precision_is_what_the_rates_say() -> None:
    # Of 10 known pairs, 8 are found at 2; a line without its translation is paired at 1.5 in 1 of 10 cases, else at 1.
    right = np.array([2.0] * 8 + [NEVER] * 2)
    false = np.array([1.5] + [1.0] * 9)
    outcomes = Outcomes(right, dict.fromkeys(SIDES, side(NONE, false)))
    # 100 lines a side: 40 paired at 2, 5 at 1.5, the others at 1.
    scores = np.array([2.0] * 40 + [1.5] * 5 + [1.0] * 55)
    pairs = RowPairs(np.arange(100), np.arange(100), scores)
    calibration = Calibration(outcomes, pairs, {"source": 100, "target": 100})
    # Midway between the medians, 1.5, are 45 lines and more: 0.8 of the M with a translation and 0.1 of the others.
    translated = (45 - 100 * 0.1) / (0.8 - 0.1)
    estimate = calibration.estimate(1.5)
    assert estimate.translated.value == pytest.approx(translated)
    assert estimate.recall.value == 0.8
    assert estimate.mined == 45
    assert estimate.wrong == 2
    wrong = (100 - translated) * 0.1 + LEFT_OUT / (10 / 100 + 10 / 100)
    assert estimate.precision.value == pytest.approx(0.8 * translated / (0.8 * translated + wrong))


def outcomes_of(right: NDArray[np.float64], alone: NDArray[np.float64]) -> Outcomes:
    """Known pairs found at the scores `right`; their lines (2, P) are paired at `alone` without the translation."""
    return Outcomes(right, {name: side(NONE, false) for name, false in zip(SIDES, alone, strict=True)})


def trial(draws: np.random.Generator, n: int, share: float, known: int) -> tuple[Outcomes, RowPairs, NDArray[np.bool_]]:
    """Files whose lines are paired at scores that depend only on whether they have a translation."""
    n_right, n_wrong = round(n * share), n - round(n * share)
    scores = np.concatenate([draws.normal(1.15, 0.06, n_right), draws.normal(0.99, 0.05, n_wrong)])
    order = np.argsort(-scores)
    rows = np.arange(n)
    outcomes = outcomes_of(draws.normal(1.15, 0.06, known), draws.normal(0.99, 0.05, (2, known)))
    return outcomes, RowPairs(rows, rows, scores[order]), order < n_right


def calibrated(outcomes: Outcomes, pairs: RowPairs) -> Calibration:
    return Calibration(outcomes, pairs, dict.fromkeys(SIDES, len(pairs.source)))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.25, 0.6])
@pytest.mark.parametrize("target", [0.8, 0.9, 0.95, 0.99])
def test_the_interval_holds_the_true_precision(share: float, target: float) -> None:
    draws = np.random.default_rng(1)
    held, chosen = [], []
    for _ in range(60):
        outcomes, pairs, correct = trial(draws, 2_000, share, 300)
        calibration, thresholds = calibrated(outcomes, pairs), pairs.scores[::-1]
        enough = np.flatnonzero(calibration.precision_at(thresholds) >= target)
        if not len(enough):
            continue
        estimate = calibration.estimate(float(thresholds[enough[0]]))
        precision = correct[: estimate.mined].mean()
        held.append(estimate.precision.low <= precision <= estimate.precision.high)
        chosen.append(precision)
    # 300 known pairs cannot tell 0.99 where most lines have no translation: no threshold is estimated to reach it.
    assert len(held) >= 50 or target == 0.99
    if len(held) >= 50:
        assert np.mean(held) >= 0.9
        assert np.mean(chosen) == pytest.approx(target, abs=max(0.02, 0.35 * (1 - target)))


def test_known_pairs_of_the_same_kind_fit_and_others_do_not() -> None:
    draws = np.random.default_rng(2)
    trials = [trial(draws, 2_000, 0.25, 300)[:2] for _ in range(20)]
    assert max(calibrated(*each).misfit().distance for each in trials) < 2
    outcomes, pairs, _ = trial(draws, 2_000, 0.25, 300)
    easier = draws.normal(0.93, 0.05, (2, 300))  # lines without a translation that are paired at lower scores
    assert calibrated(outcomes_of(outcomes.right, easier), pairs).misfit().distance > FARTHEST


def everyday(draw: random.Random, n: int) -> list[list[str]]:
    words = [f"word{i}" for i in range(120)]
    return [draw.choices(words, k=8) for _ in range(n)]


def sentences(folder: Path, n_known: int, *, unlike: bool = False) -> tuple[Path, Path, Path, set[tuple[int, int]]]:
    """Files of 300 lines, 90 of which have a translation, and known pairs of the same kind."""
    draw = random.Random(5)
    source = everyday(draw, 300)
    target = [[*sentence[:5], *draw.choices(sentence, k=3)] for sentence in source[:90]] + everyday(draw, 210)
    if unlike:
        known = [[f"other{i}"] * 3 for i in range(n_known)]
        translations = [[*sentence, "x"] for sentence in known]
    else:
        known = everyday(draw, n_known)
        translations = [[*sentence[:5], *draw.choices(sentence, k=3)] for sentence in known]
    write(folder / "s", [" ".join(sentence) for sentence in source])
    write(folder / "t", [" ".join(sentence) for sentence in target])
    rows = [f"{' '.join(a)}\t{' '.join(b)}" for a, b in zip(known, translations, strict=True)]
    write(folder / "known", rows)
    return folder / "s", folder / "t", folder / "known", {(i + 1, i + 1) for i in range(90)}


@pytest.mark.parametrize("target", ["0.8", "0.9"])
@pytest.mark.parametrize("select", ["greedy", "forward", "union", "intersection"])
def test_the_output_is_as_precise_as_it_says(tmp_path: Path, target: str, select: str) -> None:
    source, other, known, gold = sentences(tmp_path, 150)
    options = [
        "--planted-pairs",
        known,
        "--target-precision",
        target,
        "--selection",
        select,
        "-o",
        tmp_path / "out.tsv",
    ]
    assert mine(source, other, *options) == 0
    judged = report(tmp_path / "out.tsv")["judged"]
    found = lines(tmp_path / "out.tsv")
    precision = len(set(found) & gold) / len(found)
    assert judged["precision"]["low"] <= precision <= judged["precision"]["high"]
    assert judged["lines_with_translation"]["low"] <= 90 <= judged["lines_with_translation"]["high"]
    assert judged["share_with_translation"]["source"] == pytest.approx(0.3, abs=0.06)


def test_gold_pairs_judge_lines_without_a_translation_too(tmp_path: Path) -> None:
    source, other, _, gold = sentences(tmp_path, 1)
    write(tmp_path / "gold", [f"{i}\t{i}" for i in range(1, 61)])
    assert (
        mine(source, other, "--gold", tmp_path / "gold", "--target-precision", "0.8", "-o", tmp_path / "out.tsv") == 0
    )
    judged = report(tmp_path / "out.tsv")["judged"]
    found = lines(tmp_path / "out.tsv")
    precision = len(set(found) & gold) / len(found)
    assert judged["precision"]["low"] <= precision <= judged["precision"]["high"]


def test_what_the_known_pairs_cannot_tell_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, other, known, gold = sentences(tmp_path, 40)
    options = ["--planted-pairs", known, "--target-precision", "0.999", "-o", tmp_path / "out.tsv"]
    assert mine(source, other, *options) == 1
    assert "--best-available" in capsys.readouterr().err
    assert not (tmp_path / "out.tsv").exists()
    assert mine(source, other, *options, "--best-available") == 0
    judged = report(tmp_path / "out.tsv")["judged"]
    found = lines(tmp_path / "out.tsv")
    assert judged["precision"]["low"] <= len(set(found) & gold) / len(found) <= judged["precision"]["high"]


def test_known_pairs_of_another_kind_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, other, known, _ = sentences(tmp_path, 150, unlike=True)
    options = ["--planted-pairs", known, "--target-precision", "0.9", "-o", tmp_path / "out.tsv"]
    assert mine(source, other, *options) == 1
    assert "do not resemble the files" in capsys.readouterr().err
    assert mine(source, other, *options, "--best-available") == 0
    assert "warning: the known pairs do not resemble" in capsys.readouterr().err


def test_planted_sentences_of_which_half_is_in_the_files_are_left_out(tmp_path: Path) -> None:
    source, other, known, _ = sentences(tmp_path, 150)
    first = source.read_text().split("\n")[200]
    with known.open("a") as file:
        file.write(f"{first}\tsomething else\n")
    assert mine(source, other, "--planted-pairs", known, "--best-f1", "-o", tmp_path / "out.tsv") == 0
    judged = report(tmp_path / "out.tsv")["judged"]
    assert (judged["known"], judged["left_out"]) == (150, 1)
