"""How much memory a run may take, and what follows from it: the length of a shard, and of a stretch of output."""

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
# Python with torch and faiss loaded, and for texts a tokenizer. A model's weights come on top of this and of
# --max-memory.
_BASE_OF_VECTORS, _BASE_OF_TEXTS = 300 << 20, 640 << 20
# Means, proposals and their order while pairs are chosen, or keys while repeated lines are found.
_BYTES_A_ROW = 160
# Of the vectors of a shard, copies alive at once: queries and block, each as mapped, as read and as rounded, and what
# their products are made from. Beside them each line has its candidates.
_COPIES, _CANDIDATES_A_LINE = 10, 2 << 10
# Two blocks of similarities with what sorting them takes.
_PRODUCTS = 128 << 20
_WIDEST = 1_024  # dimensions, as long as nothing is known
_LONGEST_SHARD, _SHORTEST_SHARD = 131_072, 1_024
_BYTES_A_PAIR = 4 << 10


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes that the process may take, apart from the model."""

    bytes: int

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read "4G", "900M", "1.5G" (of 1,024 a step), or bytes.

        Raises:
            UserError: it is not that.
        """
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", text.strip().upper().replace("IB", "B"))
        if not match:
            raise UserError(f"--max-memory {text}: expected a size such as 4G or 900M")
        return cls(int(float(match[1]) * _UNITS.get(match[2], 1)))

    def shard_lines(self, rows: tuple[int, int], dimensions: int | None) -> int:
        """Return the rows of a shard: the longest that this memory holds, at least 1,024.

        Args:
            rows: of source and target; zeros as long as they are not known.
            dimensions: of vectors that are given; None for texts.
        """
        room = self.bytes - _fixed_bytes(rows, dimensions)
        lines = max(1, room // _bytes_per_line(dimensions))
        return max(_SHORTEST_SHARD, min(_LONGEST_SHARD, 1 << (lines.bit_length() - 1)))

    def limit_lines(self, lines: Iterable[str], file: Path) -> Iterator[str]:
        """Yield lines of a file while the memory holds what is kept of each.

        Raises:
            UserError: there are more.
        """
        most = max(0, self.bytes - _BASE_OF_TEXTS) // _BYTES_A_ROW
        for number, line in enumerate(lines, start=1):
            if number > most:
                # It may have far more lines: twice as many are a start.
                least = _fixed_bytes((2 * most, 0), None) + _SHORTEST_SHARD * _bytes_per_line(None)
                limit = f"holds {most:,} lines a side and no more" if most else "holds no line: mine itself takes more"
                raise UserError(
                    f"{file}:{number}: --max-memory {format_bytes(self.bytes)} {limit}; "
                    f"pass at least --max-memory {-(-least // (1 << 20))}M"
                )
            yield line

    @property
    def pairs_at_once(self) -> int:
        """How many pairs with their texts are held while the output is written."""
        return max(1_000, min(1_000_000, self.bytes // 8 // _BYTES_A_PAIR))

    def check(self, plan: Plan, dimensions: int | None = None) -> None:
        """Refuse a run that this memory does not hold.

        Raises:
            UserError: with the least that it takes.
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
    """Return the bytes that a run takes for each line of the longest shard."""
    return _COPIES * (dimensions or _WIDEST) * 4 + _CANDIDATES_A_LINE


def _fixed_bytes(rows: tuple[int, int], dimensions: int | None, *, exact: bool | None = None) -> int:
    """Return the bytes that a run takes whatever its shards; `exact` says how it searches, where that is known."""
    base = _BASE_OF_TEXTS if dimensions is None else _BASE_OF_VECTORS
    back = 0 if exact is False else 2 * rows[1] * CANDIDATES * 8
    cells = 0 if exact or not any(rows) else n_cells(max(rows))
    found = max(back, 2 * cells * POINTS_A_CELL * (dimensions or _WIDEST) * 4)
    return base + _PRODUCTS + sum(rows) * _BYTES_A_ROW + found


def format_bytes(n_bytes: int) -> str:
    """Return a size as --max-memory takes it."""
    return f"{n_bytes / (1 << 30):.2f}G" if n_bytes >= 1 << 30 else f"{-(-n_bytes // (1 << 20))}M"


def peak_memory() -> int | None:
    """Return the most bytes that this process had in memory so far; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
