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

_SORTS = """() => [...document.querySelectorAll("#overview thead button")].map((button) => {
  const start = performance.now();
  button.click();
  document.body.getBoundingClientRect();
  return performance.now() - start;
})"""

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
        first = _claim(page, "the first 100 rows shown")
        page.locator("#overview .more").click()
        whole = _claim(page, f"all {MODELS} rows shown")
        browser.close()
    detail = f"ms, median of {len(controls)}; the longest {max(controls):.0f} ms"
    return [
        Claim("opening the page, ms", median(opened), 1500, at_least=False, detail=f"median of {len(opened)}"),
        Claim(f"a control of the chart of {points} models", median(controls), 100, at_least=False, detail=detail),
        first,
        whole,
    ]


def _claim(page: Page, what: str) -> Claim:
    """Time the sorting by every column, in both directions; a first round, not timed, creates the cells."""
    page.evaluate(_SORTS)
    times = [time for _ in range(2) for time in page.evaluate(_SORTS)]
    detail = f"ms, median of {len(times)} sorts; the longest {max(times):.0f} ms"
    return Claim(f"sorting {MODELS} models, {what}", median(times), 200, at_least=False, detail=detail)
