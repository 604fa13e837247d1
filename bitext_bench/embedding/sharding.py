"""Division of work into N equal shares, for processes that do not communicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Share:
    """Share number i of N equal shares, i from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Parse "i/N".

        Raises:
            UserError: The text has another form, or i is not from 1 to N.
        """
        first, slash, second = text.partition("/")
        if slash and first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second):
            return cls(int(first), int(second))
        raise UserError(f"--shard {text}: expected i/N with i from 1 to N, as in --shard 1/3 for the first of three")

    def select(self, work: Sequence[T]) -> list[T]:
        """Return this share of a list: every N-th item, so that neighboring items go to different shares."""
        return list(work[self.number - 1 :: self.count])
