"""The memory budget of a run, which determines the size of shards and of output chunks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from .cells import POINTS_A_CELL, n_cells
from .plan import CANDIDATES, Plan

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
# Python with torch and faiss and, for texts, a tokenizer. The model's weights are not included, here or in
# --max-memory.
_BASE_OF_VECTORS, _BASE_OF_TEXTS = 300 << 20, 640 << 20
# Means, proposals and their order during selection, or keys during deduplication.
_BYTES_A_ROW = 160
# Simultaneous copies of a shard's vectors: queries and block, each mapped, read and rounded, and the operands of their
# products. Each line also has its candidates.
_COPIES, _CANDIDATES_A_LINE = 10, 2 << 10
# The blocks of similarities of all cores (scoring/tiles.py), with the memory for finding the best.
_PRODUCTS = 128 << 20
_WIDEST = 1_024  # dimensions, if unknown
_LONGEST_SHARD, _SHORTEST_SHARD = 131_072, 1_024
_BYTES_A_PAIR = 4 << 10


@dataclass(frozen=True, slots=True)
class Budget:
    """Memory limit of the process in bytes, without the model."""

    bytes: int

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Parse a size such as "4G", "900M", "1.5G" (powers of 1,024), or a number of bytes.

        Raises:
            UserError: the text is not a size.
        """
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", text.strip().upper().replace("IB", "B"))
        if not match:
            raise UserError(f"--max-memory {text}: expected a size such as 4G or 900M")
        return cls(int(float(match[1]) * _UNITS.get(match[2], 1)))

    def shard_lines(self, rows: tuple[int, int], dimensions: int | None) -> int:
        """Return the number of rows in a shard: as many as the memory allows, at least 1,024.

        Args:
            rows: number of source and target rows; zeros if unknown.
            dimensions: dimensions of given vectors; None for texts.
        """
        available = self.bytes - _fixed_bytes(rows, dimensions)
        lines = max(1, available // _bytes_per_line(dimensions))
        return max(_SHORTEST_SHARD, min(_LONGEST_SHARD, 1 << (lines.bit_length() - 1)))

    def limit_lines(self, lines: Iterable[str], file: Path, *, split: bool = False) -> Iterator[str]:
        """Yield the lines of a file, or with `split` their sentences, as long as their keys fit into the memory.

        Raises:
            UserError: the file has more.
        """
        most = max(0, self.bytes - _BASE_OF_TEXTS) // _BYTES_A_ROW
        for number, line in enumerate(lines, start=1):
            if number > most:
                # The file may have far more lines; suggest memory for twice as many.
                least = _fixed_bytes((2 * most, 0), None) + _SHORTEST_SHARD * _bytes_per_line(None)
                kind = "sentences" if split else "lines"
                limit = f"is enough for {most:,} {kind} on each side" if most else "is less than mine itself needs"
                raise UserError(
                    f"{file if split else f'{file}:{number}'}: --max-memory {format_bytes(self.bytes)} {limit}; "
                    f"pass at least --max-memory {-(-least // (1 << 20))}M"
                )
            yield line

    @property
    def pairs_at_once(self) -> int:
        """Number of pairs, with their texts, that are written at once."""
        return max(1_000, min(1_000_000, self.bytes // 8 // _BYTES_A_PAIR))

    def check(self, plan: Plan, dimensions: int | None = None) -> None:
        """Check that a run fits into the memory.

        Raises:
            UserError: the run needs more; the message has the minimum.
        """
        rows = (plan.source.rows, plan.target.rows)
        longest = min(plan.shard_lines, max(rows))
        exact = plan.search == "exact"
        needed = _fixed_bytes(rows, dimensions, exact=exact) + longest * _bytes_per_line(dimensions)
        if needed > self.bytes:
            raise UserError(
                f"--max-memory {format_bytes(self.bytes)} is too little for {plan.source.rows:,} and "
                f"{plan.target.rows:,} rows in shards of {plan.shard_lines:,}: pass at "
                f"least --max-memory {-(-needed // (1 << 20))}M"
            )


def _bytes_per_line(dimensions: int | None) -> int:
    """Return the bytes that a run needs for each line of the largest shard."""
    return _COPIES * (dimensions or _WIDEST) * 4 + _CANDIDATES_A_LINE


def _fixed_bytes(rows: tuple[int, int], dimensions: int | None, *, exact: bool | None = None) -> int:
    """Return the bytes that a run needs for any shard size. `exact` is the search method, or None if unknown."""
    base = _BASE_OF_TEXTS if dimensions is None else _BASE_OF_VECTORS
    back = 0 if exact is False else 2 * rows[1] * CANDIDATES * 8
    cells = 0 if exact or not any(rows) else n_cells(max(rows))
    found = max(back, 2 * cells * POINTS_A_CELL * (dimensions or _WIDEST) * 4)
    return base + _PRODUCTS + sum(rows) * _BYTES_A_ROW + found


def format_bytes(n_bytes: int) -> str:
    """Format a size as --max-memory accepts it."""
    return f"{n_bytes / (1 << 30):.2f}G" if n_bytes >= 1 << 30 else f"{-(-n_bytes // (1 << 20))}M"


def peak_memory() -> int | None:
    """Return the peak memory of this process in bytes; None if the system does not report it."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
