"""Approximate mining of 500,000 x 500,000 vectors of 384 dimensions with planted pairs, against exact search.

Without bf16 hardware there are 250,000, as more take over five minutes; $BITEXT_MINE_ROWS sets another number. The time
of exact search is extrapolated from 50,000 x 50,000 rows on the same machine. A sample of the planted pairs shows which
ones exact search finds.
"""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitext_bench.mining.plan import CANDIDATES
from bitext_bench.scoring.bf16 import has_bf16_hardware
from bitext_bench.scoring.neighbors import search_bidirectional

from .claims import Claim, Measured, Setup
from .processes import run_bitext_bench

DIMENSIONS = 384
_ROWS_EXACT = 50_000
_CHUNK = 50_000
_SAMPLE = 2_000


def measure(setup: Setup) -> Measured:
    usual = 20_000 if setup.quick else 500_000 if has_bf16_hardware() else 250_000
    rows = int(os.environ.get("BITEXT_MINE_ROWS", usual))
    folder = setup.scratch
    partner = _make(folder, rows)
    files = [str(folder / name) for name in ("source.npy", "target.npy", "pairs.tsv")]
    seconds, peak = run_bitext_bench(
        ["mine", *files[:2], "-o", files[2], "--search", "approximate", "--max-memory", "3.5G"]
    )
    # 4 GB and 5 x are the bounds for a million rows. Memory has a part for each row. The time of exact search grows
    # with the square of the rows, that of approximate search with the power 1.5.
    millions = rows / 1_000_000
    yield setup.at_full_size(Claim("peak memory, GB", peak / 1e9, 4.0 * millions, at_least=False))
    exact = _exact_seconds(folder, rows)
    detail = f"({rows:,} x {rows:,}: {seconds:.0f} s and {exact:.0f} s)"
    yield setup.at_full_size(Claim("speed relative to exact search", exact / seconds, 5 * millions**0.5, detail=detail))
    with (folder / "pairs.tsv").open(encoding="utf-8") as stream:
        mined = {(int(row["source_row"]), int(row["target_row"])) for row in csv.DictReader(stream, delimiter="\t")}
    expected = _found_exactly(folder, partner)
    found = float(np.mean([pair in mined for pair in expected]))
    yield Claim("share of exact search's planted pairs", found, 0.99, detail=f"of {len(expected):,}")


def _make(folder: Path, rows: int) -> NDArray[np.int64]:
    """Write both sides; half of the rows have a translation on the other side.

    The vectors resemble mUSE's on news: direction i has the variance i ** -0.7, and translations have a mean cosine of
    0.75. The part that translations do not share is 7 % of the variance in the first directions and 44 % in the last.

    Returns:
        (rows / 2,) the target of each of the first sources.
    """
    generator = np.random.default_rng(0)
    direction = 1 + np.arange(DIMENSIONS, dtype=np.float32)
    common, differing = direction**-0.35, 0.2 * direction**-0.1
    order = generator.permutation(rows)
    sides = [
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float16, (rows, DIMENSIONS))
        for name in ("source", "target")
    ]
    for first in range(0, rows, _CHUNK):
        here = np.arange(first, min(first + _CHUNK, rows))
        shape = (len(here), DIMENSIONS)
        meaning = generator.standard_normal(shape, dtype=np.float32)
        for side, place in zip(sides, (here, order[here]), strict=True):
            other = generator.standard_normal(shape, dtype=np.float32)
            shared = np.where(here[:, None] < rows // 2, meaning, other)
            own = generator.standard_normal(shape, dtype=np.float32)
            side[place] = (shared * common + own * differing).astype(np.float16)
    for side in sides:
        side.flush()
    return np.asarray(order[: rows // 2])


def _found_exactly(folder: Path, partner: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return a sample of the planted pairs, restricted to those with one side nearest to the other among all rows."""
    sources = np.sort(np.random.default_rng(1).choice(len(partner), min(_SAMPLE, len(partner)), replace=False))
    targets = partner[sources]
    hit = _is_nearest(folder, ("source", sources), ("target", targets))
    hit |= _is_nearest(folder, ("target", targets), ("source", sources))
    return list(zip(sources[hit].tolist(), targets[hit].tolist(), strict=True))


def _is_nearest(
    folder: Path, asked: tuple[str, NDArray[np.int64]], wanted: tuple[str, NDArray[np.int64]]
) -> NDArray[np.bool_]:
    queries = _normalize(np.load(folder / f"{asked[0]}.npy", mmap_mode="r")[asked[1]])
    other = np.load(folder / f"{wanted[0]}.npy", mmap_mode="r")
    best, at = np.full(len(queries), -np.inf, dtype=np.float32), np.zeros(len(queries), dtype=np.int64)
    for first in range(0, len(other), _CHUNK):
        found = search_bidirectional(queries, _normalize(other[first : first + _CHUNK]), 1).forward
        better = found.cosines[:, 0] > best
        best[better], at[better] = found.cosines[better, 0], found.indices[better, 0] + first
    return np.asarray(at == wanted[1])


def _exact_seconds(folder: Path, rows: int) -> float:
    """Return the seconds of exact search, extrapolated from a part of the rows."""
    part = min(_ROWS_EXACT, rows)
    sides = [_normalize(np.load(folder / f"{name}.npy", mmap_mode="r")[:part]) for name in ("source", "target")]
    start = time.perf_counter()
    search_bidirectional(sides[0], sides[1], CANDIDATES)
    return (time.perf_counter() - start) * (rows / part) ** 2


def _normalize(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    exact = np.asarray(rows, dtype=np.float32)
    return np.ascontiguousarray(exact / np.linalg.norm(exact, axis=1, keepdims=True))
