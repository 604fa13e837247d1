"""How much memory a run may take, and what follows from it: the length of a shard, and of a stretch of output."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from ..errors import UserError
from .cells import POINTS_A_CELL, n_cells
from .plan import CANDIDATES, Plan

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
# Python with torch, faiss and a tokenizer loaded; a model's weights come on top of it and of --memory.
_BASE = 700 << 20
# Means, proposals and their order while pairs are chosen, or keys while repeated lines are found.
_BYTES_A_ROW = 160
# Of the vectors of a shard, copies alive at once: queries, block, and one of each on its way to or from a file.
_COPIES = 5
# Two blocks of similarities with what sorting them takes.
_PRODUCTS = 256 << 20
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
            raise UserError(f"--memory {text}: expected a size such as 4G or 900M")
        return cls(int(float(match[1]) * _UNITS.get(match[2], 1)))

    @property
    def shard_lines(self) -> int:
        """Rows of a shard: the longest that leaves most of the memory to everything else."""
        room = max(0, self.bytes - _BASE) // (2 * _COPIES * _WIDEST * 4)
        return max(_SHORTEST_SHARD, min(_LONGEST_SHARD, 1 << max(0, room.bit_length() - 1)))

    @property
    def pairs_at_once(self) -> int:
        """How many pairs with their texts are held while the output is written."""
        return max(1_000, min(1_000_000, self.bytes // 8 // _BYTES_A_PAIR))

    def check(self, plan: Plan, dimensions: int = _WIDEST) -> None:
        """Refuse a run that this memory does not hold.

        Raises:
            UserError: with the least that it takes.
        """
        needed = least(plan, dimensions)
        if needed > self.bytes:
            raise UserError(
                f"--memory {show(self.bytes)} is too little for {plan.source.rows:,} and {plan.target.rows:,} rows in "
                f"shards of {plan.shard_lines:,}: pass at least --memory {-(-needed // (1 << 20))}M"
            )


def least(plan: Plan, dimensions: int) -> int:
    """Return the bytes that a run takes at the least."""
    rows = plan.source.rows + plan.target.rows
    longest = min(plan.shard_lines, max(plan.source.rows, plan.target.rows))
    back = plan.target.rows * CANDIDATES * 8 if plan.search == "exact" else 0
    cells = n_cells(max(plan.source.rows, plan.target.rows)) if plan.search == "approximate" else 0
    vectors = longest * _COPIES + 2 * cells * POINTS_A_CELL
    return _BASE + _PRODUCTS + rows * _BYTES_A_ROW + vectors * dimensions * 4 + 2 * back


def show(n_bytes: int) -> str:
    """Return a size as --memory takes it."""
    return f"{n_bytes / (1 << 30):.2f}G" if n_bytes >= 1 << 30 else f"{-(-n_bytes // (1 << 20))}M"


def peak_memory() -> int | None:
    """Return the most bytes that this process had in memory so far; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
