"""The page with 500 models x 12 tasks in Chromium: the time from a click on a column heading to the sorted rows."""

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


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    from playwright.sync_api import sync_playwright

    file = scratch / "page.html"
    main(
        ["leaderboard", "--results", str(make_results(scratch / "results")), "--format", "html", "--output", str(file)]
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(file.as_uri())
        first = _claim(page, "the first 100 rows shown")
        page.locator("#overview .more").click()
        whole = _claim(page, f"all {MODELS} rows shown")
        browser.close()
    return [first, whole]


def _claim(page: Page, what: str) -> Claim:
    """Time the sorting by every column, in both directions; a first round, not timed, creates the cells."""
    page.evaluate(_SORTS)
    times = [time for _ in range(2) for time in page.evaluate(_SORTS)]
    detail = f"ms, median of {len(times)} sorts; the longest {max(times):.0f} ms"
    return Claim(f"sorting {MODELS} models, {what}", median(times), 200, at_least=False, detail=detail)
