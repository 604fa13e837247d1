"""Names beside points: the most important first, each where it touches no other name and covers few points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, hypot
from typing import NamedTuple

HEIGHT = 16  # pixels
_WORST = 26.0  # names in a worse place are left out
# Distances of a name from its point, across and up or down, as in labels.js.
_PLACES = (
    (9, 0), (6, 13), (6, 24), (22, 10), (14, 36), (44, 12), (20, 50), (70, 16), (26, 66), (60, 44), (30, 84), (36, 104),
)  # fmt: skip
Spot = tuple[float, float]


class Box(NamedTuple):
    """A rectangle in pixels; y grows downward."""

    left: float
    top: float
    right: float
    bottom: float

    def touches(self, other: Box) -> bool:
        """Return whether two boxes overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def distance(self, spot: Spot) -> float:
        """Return the distance of a point from the box; 0 inside."""
        x, y = spot
        return hypot(max(self.left - x, 0, x - self.right), max(self.top - y, 0, y - self.bottom))


def place_labels(
    wanted: Sequence[tuple[Spot, float]], points: Sequence[Spot], frame: Box, lines: Sequence[Box]
) -> list[Box | None]:
    """Return a box for each name; None if it has no good place.

    Args:
        wanted: the point and the width of each name, the most important first.
        points: all points.
        frame: names stay in it.
        lines: boxes that names avoid.
    """
    around = [Box(x - 6, y - 6, x + 6, y + 6) for (x, y), _ in wanted]
    taken: list[Box] = []
    leaders: list[Spot] = []
    placed: list[Box | None] = []
    for spot, width in wanted:
        free = [
            (_badness(box, away, spot, points) + 4 * sum(map(box.touches, lines)), box)
            for box, away in _candidates(spot, width)
            if frame.left <= box.left and box.right <= frame.right and frame.top <= box.top
            if box.bottom <= frame.bottom and not any(map(box.touches, [*taken, *around]))
            if not any(box.distance(each) < 2 for each in leaders)
            if not any(other.distance(each) < 2 for other in taken for each in _leader(spot, box))
        ]  # fmt: skip
        badness, best = min(free, default=(_WORST + 1, None))
        placed.append(best if badness <= _WORST else None)
        if (box := placed[-1]) is not None:
            taken.append(box)
            leaders += _leader(spot, box)
    return placed


def _candidates(spot: Spot, width: float) -> Iterator[tuple[Box, float]]:
    """Yield boxes around a point, each with its distance."""
    x, y = spot
    for gap, rise in _PLACES:
        for middle in dict.fromkeys((y - rise, y + rise)):
            lefts = [x - width - gap, x + gap, *([x - width / 2] if rise and gap < 40 else [])]
            for left, away in zip(lefts, (rise + gap / 3, rise + gap / 3, rise), strict=False):
                yield Box(left, middle - HEIGHT / 2, left + width, middle + HEIGHT / 2), away


def _leader(spot: Spot, box: Box) -> list[Spot]:
    """Return points on the line between a point and its name."""
    x, y = spot
    across, down = max(box.left, min(x, box.right)) - x, (box.top + box.bottom) / 2 - y
    steps = ceil(hypot(across, down) / 6)
    return [(x + across * i / steps, y + down * i / steps) for i in range(1, steps - 1)]


def _badness(box: Box, away: float, spot: Spot, points: Sequence[Spot]) -> float:
    """Return how bad a place is: far from its point, over points, behind points or nearer to other points."""
    own = box.distance(spot)
    leader = _leader(spot, box)
    others = [point for point in points if hypot(point[0] - spot[0], point[1] - spot[1]) > 3]
    covered = sum(box.distance(point) < 3 for point in others)
    crossed = sum(any(hypot(x - a, y - b) < 6 for a, b in leader) for x, y in others)
    nearer = sum(box.distance(point) < own + 4 for point in others) if own < 16 else 0
    return away / 8 + 3 * (covered + crossed) + 2 * nearer
