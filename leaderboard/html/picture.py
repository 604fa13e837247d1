"""The main chart of the page as a picture for papers and documents: SVG, or PNG drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import hypot, log10
from statistics import fmean
from typing import Any

from bitext_bench.errors import UserError, install_hint

from ..tables.scores import ScoreRow
from ..tables.shown import SIZE_CLASSES
from .boards import MEAN, chart_content
from .labels import TWINS, Box, Placed, Spot, place_labels

_WIDTH, _HEIGHT = 1000, 624
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 876, 104, 520  # edges of the plot; models of unknown size are to the right of it
_UNKNOWN = (_RIGHT + _WIDTH) / 2
_SCORES = (50, 90, 80, 95, 99, 98, 0, 70, 97, 99.5)  # possible ticks, the most important first
_SIZES = (1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10, 3e10, 1e11)
# Widths of letters in pixels, for the widest of the fonts; other fonts draw narrower names.
_LETTERS = {
    letter: width
    for letters, width in (("iljI.,:;'|!", 4.4), ("frt()[]-/ ", 5.9), ("mwMW@%", 12.6))
    for letter in letters
}
_LETTER, _CAPITAL, _BOLD = 8.2, 9.8, 1.13
_RADIUS = {"own": 5, "best": 5, "": 3.8}  # pixels
_PNG_SCALE = 2

# The picture has its own background, so that it is readable on light and dark pages.
_STYLE = """
text { fill: #1b1a18; font-size: 13px; font-family: Inter, "Noto Sans", "Segoe UI", sans-serif }
.ground { fill: #fbfaf8 } .title { font-size: 24px; font-weight: 700 } .quiet { fill: #57524b }
.published { font-style: italic }
.measured { font-weight: 700 } .grid { stroke: #e7e3dc } .axis { stroke: #928b80 } .leader { stroke: #8a847b }
.frontier { fill: none; stroke: #b53a0f; stroke-width: 2 } .dot { fill: #fbfaf8; stroke: #8a847b; stroke-width: 1.25 }
.dot.best { stroke: #b53a0f; stroke-width: 2 } .dot.own { fill: #1b1a18; stroke: #fbfaf8; stroke-width: 1.5 }
.halo { stroke: #fbfaf8; stroke-width: 4; stroke-linejoin: round }
"""


@dataclass(slots=True)
class _Point:
    """A model in the picture; `value` is in percent, `best` marks the best of all models up to its size."""

    name: str
    value: float
    parameters: int | None
    measured: bool
    usual: bool
    service: bool
    x: float = 0.0
    y: float = 0.0
    best: bool = False

    @property
    def kind(self) -> str:
        """The style of the point: "own", "best" or ""."""
        return "own" if self.measured else "best" if self.best else ""


def render_svg(rows: Iterable[ScoreRow]) -> str:
    """Return the chart of the first benchmark in `rows` as SVG: the mean over the languages that the page shows first.

    Raises:
        UserError: there are no scores on a common measure.
    """
    content = chart_content(rows)
    if content is None:
        raise UserError("no model has a score for the chart: choose other --tasks, --languages or --models")
    board = content["boards"][0]
    languages = [language for language in board["languages"] if language["code"] in board["usual"]]
    points = _points(content["models"], board, languages)
    if not points:
        raise UserError("no model has a score in all of these languages: choose fewer --languages")
    ticks = _place(points, board["axis"])
    frontier = _frontier(points)
    drawn = [
        f'<rect class="ground" width="{_WIDTH}" height="{_HEIGHT}"/>',
        _text(24, 40, board["question"], "title"),
        _text(24, 64, f"{_score_title(board, languages)}: {len(points)} models", "quiet"),
        *ticks,
        _path(frontier),
        *(_dot(point) for point in sorted(points, key=lambda point: (point.measured, point.best))),
        *_labels(points, frontier),
        *_legend(),
    ]
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(board["score"])}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *drawn, "</svg>"]) + "\n"


def _score_title(board: dict[str, Any], languages: Sequence[dict[str, Any]]) -> str:
    """Return the score of the board in some languages, as `scoreTitle` in scores.js."""
    if languages[0]["code"] == MEAN:
        return f"{board['score']}, mean of all 112 languages"
    *others, last = [str(language["name"]) for language in languages]
    if not others:
        return str(board["single"]).replace("{}", last)
    return f"{board['score']}, mean of {', '.join(others)} and {last}"


def render_png(rows: Iterable[ScoreRow]) -> bytes:
    """Return the chart as PNG, 2000 x 1248 pixels.

    Raises:
        UserError: there is nothing to draw, or the package that draws it is not installed.
    """
    svg = render_svg(rows)
    try:
        from vl_convert import svg_to_png
    except ImportError as error:
        raise UserError(f"png needs a package ({error}): {install_hint('page')}; --format svg needs none") from error
    return bytes(svg_to_png(svg, scale=_PNG_SCALE))


def _points(
    models: Sequence[dict[str, Any]], board: dict[str, Any], languages: Sequence[dict[str, Any]]
) -> list[_Point]:
    points = []
    for row in board["rows"]:
        model, values = models[row["model"]], row["values"]
        if any(values[i] is None for language in languages for i in language["sets"]):
            continue
        mean = fmean(fmean(values[i] for i in language["sets"]) for language in languages)
        name = model["name"].partition("/")[2] or model["name"]
        facts = (model["parameters"], model["measured"], model["usual"], model["service"])
        points.append(_Point(name, mean, *facts))
    return points


def _place(points: Sequence[_Point], axis: str) -> list[str]:
    """Give each point its place, and return the axes; sizes and errors are logarithmic.

    Args:
        points: the points to place.
        axis: the title of the vertical axis.
    """
    sizes = [log10(point.parameters) for point in points if point.parameters] or [6.0, 10.0]
    errors = [_error(point.value) for point in points]
    x = _scale(min(sizes) - 0.08, max(sizes) + 0.1, _LEFT, _RIGHT)
    y = _scale(min(errors) - 0.08, max(errors) + 0.03, _TOP, _BOTTOM)
    for i, point in enumerate(points):
        apart = (i * 7919 % 11 - 5) * 7  # spreads points that would hide each other
        point.x = x(log10(point.parameters)) if point.parameters else _UNKNOWN + apart
        point.y = y(_error(point.value))
    drawn, taken = [_text(24, _TOP - 16, axis, "quiet")], list[float]()
    for tick in _SCORES:
        place = y(_error(tick))
        if not _TOP <= place <= _BOTTOM + 2 or any(abs(place - other) < 28 for other in taken):
            continue
        taken.append(place)
        drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 24}" y1="{place:.1f}" y2="{place:.1f}"/>')
        drawn.append(_text(_LEFT - 10, place + 4.5, f"{tick:g}", "quiet", "end"))
    drawn.append(f'<line class="axis" x1="{_LEFT}" x2="{_RIGHT}" y1="{_BOTTOM + 8}" y2="{_BOTTOM + 8}"/>')
    for size in _SIZES:
        if _LEFT <= (place := x(log10(size))) <= _RIGHT - 20:
            words = f"{size / 1e6:g} M" if size < 1e9 else f"{size / 1e9:g} B"
            drawn.append(_text(place, _BOTTOM + 28, words, "quiet", "middle"))
    drawn.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 50, "Parameters", "quiet", "middle"))
    if any(point.parameters is None for point in points):
        drawn.append(_text(_UNKNOWN, _BOTTOM + 28, "size unknown", "quiet", "middle"))
    return drawn


def _error(value: float) -> float:
    return log10(max(0.05, 100 - value))


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / ((high - low) or 1) * (end - start)


def _frontier(points: Sequence[_Point]) -> list[_Point]:
    """Return the points that no smaller model equals or beats, from the smallest model on."""
    sized = sorted((p for p in points if p.parameters), key=lambda p: (p.parameters or 0, -p.value))
    best, found = float("-inf"), list[_Point]()
    for point in sized:
        if point.value > best:
            best, point.best = point.value, True
            found.append(point)
    return found


def _path(frontier: Sequence[_Point]) -> str:
    if not frontier:
        return ""
    first, *others = frontier
    steps = "".join(f"H{point.x:.1f}V{point.y:.1f}" for point in others)
    return f'<path class="frontier" d="M{first.x:.1f},{first.y:.1f}{steps}H{_RIGHT}"/>'


def _dot(point: _Point) -> str:
    return f'<circle class="dot {point.kind}" cx="{point.x:.1f}" cy="{point.y:.1f}" r="{_RADIUS[point.kind]}"/>'


def _merit(point: _Point) -> tuple[float, bool, str]:
    """Return a sort key, the best first; of equal scores a usual baseline, else the first by name, as in scores.js."""
    return -round(point.value, 8), not point.usual, point.name.casefold()


def _named(points: Sequence[_Point]) -> list[_Point]:
    """Return the points that have names, the most important first: baselines, the best of each size, measured."""
    limits = (0, *(most for most, _ in SIZE_CLASSES), float("inf"))
    groups = [
        [p for p in points if p.parameters and not p.service and low <= p.parameters < high]
        for low, high in pairwise(limits)
    ]
    groups.append([point for point in points if point.service])
    best = [min(group, key=_merit) for group in reversed(groups) if group]
    ordered = sorted(points, key=lambda point: -point.value)
    usual = [point for point in ordered if point.usual and not _is_hidden(point, points)]
    own = [point for point in ordered if point.measured and " (" not in point.name]
    named = [*best[:1], *own[:1], *usual, *best, *own]
    return list({id(point): point for point in named}.values())


def _is_hidden(point: _Point, points: Sequence[_Point]) -> bool:
    """Return whether a measured point is drawn over a published one, as in plot.js."""
    over = (other for other in points if other.measured and hypot(other.x - point.x, other.y - point.y) < TWINS)
    return not point.measured and any(over)


def _labels(points: Sequence[_Point], frontier: Sequence[_Point]) -> list[str]:
    """Return the names that find a good place."""
    named = _named(points)
    spots = {id(point): _spot(point) for point in points}
    wanted = [(spots[id(point)], _width(point)) for point in named]
    frame = Box(_LEFT, _TOP - 16, _WIDTH - 8, _BOTTOM + 4)
    places = place_labels(wanted, list(spots.values()), frame, _steps(frontier))
    return [line for point, place in zip(named, places, strict=True) if place for line in _label(point, place)]


def _spot(point: _Point) -> Spot:
    return Spot(point.x, point.y, _RADIUS[point.kind] + 1)  # half of the outline


def _width(point: _Point) -> float:
    """Return an upper bound of the width of a name in pixels."""
    letters = sum(_LETTERS.get(letter, _CAPITAL if letter.isupper() else _LETTER) for letter in point.name)
    return (_BOLD if point.measured else 1) * letters + 2


def _steps(frontier: Sequence[_Point]) -> list[Box]:
    """Return thin boxes around the parts of the line."""
    ends = [*((point.x, point.y) for point in frontier[1:]), (_RIGHT, frontier[-1].y if frontier else 0)]
    boxes = []
    for point, (x, y) in zip(frontier, ends, strict=bool(frontier)):
        boxes.append(Box(point.x, point.y - 2, x, point.y + 2))
        boxes.append(Box(x - 2, min(y, point.y), x + 2, max(y, point.y)))
    return boxes


def _label(point: _Point, place: Placed) -> list[str]:
    box, line = place
    x, y = (box.left + box.right) / 2, box.bottom - 4.1
    anchor = "middle"
    if box.right < point.x:
        x, anchor = box.right - 1, "end"
    elif box.left > point.x:
        x, anchor = box.left + 1, "start"
    kind, drawn = "measured" if point.measured else "published", list[str]()
    if line:
        ends = " ".join(f'{name}="{end:.1f}"' for name, end in line._asdict().items())
        drawn.append(f'<line class="leader" {ends}/>')
    drawn.append(_text(x, y, point.name, f"{kind} halo", anchor))  # hides lines behind the letters
    drawn.append(_text(x, y, point.name, kind, anchor))
    return drawn


def _legend() -> list[str]:
    y = _HEIGHT - 16
    return [
        f'<circle class="dot own" cx="32" cy="{y - 4}" r="5"/>', _text(44, y, "measured here", "quiet"),
        f'<circle class="dot" cx="156" cy="{y - 4}" r="4"/>', _text(168, y, "published by MTEB", "quiet"),
        f'<path class="frontier" d="M312,{y - 4}h20"/>', _text(340, y, "best at its size or below", "quiet"),
        _text(_WIDTH - 24, y, "sizes and errors are logarithmic", "quiet", "end"),
    ]  # fmt: skip


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'
