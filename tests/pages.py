"""Leaderboard pages for tests: synthetic results, a parser, and steps in a browser."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from made_results import HOSTILE, MODEL, result_of, subset_of, write_again

from bitext_bench.cli.main import main
from bitext_bench.results.files import read_result
from leaderboard.entries.read import Entry, ResultSet
from leaderboard.html.render import render_page
from leaderboard.tables.ranking import RankingRow, RankingTable

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
SCRIPT = "</script><script>window.owned = 1</script>"
MISSES = [
    {"source": f"そうです。{i}<b>", "gold": "That is so.", "rival": "It is not so.", "kinds": ["negation"], "row": i}
    | {"task": "Mini-Tatoeba", "subset": "ja-en", "direction": "forward", "model": SCRIPT, "margin": -i / 100}
    for i in range(3)
]
TRAINING = {
    "recipe": "cpu-minutes",
    "student": {"name": "org/student", "revision": "1", "prompt": "query: "},
    "pairs": ["en-ja"],
    "tms": True,
    "curve": [[50, 0.5], [100, 0.75]],
}


def make_results(root: Path) -> None:
    """Write the results of two toys on the built-in set, and copies of one with hostile names and as a checkpoint."""
    for model in ("toys:hashing", "toys:letters"):
        folders = ["--cache-folder", str(root.with_name("store")), "--output", str(root)]
        assert main(["run", "--model", model, "--data", "mini", "--languages", "en", "ja", "ko", *folders]) == 0
    for file in root.rglob("*.json"):  # the built-in set is too small for a recorded speed
        write_again(file, encoding={"sentences": 30_000, "tokens": 9, "seconds": 15.0, "device": "cpu", "cores": 2})
    file = next(root.rglob("*hashing*/**/Mini-Tatoeba.json"))
    for i, name in enumerate([*HOSTILE, SCRIPT, "org/checkpoint"]):
        result = read_result(file)
        changes: dict[str, Any] = {"model": {**result.model.to_dict(), "name": name, "fingerprint": name}}
        if name == "org/checkpoint":
            changes["training"] = TRAINING
            changes["subsets"] = [
                replace(s, signature=f"{s.signature}|contamination:unchecked") for s in result.subsets
            ]
        write_again(file, root / f"copy-{i}" / "1", **changes)


class Reader(HTMLParser):
    """Collects the tags and scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def content(text: str) -> dict[str, Any]:
    return json.loads(Reader(text).scripts[0])


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def synthetic(name: str, task: str, subsets: list[tuple[str, list[str]]], value: float = 0.5, **more: Any) -> Entry:
    """Return a synthetic result; `about` has fields of the model."""
    interval = (max(0.0, value - 0.0123), min(1.0, value + 0.0123))
    entries = [
        subset_of(subset, {"accuracy": value}, languages=languages, n=1000, intervals={"accuracy": interval})
        for subset, languages in subsets
    ]
    result = result_of(task, entries, model={**MODEL, "name": name, **more.pop("about", {})}, **more)
    return Entry(Path(f"results/{name}/1/{task}.json"), result)


def page_of(entries: list[Entry]) -> str:
    """Render entries in the given order, which also gives the ranks."""
    by_task: dict[str, list[Entry]] = {}
    for entry in entries:
        by_task.setdefault(entry.task, []).append(entry)
    shown_tables = [
        RankingTable(
            task,
            "accuracy",
            False,
            tuple(own[0].subsets),
            tuple(RankingRow(e, i, mean(e), None) for i, e in enumerate(own, 1)),
        )
        for task, own in by_task.items()
    ]
    return render_page(shown_tables, ResultSet(entries, []), Path("results"))


def mean(entry: Entry) -> float:
    return statistics.fmean(subset.scores["accuracy"] or 0 for subset in entry.subsets.values())


Opener = Callable[..., "Page"]


def section(page: Page, task: str) -> Locator:
    return page.locator("section.task", has=page.locator("h3", has_text=task))


def column(table: Locator, place: int) -> list[str]:
    """Return the cells of a column without their second line."""
    return [cell.inner_text().split("\n")[0] for cell in table.locator(f"tbody tr > :nth-child({place})").all()]


def draw(page: Page, host: str) -> Locator:
    page.locator(f"#{host}").scroll_into_view_if_needed()
    page.locator(f"#{host} figure").first.scroll_into_view_if_needed()
    page.locator(f"#{host} .chart svg").first.wait_for()
    return page.locator(f"#{host} .chart svg").first
