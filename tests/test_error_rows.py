"""Misses by row, on outcomes small enough to check by eye."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from leaderboard.errors.rows import ErrorRow, correct_pairs, mining_errors, retrieval_errors


def retrieval(neighbors: list[int], margins: list[float]) -> dict[str, Any]:
    rows = np.array(neighbors, dtype=np.int32)
    return {"hit": rows == np.arange(len(rows)), "neighbor": rows, "margin": np.array(margins, dtype=np.float32)}


def test_one_model_misses_every_row_without_a_hit() -> None:
    columns = retrieval([0, 3, 3, 3], [0.5, -0.25, -0.5, 0.125])
    assert list(retrieval_errors("forward", columns, [])) == [
        ErrorRow("forward", 1, 1, 3, -0.25, 3),
        ErrorRow("forward", 2, 2, 3, -0.5, 3),
    ]


def test_with_two_models_the_other_one_must_find_the_row() -> None:
    ours, theirs = retrieval([0, 3, 3, 3], [1, -1, -1, 1]), retrieval([1, 1, 1, 3], [-1, 1, -1, 1])
    assert [miss.query for miss in retrieval_errors("backward", ours, [theirs])] == [1]
    assert [miss.query for miss in retrieval_errors("backward", theirs, [ours])] == [0]
    assert ours["hit"].tolist() == [True, False, False, True]  # the input is not changed


def mined(*pairs: tuple[int, int, float, bool]) -> dict[str, Any]:
    source, target, score, hit = zip(*pairs, strict=True)
    return {
        "source": np.array(source, dtype=np.int32),
        "target": np.array(target, dtype=np.int32),
        "score": np.array(score, dtype=np.float32),
        "hit": np.array(hit),
    }


# Gold: (0, 0) to (4, 4). 0 is found, 1 is below the threshold, 2 and 3 are in wrong pairs, 4 is not mined.
MINED = mined((0, 0, 1.5, True), (2, 7, 1.25, False), (8, 3, 1.125, False), (1, 1, 0.75, True), (3, 2, 0.5, False))


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ((1, 1), [ErrorRow("forward", 1, 1, None, -0.25)]),
        ((2, 2), [ErrorRow("forward", 2, 2, 7, None), ErrorRow("backward", 2, 2, 3, None)]),
        ((3, 3), [ErrorRow("forward", 3, 3, 2, None), ErrorRow("backward", 3, 3, 8, None)]),
        ((4, 4), [ErrorRow("forward", 4, 4, None, None)]),
        ((5, 7), [ErrorRow("backward", 7, 5, 2, None)]),
    ],
)
def test_mining_reports_both_sentences_of_a_missed_pair(lost: tuple[int, int], expected: list[ErrorRow]) -> None:
    assert list(mining_errors(MINED, 1.0, [lost])) == expected


def test_a_score_equal_to_the_threshold_is_mined() -> None:
    assert correct_pairs(MINED, 1.0) == {(0, 0)}
    assert correct_pairs(MINED, 0.75) == {(0, 0), (1, 1)}
    assert correct_pairs(MINED, float(np.nextafter(np.float32(0.75), np.float32(1)))) == {(0, 0)}
