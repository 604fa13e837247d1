"""The neighborhood of each row: mean and last cosine of its k nearest rows, without planted rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scoring.margin import Margin, margin_k
from ..scoring.neighbors import Nearest
from .plan import Plan, other_side
from .records import load_array
from .sides import SIDES, Hidden, SideName


@dataclass(frozen=True, slots=True)
class Neighborhoods:
    """The neighborhoods of N rows on the other side; 17 bytes for each row.

    Attributes:
        means: (N,) mean cosine of the k nearest rows (or of all, if fewer); 0 if there are none.
        last: (N,) cosine of the k-th nearest row; -inf if there are fewer than k.
        sizes: (N,) number of rows in the neighborhood, at most k.
        k: 4, or 10 for CSLS.
    """

    means: NDArray[np.float64]
    last: NDArray[np.float64]
    sizes: NDArray[np.int8]
    k: int

    def with_one_more(self, rows: NDArray[np.int64], cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the means of rows after adding one row with these cosines to the other side."""
        sizes = self.sizes[rows]
        total = self.means[rows] * sizes
        full = sizes == self.k
        pushed_out = np.where(full, self.last[rows], 0.0)
        grown = (total + cosines - pushed_out) / np.where(full, self.k, sizes + 1)
        return np.where(full & (cosines <= self.last[rows]), self.means[rows], grown)


def shard_nearest(plan: Plan, side: SideName, number: int, hidden: Hidden | None = None) -> Nearest:
    """Return the nearest rows of the other side for a shard. Hidden rows are last, with a cosine of -inf."""
    unit = plan.nearest_unit(side, number)
    found = Nearest(np.array(load_array(plan, unit, "indices")), np.array(load_array(plan, unit, "cosines")))
    return found if hidden is None else without_candidates(found, hidden[other_side(side)][found.indices])


def without_candidates(found: Nearest, left_out: NDArray[np.bool_]) -> Nearest:
    """Move some candidates to the end of their lists, with a cosine of -inf."""
    cosines = np.where(left_out, -np.inf, found.cosines)
    order = np.argsort(-cosines, axis=1, kind="stable")
    return Nearest(np.take_along_axis(found.indices, order, axis=1), np.take_along_axis(cosines, order, axis=1))


def compute_neighborhoods(plan: Plan, margin: Margin, hidden: Hidden | None = None) -> dict[SideName, Neighborhoods]:
    """Compute the neighborhoods of both sides, shard by shard."""
    k = margin_k(margin)
    return {
        side: concatenate(
            [
                neighborhoods_of_lists(shard_nearest(plan, side, n, hidden).cosines, k)
                for n in range(plan.n_shards(side))
            ],
            k,
        )
        for side in SIDES
    }


def neighborhoods_of_lists(cosines: NDArray[np.floating], k: int) -> Neighborhoods:
    """Compute neighborhoods from decreasing cosines (N, kept); -inf marks a missing neighbor."""
    near = cosines[:, :k].astype(np.float64)
    present = np.isfinite(near)
    sizes = present.sum(axis=1)
    means = np.divide(np.where(present, near, 0.0).sum(axis=1), sizes, out=np.zeros(len(near)), where=sizes > 0)
    last = near[:, -1] if near.shape[1] == k else np.full(len(near), -np.inf)
    return Neighborhoods(means, last, sizes.astype(np.int8), k)


def concatenate(parts: list[Neighborhoods], k: int) -> Neighborhoods:
    """Concatenate the neighborhoods of consecutive rows."""
    columns = ([getattr(part, name) for part in parts] for name in ("means", "last", "sizes"))
    means, last, sizes = (np.concatenate(column) for column in columns)
    return Neighborhoods(means, last, sizes, k)
