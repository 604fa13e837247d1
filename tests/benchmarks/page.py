"""The page with 500 models x 12 tasks and all published models in Chromium: opening, the main chart, sorting."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING

from bitext_bench.cli.main import main

from .board import make_results
from .claims import Claim, Measured, Setup, Skipped

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


def measure(setup: Setup) -> Measured:
    chromium = shutil.which("chromium")
    if chromium is None:
        yield Skipped("the page in a browser", "chromium is not installed")
        return
    models = 150 if setup.quick else 500
    results, file = make_results(setup.scratch / "results", models), setup.scratch / "page.html"
    main(["leaderboard", "--results", str(results), "--format", "html", "--output", str(file)])
    for claim in _claims(chromium, file.as_uri(), models):
        yield setup.at_full_size(claim)


def _claims(chromium: str, address: str, models: int) -> Iterator[Claim]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        opened = []
        for _ in range(5):
            page.goto(address)
            opened.append(page.evaluate(_OPENED))
        yield Claim("opening the page, ms", median(opened), 1500, at_least=False, detail=f"median of {len(opened)}")
        points = page.locator(".point").count()
        controls = page.evaluate(_CONTROLS)
        detail = f"ms, median of {len(controls)}; the longest {max(controls):.0f} ms"
        yield Claim(f"a control of the chart of {points} models", median(controls), 100, at_least=False, detail=detail)
        page.wait_for_timeout(500)
        yield next(_sorting(page, f"{models} models, the first 100 shown"))
        page.locator("#overview .more").click()
        page.locator("#overview tbody tr").nth(models - 1).wait_for(state="attached")
        yield from _sorting(page, f"{models} models, all shown")
        browser.close()


def _sorting(page: Page, what: str) -> Iterator[Claim]:
    """Time the sorting by every column, in both directions; a first round, not timed, creates the cells."""
    page.evaluate(_SORTS)
    sorts = [times for _ in range(2) for times in page.evaluate(_SORTS)]
    for rows, aim, times in zip(("the first rows", "all rows"), (100, 200), zip(*sorts, strict=True), strict=True):
        detail = f"ms, median of {len(times)} sorts; the longest {max(times):.0f} ms"
        title = f"sorting {what}, until {rows} are in place"
        yield Claim(title, median(times), aim, at_least=False, detail=detail)
