"""One of N equal parts of a list of work, for processes that divide it without speaking to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Share:
    """The i-th of N equal parts of the work, i from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read "i/N".

        Raises:
            UserError: it is not that, or i is not from 1 to N.
        """
        first, slash, second = text.partition("/")
        if slash and first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second):
            return cls(int(first), int(second))
        raise UserError(f"--shard {text}: expected i/N with i from 1 to N, as in --shard 1/3 for the first of three")

    def select(self, work: Sequence[T]) -> list[T]:
        """Return this share of a list: every N-th, so that what is alike is spread over all."""
        return list(work[self.number - 1 :: self.count])
