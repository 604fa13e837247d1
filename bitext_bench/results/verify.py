"""Compare a recomputed result with the stored one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scoring.intervals import resampled_ranks, resamples
from ..scoring.margin import MARGINS
from .records import Outcomes, SubsetResult, TaskResult, by_subset, signature_fields
from .schema import ModelRecord

# Rounding of float32 sums depends on the machine and on the batches. It may change the best candidate of a sentence if
# the two best are closer than this, and an STS cosine by this much, but nothing else.
NEAR_TIE = 1e-5
EXACT = 1e-6
# Scores that depend on all 10 to 16 neighbors; some of these are always nearly equal.
_DEEP = ("hub_skewness", "antihubs", "robin_hood", "recall_at", "mrr")
_DEEP_TOLERANCE = 2e-3
# The stored outcomes do not show near ties under these margins, so one near tie is allowed.
_OTHER_MARGINS = tuple(f"{score}_{margin}" for score in ("accuracy", "xsim") for margin in MARGINS)
# Share of rows whose neighbor may differ at an equal score.
_TWINS = 0.1
# The fields of a model that identify it. The signature has its settings and fingerprint.
_IDENTITY = ("name", "registered", "revision", "parameters", "dimensions")

Columns = dict[str, NDArray[Any]]


class _Moved(NamedTuple):
    """How far near ties can move a score, the ends of its interval and, by equal sentences, `xsim_by_row`."""

    score: float = 0.0
    interval: float = 0.0
    copies: float = 0.0


def find_differences(
    stored: TaskResult, stored_outcomes: Outcomes, computed: TaskResult, computed_outcomes: Outcomes
) -> list[str]:
    """Return one line for each difference in the model, signatures, counts, scores, intervals, the summary or outcomes.

    Scores may differ by the share of sentences within NEAR_TIE of a tie. Rank correlations may differ by the effect of
    ranks that changed because cosines moved by less than NEAR_TIE. Everything else may differ by EXACT.
    """
    now = {entry.subset: entry for entry in computed.subsets}
    blocks_before, blocks_now = by_subset(stored_outcomes), by_subset(computed_outcomes)
    lines = _model(stored.model, computed.model)
    most_moved = 0.0
    for entry in stored.subsets:
        subset = entry.subset
        if subset not in now:
            lines.append(f"{subset}: on file, but not computed: the data have no such subset")
            continue
        lines += [f"{subset}: {line}" for line in _signature(entry.signature, now[subset].signature)]
        if entry.n != now[subset].n:
            lines.append(f"{subset}: n is {entry.n} on file, {now[subset].n} computed")
            continue
        old, new = blocks_before.get(subset, {}), blocks_now.get(subset, {})
        each = [_tolerance(entry, columns, new.get(direction, {})) for direction, columns in old.items()]
        moved = _Moved(*map(sum, zip(*each, strict=True)))
        most_moved = max(most_moved, 2 * moved.score, moved.interval)
        lines += [f"{subset}: {line}" for line in _scores(entry, now[subset], moved)]
        for direction in sorted(old.keys() | new.keys()):
            if (direction in old) != (direction in new):
                lines.append(f"{subset} {direction}: outcomes {'on file' if direction in old else 'computed'} only")
            elif others := _changed_outcomes(old[direction], new[direction], _threshold(entry)):
                lines.append(f"{subset} {direction}: other outcome in {others}")
    if now.keys() == {entry.subset for entry in stored.subsets}:
        before, after = (_numbers("summary", result.summary) for result in (stored, computed))
        lines += _compare(before, after, lambda name: EXACT + most_moved)
    return lines


def _model(stored: ModelRecord, computed: ModelRecord) -> list[str]:
    """Return the fields of the model's identity that differ. A field that the file does not have claims nothing."""
    claims = {name: value for name in _IDENTITY if (value := getattr(stored, name)) is not None}
    if all(_is_directory(model.name) for model in (stored, computed)):
        del claims["name"]  # A directory may have been renamed; its content has the same fingerprint.
    return [
        f"model: {name} is {value} on file, {found} computed"
        for name, value in claims.items()
        if value != (found := getattr(computed, name))
    ]


def _is_directory(name: str) -> bool:
    return name.startswith("local/") and ":" not in name  # otherwise package.module:factory


def _signature(stored: str, computed: str) -> list[str]:
    """Return the fields that differ. The version is ignored, since scores must not depend on it."""
    before, after = ({**signature_fields(line), "bb": ""} for line in (stored, computed))
    return [
        f"{key} is {before.get(key, 'absent')} on file, {after.get(key, 'absent')} computed"
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _tolerance(entry: SubsetResult, columns: Columns, computed: Columns) -> _Moved:
    """Return the tolerances: the share of near ties or, for rank correlations, the effect of moved ranks."""
    if "gold" in columns:
        return _swapped_ranks(columns, computed)
    if "margin" in columns:
        near = float((np.abs(columns["margin"]) < NEAR_TIE).sum() / entry.n)
        return _Moved(near, 2 * near, _share_of_copies(columns, computed))
    cuts = [cut for name, cut in entry.scores.items() if name.startswith("threshold") and cut is not None]
    near_cut = [np.abs(columns["score"] - cut) < NEAR_TIE for cut in cuts]
    share = float(np.any(near_cut, axis=0).sum() / entry.n) if cuts else 0.0
    return _Moved(share, 2 * share, _share_of_copies(columns, computed))


def _share_of_copies(columns: Columns, computed: Columns) -> float:
    """Return the share of sentences whose neighbor is a copy of the translation; either copy may be found."""
    found = [c["hit"] & (c["neighbor"] != np.arange(len(c["hit"]))) for c in (columns, computed) if "neighbor" in c]
    return max((float(copies.mean()) for copies in found), default=0.0)


def _threshold(entry: SubsetResult) -> float:
    """Return the mining threshold; -inf for other tasks."""
    threshold = entry.scores.get("threshold")
    return -np.inf if threshold is None else threshold


def _swapped_ranks(stored: Columns, computed: Columns) -> _Moved:
    """Return how far Spearman's correlation moves when the order of the cosines changes from `stored` to `computed`.

    If two pairs swap places, one rank rises and the other falls by 1. This moves the mean product of the ranks by the
    difference between their gold ranks over n. Outcomes are float32, so cosines that are equal in float32 may have
    swapped too, except those of equal sentences (cosine 1). A resample with c and d copies of the two pairs moves c d
    times as far. A percentile of the resamples moves at most as far as the resample that moves farthest.
    """
    before, after, gold = stored["score"], computed.get("score"), stored["gold"]
    if after is None or len(after) != len(before):
        return _Moved()
    counts = np.vstack([np.ones(len(gold)), resamples(len(gold))])  # the pairs themselves, then each resample
    ranks = resampled_ranks(gold, counts)
    moved = np.zeros(len(counts))
    for row in range(len(gold) - 1):
        was, now = np.sign(before[row + 1 :] - before[row]), np.sign(after[row + 1 :] - after[row])
        others = row + 1 + np.flatnonzero((was != now) | ((was == 0) & (before[row + 1 :] < 1)))
        moved += counts[:, row] * (counts[:, others] * np.abs(ranks[:, others] - ranks[:, row, None])).sum(axis=1)
    spread = len(gold) * _deviation(ranks, counts) * _deviation(resampled_ranks(before, counts), counts)
    moved = np.divide(moved, spread, out=np.zeros(len(moved)), where=spread > 0)
    return _Moved(float(moved[0]), float(moved[1:].max()))


def _deviation(ranks: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of the ranks in each resample."""
    n = counts.sum(axis=1)
    mean = (counts * ranks).sum(axis=1) / n
    return np.asarray(np.sqrt((counts * (ranks - mean[:, None]) ** 2).sum(axis=1) / n), dtype=np.float64)


def _scores(stored: SubsetResult, computed: SubsetResult, moved: _Moved) -> list[str]:
    """Compare scores and intervals."""
    numbers = [{**entry.scores, **_numbers("interval of", entry.intervals)} for entry in (stored, computed)]
    return _compare(numbers[0], numbers[1], lambda name: EXACT + _allowed(name, moved, stored.n))


def _allowed(name: str, moved: _Moved, n: int) -> float:
    if "threshold" in name:
        return NEAR_TIE
    if name == "mteb_f1":
        return moved.score * 4 / 3  # A flip also lowers the score of the sentence whose target is now found twice.
    if name == "cosine_pearson":
        return 0.0  # does not depend on the order
    if name == "xsim_by_row":
        return moved.score + moved.copies
    if name.startswith("interval of"):
        return moved.interval
    if name.startswith(_OTHER_MARGINS):
        return moved.score + 1 / n
    return max(moved.score, _DEEP_TOLERANCE if name.startswith(_DEEP) else 0.0)


def _numbers(name: str, value: object) -> dict[str, Any]:
    """Flatten nested objects and lists to one entry for each leaf, named by its path."""
    if isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        return {way: leaf for key, part in parts for way, leaf in _numbers(f"{name} {key}", part).items()}
    return {name: value}


def _compare(before: dict[str, Any], after: dict[str, Any], tolerance: Callable[[str], float]) -> list[str]:
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if isinstance(old, float | int) and isinstance(new, float | int):
            # hub_skewness is unbounded: its tolerance is relative.
            same = abs(old - new) <= tolerance(name) * max(1.0, abs(old))
        else:
            same = old == new
        if not same:
            lines.append(f"{name} is {old} on file, {new} computed")
    return lines


def _changed_outcomes(stored: Columns, computed: Columns, threshold: float) -> str:
    """Return the rows (from 0) or mined pairs whose outcome changed by more than rounding; "" for none."""
    if stored.keys() != computed.keys():
        return f"columns {', '.join(sorted(stored.keys() ^ computed.keys()))}"
    if "source" in stored:
        changed_gold = sorted(_gold(stored) ^ _gold(computed))
        other = [
            *_missing_pairs(stored, computed, threshold),
            *_missing_pairs(computed, stored, threshold),
            *changed_gold,
        ]
        return _list_rows("pairs", list(dict.fromkeys(other)))
    if len(stored["score"]) != len(computed["score"]):
        return f"the number of rows: {len(stored['score'])} on file, {len(computed['score'])} computed"
    changed = ~np.isclose(stored["score"], computed["score"], rtol=0, atol=NEAR_TIE, equal_nan=True)
    if "hit" in stored:
        clear = np.abs(stored["margin"]) >= NEAR_TIE
        changed = (changed | (stored["hit"] != computed["hit"])) & clear
        # Either of two candidates with equal scores may be found, but such candidates are rare.
        moved = (stored["neighbor"] != computed["neighbor"]) & clear
        if moved.mean() > _TWINS:
            changed |= moved
    return _list_rows("rows", np.flatnonzero(changed).tolist())


def _missing_pairs(these: Columns, others: Columns, threshold: float) -> list[tuple[int, int]]:
    """Return the pairs above the threshold that `others` does not have or judges differently.

    A missing pair is allowed if `others` pairs one of its sentences differently at nearly the same score.
    """
    known = {(source, target): (hit, score) for source, target, score, hit in _pairs(others)}
    by_source = {source: score for source, _, score, _ in _pairs(others)}
    by_target = {target: score for _, target, score, _ in _pairs(others)}

    def same(source: int, target: int, score: float, hit: bool) -> bool:
        if (source, target) in known:
            other_hit, other_score = known[source, target]
            return bool(hit == other_hit and abs(score - other_score) < NEAR_TIE)
        rivals = (by_source.get(source, np.inf), by_target.get(target, np.inf))
        return any(abs(score - rival) < NEAR_TIE for rival in rivals)

    return [pair[:2] for pair in _pairs(these) if pair[2] >= threshold + NEAR_TIE and not same(*pair)]


def _gold(columns: Columns) -> set[tuple[int, int]]:
    return set(zip(*(columns[name][columns["hit"]].tolist() for name in ("source", "target")), strict=True))


def _pairs(columns: Columns) -> list[tuple[int, int, float, bool]]:
    """Return the mined pairs, without the gold pairs that were not mined (score -inf)."""
    mined = np.isfinite(columns["score"])
    return list(zip(*(columns[name][mined].tolist() for name in ("source", "target", "score", "hit")), strict=True))


def _list_rows(what: str, found: Sequence[object]) -> str:
    return f"{what} {', '.join(map(str, found[:10]))}{', …' if len(found) > 10 else ''}" if found else ""
