"""Names beside points: the most important first, each where it covers no point and touches no other name.

The same rules as in labels.js, for pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, cos, hypot, pi, sin
from typing import NamedTuple

HEIGHT = 18  # pixels of a name
_CLEAR, _LINE_CLEAR = 1.5, 0.75  # pixels between a name, or its line, and any point
TWINS = 3  # points nearer to each other than this look like one
_ACROSS, _DOWN = 7, 1  # pixels between two names
_REACHES = (12, 18, 24, 30, 36, 44, 52, 60)  # lengths of lines in pixels
_ANGLES = 48  # directions of lines
_WORST = 20.0  # names in a worse place are left out


class Spot(NamedTuple):
    """A drawn point in pixels; `reach` is its outer radius."""

    x: float
    y: float
    reach: float


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

    def distance(self, x: float, y: float) -> float:
        """Return the distance of a place from the box; 0 inside."""
        return hypot(max(self.left - x, 0, x - self.right), max(self.top - y, 0, y - self.bottom))


class Line(NamedTuple):
    """A line from the rim of a point to its name, in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float

    def distance(self, x: float, y: float) -> float:
        """Return the distance of a place from the line."""
        dx, dy = self.x2 - self.x1, self.y2 - self.y1
        share = ((x - self.x1) * dx + (y - self.y1) * dy) / (dx * dx + dy * dy)
        share = max(0.0, min(1.0, share))
        return hypot(self.x1 + share * dx - x, self.y1 + share * dy - y)

    def places(self) -> list[tuple[float, float]]:
        """Return places on the line, at most 3 pixels apart."""
        dx, dy = self.x2 - self.x1, self.y2 - self.y1
        steps = ceil(hypot(dx, dy) / 3)
        return [(self.x1 + dx * i / steps, self.y1 + dy * i / steps) for i in range(steps + 1)]


class Placed(NamedTuple):
    """The place of a name, and the line to its point if it is not beside it."""

    box: Box
    line: Line | None


def place_labels(
    wanted: Sequence[tuple[Spot, float]], points: Sequence[Spot], frame: Box, frontier: Sequence[Box]
) -> list[Placed | None]:
    """Return a place for each name; None if it has no good place.

    Args:
        wanted: the point and the width of each name, the most important first.
        points: all points; those of `wanted` are the same objects.
        frame: names stay in it.
        frontier: boxes that names avoid.
    """
    placed: list[Placed | None] = []
    for spot, width in wanted:
        near = [p for p in points if p is not spot and abs(p.x - spot.x) < width + 90 and abs(p.y - spot.y) < 110]
        taken = [other for other in placed if other]
        least, found = _WORST, None
        whole, others = _with_twins(spot, near)
        for cost, place in sorted(_places(whole, width), key=lambda each: each[0]):
            if cost >= least:
                break
            box = place.box
            inside = frame.left <= box.left and box.right <= frame.right
            if not inside or box.top < frame.top or box.bottom > frame.bottom or _is_taken(place, near, taken):
                continue
            total = cost + _confusion(place, whole, others, frontier)
            if total < least:
                least, found = total, place
        placed.append(found)
    return placed


def _with_twins(spot: Spot, near: Sequence[Spot]) -> tuple[Spot, list[Spot]]:
    """Return a point as large as it and those on the same place together, and the other points."""
    reach, others = spot.reach, []
    for point in near:
        away = hypot(point.x - spot.x, point.y - spot.y)
        if away < TWINS:
            reach = max(reach, away + point.reach + _LINE_CLEAR)
        else:
            others.append(point)
    return spot._replace(reach=reach), others


def _places(spot: Spot, width: float) -> Iterator[tuple[float, Placed]]:
    """Yield places for the name of a point, each with its cost: beside it without a line, then farther away."""
    x, y, reach = spot

    def box(left: float, top: float) -> Box:
        return Box(left, top, left + width, top + HEIGHT)

    gap = reach + 2.5
    for cost, shift in ((0.0, 0), (1.0, -5), (1.0, 5)):
        yield cost, Placed(box(x + gap, y - HEIGHT / 2 + shift), None)
        yield cost + 0.3, Placed(box(x - gap - width, y - HEIGHT / 2 + shift), None)
    for share in (0.5, 0.25, 0.75, 0.05, 0.95):
        cost = 1.5 + 2 * abs(share - 0.5)
        yield cost, Placed(box(x - share * width, y - reach - _CLEAR - HEIGHT), None)
        yield cost, Placed(box(x - share * width, y + reach + _CLEAR), None)
    for length in _REACHES:
        cost = 3 + length / 6
        for step in range(_ANGLES):
            across, down = cos(step * 2 * pi / _ANGLES), sin(step * 2 * pi / _ANGLES)
            end_x, end_y = x + (reach + length) * across, y + (reach + length) * down
            line = Line(x + reach * across, y + reach * down, end_x, end_y)
            if abs(across) > 0.2:
                yield cost, Placed(box(end_x + 2 if across > 0 else end_x - 2 - width, end_y - HEIGHT / 2), line)
            if abs(down) > 0.45:
                for share in (0.1, 0.5, 0.9):
                    yield cost + 0.2, Placed(box(end_x - share * width, end_y if down > 0 else end_y - HEIGHT), line)


def _is_taken(place: Placed, near: Sequence[Spot], placed: Sequence[Placed]) -> bool:
    """Return whether a name and its line would cover a point, or touch another name or line."""
    box, line = place
    wide = Box(box.left - _ACROSS, box.top - _DOWN, box.right + _ACROSS, box.bottom + _DOWN)
    lines = [other.line for other in placed if other.line]
    if any(wide.touches(other.box) for other in placed):
        return True
    if any(box.distance(*each) < 3 for other in lines for each in other.places()):
        return True
    if any(box.distance(point.x, point.y) < point.reach + _CLEAR for point in near):
        return True
    if line is None:
        return False
    if any(line.distance(point.x, point.y) < point.reach + _LINE_CLEAR - 0.01 for point in near):
        return True
    along = line.places()
    if any(other.box.distance(*each) < 3 for other in placed for each in along):
        return True
    return any(other.distance(*each) < 5 for other in lines for each in along)


def _confusion(place: Placed, spot: Spot, near: Sequence[Spot], frontier: Sequence[Box]) -> float:
    """Return how unclear a place is: over the frontier, or, without a line, nearer to other points than to its own."""
    box, line = place
    limit = 4.0 if line else box.distance(spot.x, spot.y) - spot.reach + 4
    rivals = sum(box.distance(point.x, point.y) - point.reach < limit for point in near)
    return 4 * sum(map(box.touches, frontier)) + (0.7 if line else 2) * rivals
