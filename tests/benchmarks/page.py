"""The page with 500 models x 12 tasks and all published models in Chromium: opening, the main chart, sorting."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bitext_bench.cli.main import main

from .board import MODELS, make_results
from .claims import Claim

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The milliseconds from a click on each heading until the first rows are laid out, and until all rows are.
_SORTS = """async () => {
  const rows = () => document.querySelectorAll("#overview tbody tr").length;
  const shown = rows();
  const times = [];
  for (const button of document.querySelectorAll("#overview thead button")) {
    const start = performance.now();
    button.click();
    document.body.getBoundingClientRect();
    const first = performance.now() - start;
    while (rows() < shown) await new Promise((next) => setTimeout(next));
    document.body.getBoundingClientRect();
    times.push([first, performance.now() - start]);
    await new Promise((next) => setTimeout(next, 20));
  }
  return times;
}"""

# Each control of the main chart in turn, and a pinned model; the time includes the next layout.
_CONTROLS = """() => {
  const press = (control) => {
    const start = performance.now();
    control.click();
    document.body.getBoundingClientRect();
    return performance.now() - start;
  };
  const times = [];
  for (const board of document.querySelectorAll(".segments input")) {
    times.push(press(board));
    for (const language of document.querySelectorAll(".languages input")) times.push(press(language));
    times.push(press(document.querySelector(".answers button")));
  }
  return times;
}"""
_OPENED = "performance.timing.loadEventEnd - performance.timing.navigationStart"


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    from playwright.sync_api import sync_playwright

    file = scratch / "page.html"
    main(
        ["leaderboard", "--results", str(make_results(scratch / "results")), "--format", "html", "--output", str(file)]
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        opened = []
        for _ in range(5):
            page.goto(file.as_uri())
            opened.append(page.evaluate(_OPENED))
        points = page.locator(".point").count()
        controls = page.evaluate(_CONTROLS)
        page.wait_for_timeout(500)
        few = _claims(page, "the first 100 shown")
        page.locator("#overview .more").click()
        page.locator("#overview tbody tr").nth(MODELS - 1).wait_for(state="attached")
        many = _claims(page, f"all {MODELS} shown")
        browser.close()
    detail = f"ms, median of {len(controls)}; the longest {max(controls):.0f} ms"
    return [
        Claim("opening the page, ms", median(opened), 1500, at_least=False, detail=f"median of {len(opened)}"),
        Claim(f"a control of the chart of {points} models", median(controls), 100, at_least=False, detail=detail),
        few[0],
        *many,
    ]


def _claims(page: Page, what: str) -> list[Claim]:
    """Time the sorting by every column, in both directions; a first round, not timed, creates the cells."""
    page.evaluate(_SORTS)
    sorts = [times for _ in range(2) for times in page.evaluate(_SORTS)]
    claims = []
    for rows, aim, times in zip(("the first rows", "all rows"), (100, 200), zip(*sorts, strict=True), strict=True):
        detail = f"ms, median of {len(times)} sorts; the longest {max(times):.0f} ms"
        title = f"sorting {MODELS} models, {what}, until {rows} are in place"
        claims.append(Claim(title, median(times), aim, at_least=False, detail=detail))
    return claims
