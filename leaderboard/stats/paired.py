"""Paired tests of two models on the same sentences, and intervals of the difference A - B."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bitext_bench.scoring.f1 import f1_influence
from bitext_bench.scoring.intervals import Z_95, spearman_influence

SIGNIFICANT = 0.05  # level of the corrected p below which two models differ

_ONE_RUN = np.empty(0)
_FAR = 12.0  # standard deviations; a normal variable beyond them has negligible probability


@dataclass(frozen=True, eq=False)
class Difference:
    """A's score minus B's on the same sentences.

    p and the interval come from one statistic, so the interval excludes 0 exactly if p < 0.05. To test a difference d,
    the squared standard error is that of the influences plus (value - d)^2 / n, which gives the variance around d
    instead of the value. At d = 0 this is McNemar's test (1947, without continuity correction), or, if a sentence is
    judged several times, the normal approximation of the sign-flip test. The interval contains every d that the test
    does not reject (as Tango 1998 inverts McNemar's test). For several seeds, see `_StandardErrors`.

    Attributes:
        value: the difference, in the score's unit.
        influence: n -> (n,), each sentence's influence on the value; the variance of the value is the sum of their
            squares. Subsets of the same size are treated as if they shared their sentences: FLORES and translated STS
            do, and for others it does no harm.
        step: n times the smallest change of the mean that one sentence can cause. A difference d then has a variance of
            at least (step |d| - d^2) / n, even if no sentence differs. 0 if there is no such step.
        wins: number of sentences on which A does better.
        losses: number of sentences on which B does better. Both are 0 for correlations.
        runs: (k,), the value of each training run for a mean of k seeds; (0,) for single models.
    """

    value: float
    influence: Mapping[int, NDArray[np.float64]]
    step: float = 0.0
    wins: int = 0
    losses: int = 0
    runs: NDArray[np.float64] = field(default_factory=lambda: _ONE_RUN)

    @cached_property
    def p(self) -> float:
        """Two-sided p of the hypothesis of no difference; see `holm_correction` for several comparisons."""
        if len(self.runs):
            return self._errors.p(self.value)
        error = np.sqrt(self._errors.sentences**2 + self.value**2 / self._n)
        return _both_tails(abs(self.value) / error) if error else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        if len(self.runs):
            half = self._errors.half_width()
            return self.value - half, self.value + half
        return -self._bound(-1), self._bound(1)

    def _bound(self, sign: int) -> float:
        """Return the largest difference that the test does not reject, of A - B (sign 1) or B - A (sign -1)."""
        value, share = sign * self.value, Z_95**2 / self._n
        most = 1.0 if self.step else 2.0
        if share >= 1:
            return most
        reach = [value + Z_95 * self._errors.sentences / np.sqrt(1 - share)]
        for side in (1, -1):  # solve (value - d)^2 <= share (step |d| - d^2) for d with this sign
            middle = side * value + share * self.step / 2
            root = middle**2 - (1 + share) * value**2
            if middle > 0 and root >= 0:
                reach.append(side * (middle + side * np.sqrt(root)) / (1 + share))
        return float(min(max(reach), most))

    @cached_property
    def _errors(self) -> _StandardErrors:
        return _StandardErrors.from_influence(self.influence, self.runs)

    @property
    def _n(self) -> int:
        return sum(self.influence)

    def negated(self) -> Difference:
        """Return the difference in error rate: the opposite sign, with the same wins and losses."""
        turned = {n: -moved for n, moved in self.influence.items()}
        return replace(self, value=-self.value, influence=turned, runs=-self.runs)


def mean_difference(a: NDArray[np.integer], b: NDArray[np.integer], judgements: int) -> Difference:
    """Compare shares of hits; a and b are (n,) hits per sentence, from 0 to `judgements` (directions, pairs)."""
    differences = a.astype(np.int64) - b.astype(np.int64)
    size = len(differences)
    value = float(differences.sum() / (size * judgements))
    return Difference(
        value=value,
        influence={size: (differences / judgements - value) / size},
        step=1 / judgements,
        wins=int((differences > 0).sum()),
        losses=int((differences < 0).sum()),
    )


@dataclass(frozen=True, eq=False)
class Correlation:
    """A model's scores of sentence pairs and their gold scores, (n,) each."""

    scores: NDArray[np.floating]
    gold: NDArray[np.floating]

    @cached_property
    def observed(self) -> tuple[float, NDArray[np.float64]]:
        """Spearman's rank correlation, and each pair's influence on it."""
        return spearman_influence(self.scores, self.gold)


def spearman_difference(a: Correlation, b: Correlation) -> Difference:
    """Compare rank correlations with the same gold."""
    (rho_a, moved_a), (rho_b, moved_b) = a.observed, b.observed
    return Difference(rho_a - rho_b, {len(a.gold): (moved_a - moved_b) / len(a.gold)})


def f1_difference(a: NDArray[np.integer], b: NDArray[np.integer]) -> Difference:
    """Compare F1 of mined pairs; a and b are (C, 3) right, wrong and missed pairs of the same clusters."""
    (f1_a, moved_a), (f1_b, moved_b) = f1_influence(a), f1_influence(b)
    better = a @ (1, -1, 0) - b @ (1, -1, 0)
    return Difference(
        value=f1_a - f1_b,
        influence={len(a): moved_a - moved_b},
        step=1.0,
        wins=int((better > 0).sum()),
        losses=int((better < 0).sum()),
    )


@dataclass(frozen=True, slots=True)
class _StandardErrors:
    """Standard errors of a mean over seeds, from the choice of sentences and from the choice of seeds.

    With many sentences and few seeds, the error is distributed as sentences * Z + seeds * T, with a normal Z and
    Student's T (Behrens and Fisher; Welch's approximation finds too many differences with 3 seeds). A seed's effect on
    single sentences counts in both terms, which is conservative.
    """

    sentences: float
    seeds: float
    freedom: int

    @staticmethod
    def from_influence(influence: Mapping[int, NDArray[np.float64]], runs: NDArray[np.float64]) -> _StandardErrors:
        """Return the errors of a value with these influences; `runs` are the values of the seeds, () for one model."""
        sentences = np.sqrt(sum(float(moved @ moved) for moved in influence.values()))
        seeds = np.std(runs, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else 0.0
        return _StandardErrors(float(sentences), float(seeds), len(runs) - 1)

    def p(self, value: float) -> float:
        """Return the two-sided probability of an error at least as large as `value`."""
        from scipy.integrate import quad
        from scipy.special import stdtr

        if not self.seeds:
            return _both_tails(abs(value) / self.sentences) if self.sentences else float(value == 0)

        def beyond(z: float) -> float:
            by_seeds = stdtr(self.freedom, (self.sentences * z - abs(value)) / self.seeds)
            return float(by_seeds * np.exp(-z * z / 2) / np.sqrt(2 * np.pi))

        # stdtr rises at |value| / sentences, steeply if the seeds hardly differ: quad needs the point.
        rise = min(abs(value) / self.sentences, _FAR) if self.sentences else _FAR
        return 2 * float(quad(beyond, -_FAR, _FAR, points=[-1, 0, 1, rise], limit=200)[0])

    def half_width(self) -> float:
        """Return the half-width of the 95 % interval."""
        from scipy.optimize import brentq
        from scipy.special import stdtrit

        if not self.seeds:
            return Z_95 * self.sentences
        most = Z_95 * self.sentences + self.seeds * float(stdtrit(self.freedom, 0.975))
        return float(brentq(lambda half: self.p(half) - 0.05, 0, 2 * most))


def _both_tails(z: float) -> float:
    return math.erfc(z / math.sqrt(2))


def average(differences: Sequence[Difference]) -> Difference:
    """Return the mean difference over subsets.

    Subsets of the same size are treated as one sample. This is required if they share sentences (FLORES, translated
    STS), and harmless otherwise.
    """
    if len(differences) == 1:
        return differences[0]
    runs = np.mean([d.runs for d in differences], axis=0)
    value = float(np.mean([d.value for d in differences]))
    influence: dict[int, NDArray[np.float64]] = {}
    for difference in differences:
        for size, moved in difference.influence.items():
            influence[size] = influence.get(size, np.zeros(size)) + moved / len(differences)
    return Difference(
        value=value,
        influence=influence,
        step=min(d.step for d in differences) / len(differences),
        wins=sum(d.wins for d in differences),
        losses=sum(d.losses for d in differences),
        runs=runs,
    )


def over_seeds(differences: Sequence[Difference]) -> Difference:
    """Return the mean difference over pairs of training runs (one of A, one of B) that differ in the seed.

    All runs must be scored on the same sentences. p and the interval cover the choice of sentences and of seeds.
    """
    if len(differences) == 1:
        return differences[0]
    mean, runs = average(differences), np.array([d.value for d in differences])
    # Wins and losses are not defined for several runs together.
    return replace(mean, wins=0, losses=0, runs=runs)


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for multiple comparisons (Holm 1979), in the given order."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
