"""Whether two models differ on the same sentences: paired tests and intervals of the difference A - B."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bitext_bench.significance import Z_95, percentiles, resampled_spearman, resamples, spearman_influence

SIGNIFICANT = 0.05  # below this p, once corrected for being many, two models differ

# Above this sum of absolute differences the exact distribution is long, and the normal one not to be told from it.
_EXACT_SUM = 20_000
_ONE_RUN = np.empty(0)
_FAR = 12.0  # standard deviations beyond which a normal variable never is


@dataclass(frozen=True, eq=False)
class Difference:
    """A score of A minus that of B on the same sentences.

    Attributes:
        value: the difference, in the score's own unit.
        influence: of each sentence on the value, (n,) by n: value's variance is the sum of their squares. Subsets of
            one size share their sentences (FLORES, translated STS) or lose nothing by being taken as if they did.
        draw: returns the value of every bootstrap resample; nan where a resample has no score.
        test: returns p (below).
        wins: sentences that A does better on.
        losses: sentences that B does better on; the two are 0 for correlations, which no sentence has.
        runs: the value of each training run, (k,), where it is the mean of k seeds; (0,) of one model.
    """

    value: float
    influence: Mapping[int, NDArray[np.float64]]
    draw: Callable[[], NDArray[np.float64]]
    test: Callable[[], float]
    wins: int = 0
    losses: int = 0
    runs: NDArray[np.float64] = field(default_factory=lambda: _ONE_RUN)

    @cached_property
    def p(self) -> float:
        """Two-sided, of no difference; not corrected for other comparisons (`holm` does that)."""
        return self.test()

    @cached_property
    def drawn(self) -> NDArray[np.float64]:
        """The value of every bootstrap resample."""
        return self.draw()

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval: paired percentile bootstrap; of several seeds that of their p."""
        if len(self.runs):
            half = _Errors.of(self.influence, self.runs).half_width()
            return (self.value - half, self.value + half)
        return percentiles(self.drawn[~np.isnan(self.drawn)])

    def negated(self) -> Difference:
        """Return the same of an error rate: it falls where hits rise; wins stay wins."""
        turned = {n: -moved for n, moved in self.influence.items()}
        return replace(self, value=-self.value, influence=turned, draw=lambda: -self.drawn, runs=-self.runs)


def mean_difference(a: NDArray[np.integer], b: NDArray[np.integer], judgements: int) -> Difference:
    """Compare shares of hits; (n,) hits of each sentence among its `judgements` (directions, language pairs)."""
    differences = a.astype(np.int64) - b.astype(np.int64)
    size = len(differences)
    value = float(differences.sum() / (size * judgements))
    return Difference(
        value=value,
        influence={size: (differences / judgements - value) / size},
        draw=lambda: resamples(size) @ differences / (size * judgements),
        test=lambda: sign_flip_p(differences),
        wins=int((differences > 0).sum()),
        losses=int((differences < 0).sum()),
    )


def sign_flip_p(differences: NDArray[np.integer]) -> float:
    """Return the exact two-sided p of the sum of (n,) whole differences, each as likely with either sign.

    For differences of -1, 0 and 1 this is McNemar's exact test; a sentence that is judged in two directions or more
    stays one observation, whose judgements may depend on each other as they like.
    """
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    total, observed = int(sizes @ counts), abs(int(differences.sum()))
    if total > _EXACT_SUM:
        return _both_tails(observed / np.sqrt(float(sizes**2 @ counts)))
    # The sum is 2 T - total, where T is the sum of those with a plus; T's distribution, one size at a time.
    chances = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        chances = np.convolve(chances, _spread(size, count))
    sums = np.abs(2 * np.arange(total + 1) - total)
    return min(1.0, float(chances[sums >= observed].sum()))


def _spread(size: int, count: int) -> NDArray[np.float64]:
    """Return the distribution of size x Binomial(count, 1/2) over 0 to size x count."""
    from scipy.special import gammaln

    k = np.arange(count + 1)
    chances = np.zeros(size * count + 1)
    chances[::size] = np.exp(gammaln(count + 1) - gammaln(k + 1) - gammaln(count - k + 1) - count * np.log(2))
    return chances


@dataclass(frozen=True, eq=False)
class Correlation:
    """How a model scores pairs beside their gold scores, (n,) each."""

    scores: NDArray[np.floating]
    gold: NDArray[np.floating]

    @cached_property
    def observed(self) -> tuple[float, NDArray[np.float64]]:
        """Spearman's rank correlation, and each pair's influence on it."""
        return spearman_influence(self.scores, self.gold)


def spearman_difference(a: Correlation, b: Correlation) -> Difference:
    """Compare rank correlations with the same gold.

    p is by the normal distribution with the standard error that the influences give: counting resamples could not go
    below 1 in 1,000.
    """
    (rho_a, moved_a), (rho_b, moved_b) = a.observed, b.observed
    influence = {len(a.gold): (moved_a - moved_b) / len(a.gold)}
    return Difference(
        value=rho_a - rho_b,
        influence=influence,
        draw=lambda: resampled_spearman(a.scores, a.gold) - resampled_spearman(b.scores, b.gold),
        test=lambda: _p(rho_a - rho_b, influence),
    )


def f1_difference(a: NDArray[np.integer], b: NDArray[np.integer], n_gold: int) -> Difference:
    """Compare F1 of mined pairs; (n, 2) of each model: right and wrong pairs of every source that either mined.

    Gold pairs that neither found are resampled beside these. p as in `spearman_difference`.
    """
    found = np.maximum(a[:, 0], b[:, 0])
    missed = max(0, n_gold - int(found.sum()))
    gold = np.concatenate([found, np.ones(missed, dtype=np.int64)])
    mined_a, mined_b = (np.concatenate([side, np.zeros((missed, 2), dtype=np.int64)]) for side in (a, b))

    def draw() -> NDArray[np.float64]:
        counts = resamples(len(gold))
        return _f1(counts @ mined_a, counts @ gold) - _f1(counts @ mined_b, counts @ gold)

    (f1_a, moved_a), (f1_b, moved_b) = f1_influence(mined_a, gold), f1_influence(mined_b, gold)
    value, influence = f1_a - f1_b, {len(gold): moved_a - moved_b}
    better = mined_a @ (1, -1) - mined_b @ (1, -1)
    wins, losses = int((better > 0).sum()), int((better < 0).sum())
    return Difference(value, influence, draw, lambda: _p(value, influence), wins, losses)


def _p(value: float, influence: Mapping[int, NDArray[np.float64]], runs: NDArray[np.float64] = _ONE_RUN) -> float:
    return _Errors.of(influence, runs).p(value)


@dataclass(frozen=True, slots=True)
class _Errors:
    """Standard errors of a mean over seeds: with other sentences, and with other seeds, it would be another one.

    The sentences are many, the seeds few, so that the error is distributed as sentences * Z + seeds * T, of a normal Z
    and Student's T (Behrens and Fisher; Welch's approximation calls too many of 3 seeds different). What a seed does to
    single sentences is in both, which errs on the safe side.
    """

    sentences: float
    seeds: float
    freedom: int

    @staticmethod
    def of(influence: Mapping[int, NDArray[np.float64]], runs: NDArray[np.float64]) -> _Errors:
        """Return those of a value with these influences, that is the mean of these runs, or one model's."""
        sentences = np.sqrt(sum(float(moved @ moved) for moved in influence.values()))
        seeds = np.std(runs, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else 0.0
        return _Errors(float(sentences), float(seeds), len(runs) - 1)

    def p(self, value: float) -> float:
        """Return how likely an error is at least as large."""
        from scipy.integrate import quad
        from scipy.special import stdtr

        if not self.seeds:
            return _both_tails(abs(value) / self.sentences) if self.sentences else float(value == 0)

        def beyond(z: float) -> float:
            by_seeds = stdtr(self.freedom, (self.sentences * z - abs(value)) / self.seeds)
            return float(by_seeds * np.exp(-z * z / 2) / np.sqrt(2 * np.pi))

        # Where sentences alone make up the value, the other factor rises, and steeply where seeds hardly differ.
        rise = min(abs(value) / self.sentences, _FAR) if self.sentences else _FAR
        return 2 * float(quad(beyond, -_FAR, _FAR, points=[-1, 0, 1, rise], limit=200)[0])

    def half_width(self) -> float:
        """Return how far the error reaches in 95 % of cases."""
        from scipy.optimize import brentq
        from scipy.special import stdtrit

        if not self.seeds:
            return Z_95 * self.sentences
        most = Z_95 * self.sentences + self.seeds * float(stdtrit(self.freedom, 0.975))
        return float(brentq(lambda half: self.p(half) - 0.05, 0, 2 * most))


def _both_tails(z: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-z))


def _f1(mined: NDArray[np.floating], gold: NDArray[np.floating]) -> NDArray[np.float64]:
    right, wrong = mined[..., 0], mined[..., 1]
    return np.asarray(2 * right / np.maximum(right + wrong + gold, 1), dtype=np.float64)


def f1_influence(mined: NDArray[np.integer], gold: NDArray[np.integer]) -> tuple[float, NDArray[np.float64]]:
    """Return F1 = sum of 2 right / sum of (right + wrong + gold), a ratio of two means, and the influences on it.

    (n, 2) right and wrong pairs of each source, (n,) its gold ones; the squares of the influences sum to F1's variance.
    """
    whole = mined.sum(axis=1) + gold
    f1 = float(_f1(mined.sum(0), gold.sum()).item())
    return f1, np.asarray((2 * mined[:, 0] - f1 * whole) / max(1, int(whole.sum())), dtype=np.float64)


def mean_of(differences: Sequence[Difference]) -> Difference:
    """Return the mean difference over subsets.

    Subsets of one size are resampled alike, so those that share their sentences (FLORES, translated STS) are one
    sample, as they must be; in others that costs nothing. p is normal where there are several.
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
        draw=lambda: np.asarray(np.mean([d.drawn for d in differences], axis=0)),
        test=lambda: _p(value, influence, runs),
        wins=sum(d.wins for d in differences),
        losses=sum(d.losses for d in differences),
        runs=runs,
    )


def over_seeds(differences: Sequence[Difference]) -> Difference:
    """Return the mean difference of training runs that differ in their seed, one of A and one of B each time.

    The runs were scored on the same sentences. p and the interval are of other sentences and other seeds.
    """
    if len(differences) == 1:
        return differences[0]
    mean, runs = mean_of(differences), np.array([d.value for d in differences])
    # No sentence is won or lost by several runs together.
    return replace(mean, test=lambda: _p(mean.value, mean.influence, runs), wins=0, losses=0, runs=runs)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for being many (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
