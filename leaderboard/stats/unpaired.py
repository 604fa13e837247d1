"""Intervals of differences and means of scores, from the scores and their intervals alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from bitext_bench.scoring.intervals import Interval


@dataclass(frozen=True, slots=True)
class Score:
    """A value with its 95 % interval."""

    value: float
    interval: Interval


def difference(a: Score, b: Score) -> Score:
    """Return A - B with the interval that follows from those of A and B if they are independent.

    The square-and-add method: Newcombe 1998 (method 10) for shares, Zou 2007 for correlations. Scores on the same
    sentences are positively correlated, and then the interval is too wide.
    """
    value = a.value - b.value
    below = sqrt((a.value - a.interval[0]) ** 2 + (b.interval[1] - b.value) ** 2)
    above = sqrt((a.interval[1] - a.value) ** 2 + (b.value - b.interval[0]) ** 2)
    return Score(value, (value - below, value + above))


def mean_of_scores(scores: Sequence[Score], *, independent: bool) -> Score:
    """Return the mean of subsets: of independent sentences, or of sentences that may be translations of each other."""
    value = fmean(score.value for score in scores)
    below = [score.value - score.interval[0] for score in scores]
    above = [score.interval[1] - score.value for score in scores]
    if independent:
        sides = [sqrt(sum(x * x for x in side)) / len(scores) for side in (below, above)]
    else:
        sides = [fmean(below), fmean(above)]
    return Score(value, (value - sides[0], value + sides[1]))
