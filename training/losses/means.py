"""Means of values that a loss has computed, for the log."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


class Means:
    """Running means of named scalars."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add one value of each name, without its gradient."""
        for name, value in values.items():
            self._sums[name] = self._sums[name] + value.detach() if name in self._sums else value.detach()
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> dict[str, Tensor]:
        """Return the means and begin anew."""
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return means
