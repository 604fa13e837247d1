"""The output rows for given pairs: their scores, and the threshold that these suggest."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..scoring.margin import Margin
from .filters.screening import Screener
from .formats import OutputTable
from .inputs import has_mined_pairs
from .manifest import Request
from .misaligned import score_random_pairs
from .neighborhoods import Neighborhoods, compute_neighborhoods
from .output import MinedTables
from .pairs import score_pairs
from .plan import Plan
from .pool import PairPool
from .row_texts import RowTexts
from .score_modes import FEWEST, ScoreModes
from .screened import ScreenedPairs
from .sides import SIDES, SideName

Rows = NDArray[np.int64]

_MINED = (
    "these pairs are mined. The estimate takes wrong pairs for random ones, but wrong mined pairs are neighbors, "
    "with high scores: mine again with --planted-pairs and --target-precision"
)


@dataclass(frozen=True, slots=True)
class _GivenPairs:
    """N given pairs with their scores.

    Attributes:
        rows: (N,) rows of each side; -1 for a blank line.
        full: (N,) whether neither side is blank; only these pairs have a score.
        scores: (N,) margin, NaN without a score.
        cosines: (N,) cosine, NaN without a score.
    """

    rows: dict[SideName, Rows]
    full: NDArray[np.bool_]
    scores: NDArray[np.float64]
    cosines: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _ScoredTables:
    plan: Plan
    request: Request
    pairs: _GivenPairs
    kept: NDArray[np.bool_]
    about: dict[str, Any]
    screened: ScreenedPairs | None

    def pool(self) -> PairPool:
        scores, dropped = self.pairs.scores, np.zeros(len(self.kept), dtype=np.uint8)
        if self.screened is None:
            return PairPool(scores, self.kept, dropped, self._read)
        return PairPool(scores, self.kept, self.screened.screening.dropped, self._read, self.screened.reasons)

    def _read(self, at: Rows) -> dict[str, list[Any]]:
        if self.request.form == "arrays":
            rows: dict[str, list[Any]] = {f"{side}_row": self.pairs.rows[side][at].tolist() for side in SIDES}
        else:
            texts = RowTexts(self.plan, self.pairs.rows, by_line=True)
            rows = {"line": (at + 1).tolist(), **{side: list(texts.read(side, at)) for side in SIDES}}
        return {"score": self.pairs.scores[at].tolist(), **rows}

    def chunks(self, n: int) -> Iterator[OutputTable]:
        for _, columns in self._columns(self.kept, n):
            yield OutputTable(columns)

    def dropped(self, n: int) -> Iterator[OutputTable]:
        if self.screened is not None:
            for at, columns in self._columns(~self.screened.screening.kept, n):
                yield OutputTable({**self.screened.reasons(at), "line": (at + 1).tolist(), **columns})

    def _columns(self, chosen: NDArray[np.bool_], n: int) -> Iterator[tuple[Rows, dict[str, list[Any]]]]:
        """Yield the positions and the columns of the chosen pairs among each n pairs."""
        texts = None if self.request.form == "arrays" else [self.request.read(side) for side in SIDES]
        for first in range(0, len(chosen), n):
            here = chosen[first : first + n]
            at = first + np.flatnonzero(here)
            full = self.pairs.full[at].tolist()
            columns = {
                name: [value if has else None for value, has in zip(values[at].tolist(), full, strict=True)]
                for name, values in (("score", self.pairs.scores), ("cosine", self.pairs.cosines))
            }
            if texts is None:
                columns |= {f"{side}_row": self.pairs.rows[side][at].tolist() for side in SIDES}
            else:
                for side, lines in zip(SIDES, texts, strict=True):
                    columns[side] = list(itertools.compress(itertools.islice(lines, len(here)), here.tolist()))
            yield at, columns


def prepare_scored(
    plan: Plan, request: Request, margin: Margin, threshold: float | None, screener: Screener | None
) -> MinedTables:
    """Score the pairs in the files, in order, and filter them.

    Filters that look at one pair at a time come first, and the threshold before those that compare pairs, so that no
    pair is dropped for repeating one below the threshold.
    """
    around = compute_neighborhoods(plan, margin)
    pairs = _score(plan, around, margin, request.budget.pairs_at_once)
    about: dict[str, Any] = {"margin": margin, "threshold": threshold}
    # Without a threshold, pairs without a score remain, too.
    kept = np.ones(len(pairs.full), dtype=np.bool_) if threshold is None else pairs.scores >= threshold
    screened, clean = None, pairs.full
    if screener is not None:
        screened = ScreenedPairs.screen(RowTexts(plan, pairs.rows, by_line=True), screener)
        clean = pairs.full & screened.kept
    if request.target is None and has_mined_pairs(request.source):
        about |= {"suggested": None, "no_suggestion": _MINED}
    else:
        about |= _describe_modes(_fit_modes(plan, pairs, clean, around, margin), threshold)
    if screened is not None:
        screened.drop_repeats(kept)
        kept &= screened.kept
        about["filters"] = screened.about()
    return _ScoredTables(plan, request, pairs, kept, about, screened)


def _score(plan: Plan, around: dict[SideName, Neighborhoods], margin: Margin, n: int) -> _GivenPairs:
    rows = {side: _rows(plan, side) for side in SIDES}
    full = (rows["source"] >= 0) & (rows["target"] >= 0)
    scores, cosines = np.full(len(full), np.nan), np.full(len(full), np.nan, dtype=np.float32)
    positions = np.flatnonzero(full)
    for first in range(0, len(positions), n):
        at = positions[first : first + n]
        cosines[at], scores[at] = score_pairs(plan, rows["source"][at], rows["target"][at], around, margin)
    return _GivenPairs(rows, full, scores, cosines)


def _rows(plan: Plan, side: SideName) -> Rows:
    if plan.side(side).vectors:
        return np.arange(plan.side(side).rows)
    rows: Rows = np.load(plan.files(side).row_of_line, mmap_mode="r")
    return rows


def _fit_modes(
    plan: Plan,
    pairs: _GivenPairs,
    clean: NDArray[np.bool_],
    around: dict[SideName, Neighborhoods],
    margin: Margin,
) -> ScoreModes | None:
    """Return the modes of the scores of some pairs; None if too few of them differ."""
    if clean.sum() < FEWEST:
        return None
    rows: dict[SideName, Rows] = {side: pairs.rows[side][clean] for side in SIDES}
    random = score_random_pairs(plan, rows, around, margin)
    return ScoreModes(np.sort(pairs.scores[clean]), random) if len(random[0]) >= FEWEST else None


def _describe_modes(modes: ScoreModes | None, threshold: float | None) -> dict[str, Any]:
    """Return the modes and the suggested threshold for the report."""
    if modes is None:
        return {"suggested": None, "no_suggestion": f"it needs at least {FEWEST} different pairs"}
    found = modes.suggest()
    return {
        "suggested": None if isinstance(found, str) else asdict(found),
        "no_suggestion": found if isinstance(found, str) else None,
        "precision": None if threshold is None else asdict(modes.precision_at(threshold)),
        "misaligned": asdict(modes.misaligned),
        "histogram": modes.histogram(),
    }


def check_parallel(plan: Plan, request: Request) -> None:
    """Check that two files can be scored line by line.

    Raises:
        UserError: the files have different numbers of lines.
    """
    if plan.source.lines != plan.target.lines:
        raise UserError(
            f"{request.source} has {plan.source.lines:,} lines and {request.target} has {plan.target.lines:,}: "
            "expected line i of one to translate line i of the other"
        )
