"""Names in the main chart, in the page and in the picture, for every column: they cover no point and touch nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pages import Opener

from bitext_bench.cli.main import main
from leaderboard.entries.read import read_results
from leaderboard.html.boards import chart_content
from leaderboard.html.picture import render_svg
from leaderboard.published.file import read_published
from leaderboard.tables.scores import ScoreRow, score_rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RESULTS = Path(__file__).parent.parent / "results"
CHARTED = ("mteb_accuracy", "cosine_spearman")
LONGEST = 60.5  # pixels of a line between a name and its point; in the page, 76 for measured and pinned models
pytestmark = pytest.mark.browser

# The faults of a drawn chart: [kind, text or number, ...]. Radii include the outlines.
_FAULTS = """(svg) => {
  const edge = svg.getBoundingClientRect();
  const number = (node, name) => Number(node.getAttribute(name));
  const points = [...svg.querySelectorAll(".point, .dot")].map((node) => {
    const outline = parseFloat(getComputedStyle(node).strokeWidth) / 2;
    return { x: number(node, "cx"), y: number(node, "cy"), r: number(node, "r") + outline };
  });
  const texts = [...svg.querySelectorAll("text:not(.halo)")].map((node) => {
    const box = node.getBoundingClientRect();
    return {
      text: node.textContent,
      left: box.left - edge.left,
      right: box.right - edge.left,
      top: box.top - edge.top,
      bottom: box.bottom - edge.top,
      name: node.matches(".label text, .published, .measured"),
    };
  });
  const away = ({ left, right, top, bottom }, { x, y }) =>
    Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
  const faults = [];
  for (const box of texts) {
    for (const point of points) if (away(box, point) < point.r) faults.push(["covers a point", box.text, point]);
  }
  const names = texts.filter((each) => each.name);
  const near = (a, b) => a.left - 3 < b.right && b.left - 3 < a.right && a.top < b.bottom && b.top < a.bottom;
  names.forEach((a, i) => {
    for (const b of names.slice(0, i)) if (near(a, b)) faults.push(["touch", a.text, b.text]);
  });
  const lines = [...svg.querySelectorAll(".label line, .leader")];
  for (const line of lines) {
    const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map((name) => number(line, name));
    for (let i = 0; i <= 100; i++) {
      const here = { x: x1 + ((x2 - x1) * i) / 100, y: y1 + ((y2 - y1) * i) / 100 };
      for (const { x, y, r } of points) {
        if (Math.hypot(here.x - x, here.y - y) < r - 0.3) faults.push(["crosses a point", here]);
      }
      if (i > 95) continue; // the end of the line is at its own name
      for (const box of names) if (away(box, here) === 0) faults.push(["crosses a name", box.text, here]);
    }
  }
  const end = Number(svg.querySelector(".rail")?.getAttribute("y") ?? Infinity); // incomplete models are below
  const length = (kept) => Math.max(0, ...kept.map((line) => line.getTotalLength()));
  return {
    faults,
    longest: length(lines),
    longestPublished: length(lines.filter((line) => line.matches(".published line"))),
    names: names.map((each) => each.text),
    measured: svg.querySelectorAll(".label.measured").length,
    hasMeasured: [...svg.querySelectorAll(".point.measured")].some((node) => number(node, "cy") < end),
    points: points.length,
  };
}"""


@pytest.fixture(scope="module")
def scores() -> list[ScoreRow]:
    return score_rows(read_results(RESULTS, experiments=False).entries, read_published(RESULTS))


@pytest.fixture(scope="module")
def boards(scores: list[ScoreRow]) -> list[dict[str, Any]]:
    content = chart_content(scores)
    assert content is not None
    found: list[dict[str, Any]] = content["boards"]
    return found


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("board") / "page.html"
    assert main(["leaderboard", "--results", str(RESULTS), "--format", "html", "--output", str(file)]) == 0
    return file.read_text(encoding="utf-8")


def columns(boards: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Yield each board with the languages of a column: those shown first, and each language alone."""
    for board in boards:
        yield board["key"], board["usual"]
        for language in board["languages"]:
            yield board["key"], [language["code"]]


def set_name(row: ScoreRow) -> str:
    task, subset = row.measure.task, row.measure.subset
    return task if subset == "default" else f"{task} {subset}"


def faults(page: Page, svg: str) -> dict[str, Any]:
    found: dict[str, Any] = page.locator(svg).evaluate(_FAULTS)
    return found


@pytest.mark.parametrize("width", [1280, 900, 390])
def test_names_in_the_page_cover_no_point(opened: Opener, board: str, boards: list[dict[str, Any]], width: int) -> None:
    page = opened(board, viewport={"width": width, "height": 800})
    address = page.url
    for key, languages in columns(boards):
        page.goto(f"{address}#board={key}&lang={','.join(languages)}")
        found = faults(page, ".plot svg")
        assert found["faults"] == [], (key, languages)
        assert found["longest"] < 76.5 and found["longestPublished"] < LONGEST, (key, languages)
        assert found["points"] > 100 and bool(found["measured"]) == found["hasMeasured"], (key, languages)
        assert len(found["names"]) >= (3 if width == 390 else 6), (key, languages)
    page.goto(f"{address}#pin=intfloat/multilingual-e5-base")
    assert faults(page, ".plot svg")["faults"] == []


def test_names_in_the_picture_cover_no_point(
    browser: Browser, scores: list[ScoreRow], boards: list[dict[str, Any]]
) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 700})
    for each in boards:
        sets: list[list[str]] = [language["names"] for language in each["languages"]]
        for wanted in [[name for names in sets for name in names], *sets]:
            rows = [row for row in scores if row.measure.metric in CHARTED and set_name(row) in wanted]
            page.set_content(f"<body style='margin: 0'>{render_svg(rows)}")
            found = faults(page, "svg")
            assert found["faults"] == [], (each["key"], wanted)
            assert len(found["names"]) >= 6 and found["longest"] < LONGEST, (each["key"], wanted)
    page.close()


def test_the_line_of_the_best_starts_at_the_smallest_model(opened: Opener, board: str) -> None:
    page = opened(board)
    page.locator(".plot svg").wait_for()
    for key in ("tatoeba", "bucc", "sts"):
        page.locator(f".segments input[value={key}]").locator("..").click()
        start, least = page.evaluate(
            """() => {
              const end = Number(document.querySelector(".rail").getAttribute("y"));
              const numbers = (name) => [...document.querySelectorAll(".point")]
                .filter((node) => Number(node.getAttribute("cy")) < end)
                .map((node) => Number(node.getAttribute(name)));
              const line = document.querySelector(".plot .frontier").getAttribute("d");
              return [parseFloat(line.slice(1)), Math.min(...numbers("cx"))];
            }"""
        )
        assert start == least, key


def test_the_languages_explain_themselves(opened: Opener, board: str) -> None:
    page = opened(board)
    about = page.locator(".languages .about")
    assert about.inner_text().startswith("Only these have Tatoeba scores in this page. The score is the mean")
    page.locator(".segments input[value=sts]").locator("..").click()
    assert "STS scores" in about.inner_text()
    english = page.locator(".languages input[value=en]")
    english.locator("..").click()
    assert english.is_checked()
    assert about.inner_text() == "English is the only chosen language: choose another one first."
    page.locator(".languages input[value=fr]").locator("..").click()
    assert about.inner_text().startswith("Only these have STS scores")
    phone = opened(board, viewport={"width": 390, "height": 844})
    assert phone.locator(".languages .about").is_hidden()
    assert "Only the languages above have Tatoeba scores" in phone.locator(".main-chart .note").inner_text()
