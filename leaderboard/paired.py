"""Whether two models differ on the same sentences: paired tests and intervals of the difference A - B."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bitext_bench.significance import percentiles, resampled_spearman, resamples

SIGNIFICANT = 0.05  # below this p, once corrected for being many, two models differ

# Above this sum of absolute differences the exact distribution is long, and the normal one not to be told from it.
_EXACT_SUM = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """A score of A minus that of B on the same sentences.

    Attributes:
        value: the difference, in the score's own unit.
        drawn: the same of every bootstrap resample; nan where a resample has no score.
        p: two-sided, of no difference; not corrected for other comparisons (`holm` does that).
        wins: sentences that A does better on.
        losses: sentences that B does better on; the two are 0 for correlations, which no sentence has.
    """

    value: float
    drawn: NDArray[np.float64]
    p: float
    wins: int = 0
    losses: int = 0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval: paired percentile bootstrap."""
        return percentiles(self.drawn[~np.isnan(self.drawn)])

    def negated(self) -> Difference:
        """Return the same of an error rate: it falls where hits rise; wins stay wins."""
        return replace(self, value=-self.value, drawn=-self.drawn)


def mean_difference(a: NDArray[np.integer], b: NDArray[np.integer], judgements: int) -> Difference:
    """Compare shares of hits; (n,) hits of each sentence among its `judgements` (directions, language pairs)."""
    differences = a.astype(np.int64) - b.astype(np.int64)
    n = len(differences) * judgements
    drawn = resamples(len(differences)) @ differences / n
    return Difference(
        value=float(differences.sum() / n),
        drawn=drawn,
        p=sign_flip_p(differences),
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
        from scipy.stats import norm

        return float(2 * norm.sf(observed / np.sqrt(float(sizes**2 @ counts))))
    # The sum is 2 T - total, where T is the sum of those with a plus; T's distribution, one size at a time.
    chances = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        chances = np.convolve(chances, _spread(size, count))
    sums = np.abs(2 * np.arange(total + 1) - total)
    return min(1.0, float(chances[sums >= observed].sum()))


def _spread(size: int, count: int) -> NDArray[np.float64]:
    """Return the distribution of size x Binomial(count, 1/2) over 0 to size x count."""
    from scipy.stats import binom

    chances = np.zeros(size * count + 1)
    chances[::size] = binom.pmf(np.arange(count + 1), count, 0.5)
    return chances


def spearman_difference(a: NDArray[np.floating], b: NDArray[np.floating], gold: NDArray[np.floating]) -> Difference:
    """Compare rank correlations with gold; (n,) scores of each model.

    p is by the normal distribution with the bootstrap's standard error of the difference: counting resamples could
    not go below 1 in 1,000.
    """
    from scipy.stats import spearmanr

    value = float(spearmanr(a, gold).statistic - spearmanr(b, gold).statistic)
    drawn = resampled_spearman(a, gold) - resampled_spearman(b, gold)
    return Difference(value, drawn, _normal_p(value, drawn))


def f1_difference(a: NDArray[np.integer], b: NDArray[np.integer], n_gold: int) -> Difference:
    """Compare F1 of mined pairs; (n, 2) of each model: right and wrong pairs of every source that either mined.

    Gold pairs that neither found are resampled beside these. p as in `spearman_difference`.
    """
    found = np.maximum(a[:, 0], b[:, 0])
    missed = max(0, n_gold - int(found.sum()))
    gold = np.concatenate([found, np.ones(missed, dtype=np.int64)])
    sides = [np.concatenate([side, np.zeros((missed, 2), dtype=np.int64)]) for side in (a, b)]
    counts = resamples(len(gold))
    drawn = _f1(counts @ sides[0], counts @ gold) - _f1(counts @ sides[1], counts @ gold)
    value = float((_f1(sides[0].sum(0), gold.sum()) - _f1(sides[1].sum(0), gold.sum())).item())
    better = sides[0] @ (1, -1) - sides[1] @ (1, -1)
    wins, losses = int((better > 0).sum()), int((better < 0).sum())
    return Difference(value, drawn, _normal_p(value, drawn), wins, losses)


def _normal_p(value: float, drawn: NDArray[np.float64]) -> float:
    from scipy.stats import norm

    error = float(np.std(drawn[~np.isnan(drawn)])) if not np.isnan(drawn).all() else float("nan")
    return float(2 * norm.sf(abs(value) / error)) if error else float(value == 0)


def _f1(mined: NDArray[np.floating], gold: NDArray[np.floating]) -> NDArray[np.float64]:
    right, wrong = mined[..., 0], mined[..., 1]
    return np.asarray(2 * right / np.maximum(right + wrong + gold, 1), dtype=np.float64)


def mean_of(differences: Sequence[Difference]) -> Difference:
    """Return the mean difference over subsets.

    Subsets of one size are resampled alike, so those that share their sentences (FLORES, translated STS) are one
    sample, as they must be; in others that costs nothing. p is normal where there are several.
    """
    if len(differences) == 1:
        return differences[0]
    value = float(np.mean([d.value for d in differences]))
    drawn = np.mean([d.drawn for d in differences], axis=0)
    wins, losses = sum(d.wins for d in differences), sum(d.losses for d in differences)
    return Difference(value, drawn, _normal_p(value, drawn), wins, losses)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for being many (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected
