"""The page: what is in the file, and what a browser makes of it (chromium; never mocked)."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import MODEL, result_of, subset_of, write_again
from test_leaderboard import HOSTILE

from bitext_bench.cli.main import main
from bitext_bench.io.terminal import printable
from bitext_bench.results.files import read_result
from bitext_bench.results.tables import percent
from leaderboard.entries.read import Entry, Found, read_results
from leaderboard.html import render
from leaderboard.html.content import shown
from leaderboard.html.errors import browsable
from leaderboard.html.render import embedded, render_page
from leaderboard.tables.ranking import Row, Table, make_board

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

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


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two toys on the built-in set, one of them also as a checkpoint, and hostile names."""
    root = tmp_path_factory.mktemp("page") / "results"
    for model in ("toys:hashing", "toys:letters"):
        folders = ["--cache-folder", str(root.with_name("store")), "--output-folder", str(root)]
        assert main(["run", "--model", model, "--data", "mini", "--languages", "en", "ja", "ko", *folders]) == 0
    for file in root.rglob("*.json"):  # the built-in set is too small for a speed to be kept
        write_again(file, encoding={"sentences": 30_000, "tokens": 9, "seconds": 15.0, "device": "cpu", "cores": 2})
    file = next(root.rglob("*hashing*/**/Mini-Tatoeba.json"))
    for i, name in enumerate([*HOSTILE, SCRIPT, "org/checkpoint"]):
        result = read_result(file)
        changes: dict[str, Any] = {"model": {**result.model, "name": name, "fingerprint": name}}
        if name == "org/checkpoint":
            changes["training"] = TRAINING
            changes["subsets"] = [replace(s, signature=f"{s.signature}|leaks:not looked for") for s in result.subsets]
        write_again(file, root / f"copy-{i}" / "1", **changes)
    return root


@pytest.fixture(scope="module")
def text(results: Path) -> str:
    found = read_results(results)
    return render_page(make_board(found.entries).tables, found, results, MISSES)


class Reader(HTMLParser):
    """Collects the tags of a page and what stands in its scripts."""

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


def test_the_same_results_give_the_same_bytes(results: Path, text: str, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "results")
    found = read_results(tmp_path / "results")
    assert render_page(make_board(found.entries).tables, found, tmp_path / "results", MISSES) == text


def test_the_command_writes_it_and_checks_it(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["leaderboard", "--results", str(results), "--format", "html", "--output", str(tmp_path / "page.html")]
    assert main(command) == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert main([*command, "--check"]) == 0
    assert main([*command, "--check", "--tasks", "Mini-STS"]) == 1
    assert "is not what" in capsys.readouterr().err


def test_nothing_is_loaded_from_anywhere(text: str) -> None:
    reader = Reader(text)
    assert [tag for tag, attributes in reader.tags if {"src", "srcset", "action"} & attributes.keys()] == []
    links = [attributes["href"] for _, attributes in reader.tags if "href" in attributes]
    assert {link for link in links if link and not link.startswith("#")} == {"data:,"}
    style = text.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    (policy,) = [a["content"] for _, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy and "script-src 'unsafe-inline'" not in policy


def test_names_stay_in_the_data(text: str) -> None:
    reader = Reader(text)
    assert len(reader.scripts) == 3  # data, library, ours
    names = {model["name"] for model in content(text)["models"]}
    assert {printable(name) for name in [*HOSTILE, SCRIPT]} <= names
    assert not re.search(r"[<>&\u2028\u2029\u202e]", reader.scripts[0])


@given(st.recursive(st.text() | st.none() | st.floats(allow_nan=False, allow_infinity=False), st.lists))
def test_embedded_data_are_themselves(value: object) -> None:
    line = embedded(value)
    assert json.loads(line) == value
    assert not set(line) & set("<>&\u2028\u2029")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.90625, 90.62), (0.12345, 12.35), (1, 100.0), (None, None), (float("nan"), None), ("0.5", None), (True, None)],
)
def test_scores_are_those_of_the_other_outputs(value: object, expected: float | None) -> None:
    assert shown(value) == expected
    if isinstance(value, float) and value == value:
        assert f"{expected:.2f}" == percent(value)


def test_every_figure_is_in_the_page(results: Path, text: str) -> None:
    page = content(text)
    models = [model["name"] for model in page["models"]]
    found = {
        (table["task"], subset["name"], models[row["model"]]): (row["values"][i], row["low"][i], row["high"][i])
        for table in page["tables"]
        for row in table["rows"]
        for i, subset in enumerate(table["subsets"])
    }
    expected = {}
    for entry in read_results(results).entries:
        for name, subset in entry.subsets.items():
            low, high = subset.intervals.get(entry.score) or (None, None)
            expected[entry.task, name, entry.label] = (shown(subset.scores[entry.score]), shown(low), shown(high))
    assert found == expected
    assert page["newest"] == max(entry.result.date for entry in read_results(results).entries)


def test_speed_size_and_training_are_what_the_files_say(tmp_path: Path) -> None:
    subsets = [("en-en", ["eng-Latn"])]
    most = {"sentences": 30000, "seconds": 20.0, "device": "cpu", "cores": 2}
    few = {"sentences": 100, "seconds": 0.001, "device": "cpu", "cores": 2}
    first = synthetic("a", "T", subsets, encoding=most)
    second = synthetic("a", "U", subsets, encoding=few, training=TRAINING)
    first.result.model["registered"] = "muse"
    (model,) = content(page_of([first, second]))["models"]
    assert model["speed"] == {"sentences": 30000, "per_second": 1500, "machine": "cpu, 2 cores"}
    assert (model["dimensions"], model["parameters"] > 1e7) == (512, True)
    assert model["training"]["curve"] == [[50, 50], [100, 75]]
    assert model["training"]["facts"]["student"] == 'org/student (prompt "query: ")'
    assert model["training"]["facts"]["tms"] == "yes"


@pytest.mark.parametrize("damage", [None, 7, "x", {}, {"sentences": "a", "seconds": 0}, {"curve": [[1], 2, [3, "x"]]}])
def test_what_is_damaged_is_left_out(damage: object) -> None:
    entry = synthetic("a", "T", [("en-en", ["eng-Latn"])], encoding=damage, training=damage)
    (model,) = content(page_of([entry]))["models"]
    assert model["speed"] is None
    assert not (model["training"] or {}).get("curve")


def test_a_table_too_large_keeps_all_means_and_the_figures_of_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaderboard.html.content._MOST_FIGURES", 4)
    pairs = [("a-en", ["eng-Latn"]), ("b-en", ["eng-Latn"])]
    (table,) = content(page_of([synthetic(name, "T", pairs) for name in "abc"]))["tables"]
    assert [("values" in row, row["mean"]) for row in table["rows"]] == [(True, 50.0), (True, 50.0), (False, 50.0)]


def test_without_its_charts_the_page_says_what_to_install(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    render._charts_library.cache_clear()
    assert main(["leaderboard", "--results", str(results), "--format", "html"]) == 1
    error = capsys.readouterr().err
    assert 'pip install "bitext-bench[page]"' in error
    assert len(error.splitlines()) == 1


def test_misses_with_a_rival_come_first(results: Path) -> None:
    entries = [entry for entry in read_results(results).entries if entry.label.startswith("local/toys")]
    models = [entry for entry in entries if entry.task == "Mini-mining"]
    alone = [miss["rival"] is None for miss in browsable(models, entries, "mini")]
    assert set(alone) == {False, True} and alone == sorted(alone)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_have_the_contrast_of_wcag_aa(scheme: int) -> None:
    style = (Path(render.__file__).parent / "assets/colours.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", style.split("@media")[scheme]))
    assert len(colours) == 21

    def contrast(a: str, b: str) -> float:
        dark, light = sorted((luminance(colours[a]), luminance(colours[b])))
        return (light + 0.05) / (dark + 0.05)

    reading = [(ink, ground) for ink in ("ink", "ink-2", "link", "badge") for ground in ("ground", "raised")]
    reading += [("reported-ink", "reported"), ("link", "reported")]
    assert {pair: contrast(*pair) for pair in reading if contrast(*pair) < 4.5} == {}
    marks = ["ink-3", "line-2", *(f"slot-{i}" for i in range(6))]
    assert {mark: contrast(mark, "ground") for mark in marks if contrast(mark, "ground") < 3} == {}


def synthetic(name: str, task: str, subsets: list[tuple[str, list[str]]], value: float = 0.5, **more: Any) -> Entry:
    """Make a result that no model was needed for."""
    interval = (max(0.0, value - 0.0123), min(1.0, value + 0.0123))
    entries = [
        subset_of(subset, {"accuracy": value}, languages=languages, n=1000, intervals={"accuracy": interval})
        for subset, languages in subsets
    ]
    result = result_of(task, entries, model={**MODEL, "name": name}, **more)
    return Entry(Path(f"results/{name}/1/{task}.json"), result)


def page_of(entries: list[Entry]) -> str:
    """Render entries in their order; ranks by paired tests are another module's."""
    by_task: dict[str, list[Entry]] = {}
    for entry in entries:
        by_task.setdefault(entry.task, []).append(entry)
    shown_tables = [
        Table(
            task,
            "accuracy",
            False,
            tuple(own[0].subsets),
            tuple(Row(e, i, mean(e), None) for i, e in enumerate(own, 1)),
        )
        for task, own in by_task.items()
    ]
    return render_page(shown_tables, Found(entries, []), Path("results"))


def mean(entry: Entry) -> float:
    return statistics.fmean(subset.scores["accuracy"] or 0 for subset in entry.subsets.values())


# In a browser.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium here: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


Opener = Callable[..., "Page"]


@pytest.fixture
def opened(browser: Browser, text: str, tmp_path: Path) -> Iterator[Opener]:
    """Open a page; at the end the console has said nothing, and nothing but the file was asked for."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_page(source: str = text, **settings: Any) -> Page:
        file = tmp_path / "page.html"
        file.write_text(source, encoding="utf-8")
        settings = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **settings}
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert {url for url in asked if not url.endswith("/page.html")} <= {"data:,"}


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


@pytest.mark.browser
def test_columns_sort_by_mouse_and_by_keyboard(opened: Opener) -> None:
    page = opened()
    table = section(page, "Mini-Tatoeba").locator("table").first
    place = (
        table.locator("thead th")
        .all_inner_texts()
        .index(next(text for text in table.locator("thead th").all_inner_texts() if text.startswith("ko-en")))
    )
    heading = table.locator("thead th").nth(place)
    heading.locator("button").click()
    values = [float(value) for value in column(table, place + 1)]
    assert len(set(values)) > 1
    assert values == sorted(values, reverse=True)  # the best first
    assert heading.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")
    assert [float(value) for value in column(table, place + 1)] == sorted(values)
    assert heading.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") is None
    assert table.locator("thead th[aria-sort]").count() == 1
    model = table.locator("thead th.name button")
    model.focus()
    page.keyboard.press("Enter")
    names = column(table, 2)
    assert names != column(table, 2)[::-1]
    page.keyboard.press("Enter")
    assert column(table, 2) == names[::-1]


@pytest.mark.browser
def test_lower_is_better_sorts_the_lowest_first_and_marks_it(opened: Opener) -> None:
    page = opened()
    own = section(page, "Mini-xSIM").filter(has_not=page.locator("h3", has_text="Mini-xSIMpp"))
    assert "lower is better" in own.locator("h3").inner_text()
    table = own.locator("table").first
    table.locator("thead th", has_text="mean").locator("button").click()
    values = [float(value) for value in column(table, 3)]
    assert values == sorted(values)
    assert float(table.locator("tbody tr:first-child td:nth-child(3) strong").inner_text()) == values[0]
    assert float(table.locator("tbody tr:nth-child(2) td:nth-child(3) u").inner_text()) == values[1]


@pytest.mark.browser
def test_what_training_may_have_seen_is_said_and_has_no_rank(opened: Opener) -> None:
    page = opened()
    own = section(page, "Mini-Tatoeba")
    row = own.locator("tbody tr", has_text="org/checkpoint")
    assert row.locator("td").first.inner_text() == "–"
    assert "leaks: not looked for" in row.inner_text()
    assert row.locator("strong, u").count() == 0
    assert "Without a rank" in own.locator("p.note").first.inner_text()
    in_overview = page.locator("#overview tbody tr", has_text="org/checkpoint").inner_text()
    assert not re.search(r"\d\d\.\d\d", in_overview), "its only mean is not shown beside clean ones"


@pytest.mark.browser
def test_tables_are_filtered_by_model_task_and_language(opened: Opener) -> None:
    page = opened()
    overview = page.locator("#overview tbody tr")
    everything = overview.count()
    page.locator("#filter-model").fill("TOYS:HASH")
    assert (everything, overview.count()) == (14, 1)
    assert "hashing" in overview.first.inner_text()
    page.locator("#filter-model").fill("")
    assert overview.count() == everything
    page.locator("#filter-task").select_option("Mini-Tatoeba")
    assert page.locator("section.task:visible").count() == 1
    page.locator("#filter-task").select_option("")
    page.locator("#filter-language").select_option(label="Korean")
    heads = section(page, "Mini-Tatoeba").locator("thead th").all_inner_texts()
    assert [head.split("\n")[0] for head in heads] == ["rank", "model", "mean", "ko-en"]
    heads = section(page, "Mini-xSIM").first.locator("thead th").all_inner_texts()
    assert len([head for head in heads if "kor_Hang" in head or "ko" in head.split("\n")[0].split("-")]) == 4
    assert "of 14 models" in page.locator("#filtered").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_link_to_a_section_leads_to_its_heading(opened: Opener, width: int) -> None:
    """Also where motion is wanted, and the charts on the way are drawn, and grow, only then."""
    for opening in ("link", "address"):
        for host in ("by-language", "training", "errors"):
            page = opened(viewport={"width": width, "height": 500}, reduced_motion="no-preference")
            if opening == "link":
                page.locator(f"nav a[href='#{host}']").click()
            else:
                page.goto(f"{page.url}#{host}")
                page.reload()
            page.wait_for_timeout(1500)
            bar = page.locator(".filters").evaluate(
                "bar => getComputedStyle(bar).position === 'sticky' ? bar.getBoundingClientRect().bottom : 0"
            )
            top = page.locator(f"#{host} h2").evaluate("heading => heading.getBoundingClientRect().top")
            ended = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
            assert bar <= top <= bar + 20 or (ended and bar <= top < 500), (opening, host)
            page.close()


@pytest.mark.browser
def test_a_reader_who_goes_on_is_not_held_back(opened: Opener) -> None:
    page = opened()
    page.locator("nav a[href='#training']").click()
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(1000)
    assert page.locator("#training h2").evaluate("heading => heading.getBoundingClientRect().top") > 300


SPREAD = [4.78, 86.17, 88.93, 90.53, 90.55, 91.2, 91.3, 91.6, 91.9, 92.0, 93.77, 93.81]


def scattered() -> str:
    """A page of models of which one is far behind the others."""
    registered = {"registered": "muse", "parameters": None}
    entries = []
    for place, value in enumerate(SPREAD):
        name = f"org/a-model-with-a-name-{place}"
        timed = {"sentences": 30_000, "seconds": 100 + place % 4, "device": "cpu", "cores": 2}
        entries.append(synthetic(name, "Tatoeba", [("fr-en", ["fra-Latn", "eng-Latn"])], value / 100, encoding=timed))
        entries[-1].result.model.update(registered, fingerprint=name, parameters=10**6 * (60 + place % 5))
    return page_of(entries)


@pytest.mark.browser
def test_one_model_far_behind_does_not_press_the_others_together(opened: Opener) -> None:
    page = opened(scattered())
    chart = draw(page, "cost")
    labels = chart.locator(".role-axis-label").nth(1).locator("text").all_text_contents()
    ticks = [float(label) for label in labels]
    assert min(ticks) > 84 and max(ticks) < 96, ticks
    note = page.locator("#cost figure .note").first.inner_text()
    assert "worse than the axis shows: org/a-model-with-a-name-0 (4.78)" in note
    figure = page.locator("#cost figure").first
    figure.locator("summary").click()
    figure.locator("tbody tr").first.wait_for()
    assert "4.78" in column(figure.locator("table"), 2)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_names_in_the_scatter_touch_neither_each_other_nor_a_point(opened: Opener, width: int) -> None:
    page = opened(scattered(), viewport={"width": width, "height": 900})
    draw(page, "cost")
    names, touching = page.locator("#cost svg").first.evaluate(
        """svg => {
          const boxes = (selector, inset) => [...svg.querySelectorAll(selector)].map((node) => {
            const box = node.getBoundingClientRect();
            return [box.left + 1, box.top + inset, box.right - 1, box.bottom - inset];
          });
          const names = boxes(".names text", 2), points = boxes(".points_marks path", 1);
          const touch = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
          const others = (name) => [...names.filter((each) => each !== name), ...points];
          return [names.length, names.filter((name) => others(name).some((other) => touch(name, other))).length];
        }"""
    )
    assert names >= 2 and touching == 0


@pytest.mark.browser
def test_the_palette_spans_the_scores_that_are_drawn(opened: Opener) -> None:
    codes = {"en": "eng-Latn", "fr": "fra-Latn", "ja": "jpn-Jpan"}
    pairs = [(f"{a}-{b}", [codes[a], codes[b]]) for a in codes for b in codes if a != b]
    entry = synthetic("org/a", "FLORES-200", pairs, 0.001)
    for subset, value in zip(entry.result.subsets, (0.0, 0.0, 0.001, 0.001, 0.002, 0.0), strict=True):
        subset.scores["accuracy"] = value
    page = opened(page_of([entry]))
    chart = draw(page, "matrix")
    fills = chart.locator(".mark-rect.role-mark path").evaluate_all(
        "cells => cells.map((cell) => cell.getAttribute('fill'))"
    )
    colors = [luminance("#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", fill))) for fill in fills]
    assert len(set(fills)) == 3 and max(colors) - min(colors) > 0.7
    legend = chart.locator(".role-legend-label text").all_text_contents()
    assert float(legend[0]) == 0 and float(legend[-1]) == 0.2


@pytest.mark.browser
def test_the_heat_map_says_what_a_cell_is(opened: Opener, results: Path) -> None:
    page = opened()
    chart = draw(page, "matrix")
    page.locator("#matrix select").first.select_option(label="Mini-xSIM")
    page.wait_for_timeout(500)
    shown_model = page.locator("#matrix select").nth(1).locator("option:checked").inner_text()
    entry = next(e for e in read_results(results).entries if e.task == "Mini-xSIM" and e.label == shown_model)
    (pair,) = [s for s in entry.subsets.values() if list(s.languages) == ["jpn-Jpan", "eng-Latn"]]
    cells = chart.locator(".mark-text.role-mark text")
    assert cells.count() == 6
    tips = []
    for cell in cells.all():
        cell.hover()
        tips.append(page.locator("#tip").inner_text())
    (tip,) = [tip for tip in tips if tip.startswith("Japanese → English")]
    assert f"xsim {percent(pair.scores['xsim'])} (" in tip
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


@pytest.mark.browser
def test_a_name_is_never_code(opened: Opener) -> None:
    page = opened()
    for host in ("cost", "by-language", "matrix", "training"):
        draw(page, host)
    page.locator("#by-language .choices input:checked").first.click()
    chosen = page.locator("#by-language .choices label", has_text="window.owned").locator("input")
    if not chosen.is_checked():
        chosen.click()
    page.wait_for_timeout(500)
    tips = []
    for dot in page.locator("#by-language .chart svg .mark-symbol.role-mark path").all():
        dot.hover()
        tips.append(page.locator("#tip").inner_text().split("\n")[1])
    assert SCRIPT in tips
    assert page.evaluate("window.owned") is None
    assert page.locator("script").count() == 3
    names = page.locator("#overview tbody th").all_inner_texts()
    assert {printable(name) for name in [*HOSTILE, SCRIPT]} <= set(names)
    assert page.locator("main b, main code, main em").count() == 0
    assert page.locator("#errors tbody tr").count() == 3
    assert "そうです。0<b>" in page.locator("#errors tbody").inner_text()
    assert page.locator("#errors tbody bdi").first.get_attribute("lang") == "ja"
    page.locator("#errors input").fill("。1")
    assert page.locator("#errors tbody tr").count() == 1


@pytest.mark.browser
def test_the_policy_lets_nothing_out_and_runs_nothing_else(browser: Browser, text: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page = browser.new_page()
    asked: list[str] = []
    page.goto((tmp_path / "page.html").as_uri())
    page.on("requestfinished", lambda request: asked.append(request.url))
    tried = page.evaluate(
        """async () => {
          const refused = [];
          document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
          await fetch("http://127.0.0.1:9/").catch(() => null);
          const image = document.createElement("img");
          image.src = "http://127.0.0.1:9/x.png";
          const script = document.createElement("script");
          script.textContent = "window.owned = 1";
          document.body.append(image, script);
          await new Promise((done) => setTimeout(done, 300));
          return refused.sort();
        }"""
    )
    assert tried == ["connect-src", "img-src", "script-src-elem"]
    assert page.evaluate("window.owned") is None
    assert asked == []
    page.close()


@pytest.mark.browser
def test_every_figure_is_a_table_too(opened: Opener) -> None:
    page = opened()
    hosts = {"cost": 2, "by-language": 1, "matrix": 1, "training": 1}
    for host, figures in hosts.items():
        draw(page, host)
        assert page.locator(f"#{host} figure").count() == figures
        figure = page.locator(f"#{host} figure").first
        figure.locator("summary").click()
        figure.locator("details tbody tr").first.wait_for()
        assert "table below" in str(figure.locator(".chart").get_attribute("aria-label"))
    assert column(page.locator("#training figure table"), 3) == ["50.00", "75.00"]
    assert page.locator("#cost figure").nth(1).locator(".note").inner_text().startswith("No model on Mini-Tatoeba")


@pytest.mark.browser
def test_dark_and_light_follow_the_reader(opened: Opener) -> None:
    page = opened(color_scheme="dark")
    draw(page, "matrix")
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "document.querySelector('#matrix svg .role-axis-label text').getAttribute('fill')"
    dark = page.evaluate(f"[{ground}, {ink}]")
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(500)
    light = page.evaluate(f"[{ground}, {ink}]")
    assert dark[0] == "rgb(20, 23, 27)" and light[0] == "rgb(255, 255, 255)"
    assert dark[1] == "#b3bac2" and light[1] == "#4a5159"


@pytest.mark.browser
def test_on_a_phone_only_boxes_scroll_sideways(opened: Opener) -> None:
    page = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for host in ("cost", "by-language", "matrix", "training"):
        draw(page, host)
    for details in page.locator("details").all():
        details.evaluate("node => { node.open = true; }")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    wide = page.evaluate(
        """() => [...document.querySelectorAll("main *, header *, nav *, .filters *")]
             .filter((node) => !node.closest(".scroll, svg, caption, .choices"))
             .filter((node) => node.getBoundingClientRect().right > 390.5)
             .map((node) => node.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    assert page.locator("#overview .scroll").evaluate("box => box.scrollWidth > box.clientWidth")


@pytest.mark.browser
def test_columns_beyond_the_fold_are_counted(opened: Opener) -> None:
    page = opened(viewport={"width": 390, "height": 844})
    count = page.locator("#overview .count")
    assert re.search(r"\d more columns to the right", count.inner_text())
    assert page.locator("#overview .fold").evaluate("fold => fold.classList.contains('folded')")
    page.locator("#overview .scroll").evaluate("box => { box.scrollLeft = box.scrollWidth; }")
    page.wait_for_timeout(200)
    assert "to the right" not in count.inner_text()
    page.set_viewport_size({"width": 2400, "height": 900})
    page.wait_for_timeout(200)
    assert page.locator("#overview .folded").count() == 0


@pytest.mark.browser
def test_everything_is_reached_and_named_for_who_has_no_mouse(opened: Opener) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("input, select, button, table, section, nav, [role=region]")]
             .filter((node) => !(node.labels?.length || node.textContent.trim() || node.ariaLabel))
             .map((node) => node.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []
    assert page.locator("table").count() == page.locator("table > caption").count()
    assert page.locator("main, nav, header, search").count() == 4
    page.locator("#overview thead button").first.focus()
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    page.keyboard.press("Tab")
    assert page.evaluate(outline) == "solid"


@pytest.mark.browser
def test_five_hundred_models_on_twelve_tasks_sort_at_once(opened: Opener) -> None:
    pairs = [(f"p{i}", ["eng-Latn"]) for i in range(112)]
    tasks = [("Tatoeba", pairs), *((f"STS{i}", pairs[:1]) for i in range(11))]
    entries = [
        synthetic(f"org/model-{m}", task, subsets, value=(m * 37 % 500) / 500)
        for task, subsets in tasks
        for m in range(500)
    ]
    page = opened(page_of(entries))
    assert page.locator("#overview tbody tr").count() == 100
    assert "first 100 of 500 rows" in page.locator("#overview .count").inner_text()
    clicks = """() => [...document.querySelectorAll("#overview thead button")].map((button) => {
      const start = performance.now();
      button.click();
      document.body.getBoundingClientRect();
      return performance.now() - start;
    })"""
    times = page.evaluate(clicks)
    assert len(times) == 16
    assert statistics.median(times) < 200, times
    page.locator("#overview .more").click()
    assert page.locator("#overview tbody tr").count() == 500
    page.locator("#filter-model").fill("model-49")
    assert page.locator("#overview tbody tr").count() == 11
