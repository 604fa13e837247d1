"""The main chart of the page in a browser: all published models, hover, search, pins, languages, links, keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pages import Opener, content

from bitext_bench.cli.main import main
from bitext_bench.results.tables import percent
from leaderboard.published.records import Measure
from leaderboard.tables.columns import common_column
from leaderboard.tables.scores import ScoreRow

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

RESULTS = Path(__file__).parent.parent / "results"
LABSE = "sentence-transformers/LaBSE"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the committed results and of all published models."""
    file = tmp_path_factory.mktemp("board") / "page.html"
    assert main(["leaderboard", "--results", str(RESULTS), "--format", "html", "--output", str(file)]) == 0
    return file.read_text(encoding="utf-8")


@pytest.fixture
def page(opened: Opener, board: str) -> Iterator[Page]:
    yield opened(board)


def state(page: Page) -> list[str]:
    """Return everything that a link must reproduce: controls, chart and the first rows of the table."""
    page.locator("#models .scroll").scroll_into_view_if_needed()  # a table out of view is updated later
    page.wait_for_timeout(200)
    task = page.locator("section.task", has=page.locator("h3", has_text="KorSTS"))
    for table in (page.locator("#overview .scroll"), task.locator(".scroll").first):
        table.scroll_into_view_if_needed()
        page.wait_for_timeout(200)
    parts = [
        ".lead h2", ".subtitle", ".pins", ".plot", "#models tbody tr:nth-child(-n + 5)", "#overview tbody", "thead",
        "#filtered", "#by-language .choices",
    ]  # fmt: skip
    checked = page.locator("fieldset input").evaluate_all(
        "all => all.filter((box) => box.checked).map((box) => box.value)"
    )
    fields = page.locator("input[type=search], select").evaluate_all("all => all.map((field) => field.value)")
    opened = page.locator("details").evaluate_all("all => all.map((details) => details.open)")
    return [
        *checked,
        *fields,
        task.locator("tbody").first.inner_html(),
        *map(str, opened),
        *(html for part in parts for html in page.locator(part).evaluate_all("all => all.map((x) => x.innerHTML)")),
    ]


def point(page: Page, name: str) -> tuple[float, float]:
    """Return the center of a model's point, which is pinned to find it, and unpinned again."""
    find(page, name).press("Enter")
    box = page.locator(".point.pinned").bounding_box()
    assert box is not None
    page.locator(".pins button").click()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def press(page: Page, group: str, value: str) -> None:
    """Click a choice of the chart: a benchmark of "segments", or a language of "languages"."""
    page.locator(f".{group} input[value={value}]").locator("..").click()


def opened_again(opened: Opener, page: Page, board: str) -> Page:
    """Open the link of a page in another one, and check that it has the same view, also when it is reloaded."""
    wanted, address = state(page), page.url
    other = opened(board)
    assert state(other) != wanted
    other.goto(address)
    assert state(other) == wanted
    other.reload()
    assert state(other) == wanted
    return other


def find(page: Page, words: str) -> Locator:
    field = page.locator("#models input[type=search]")
    field.fill(words)
    return field


def test_every_model_with_a_score_on_tatoeba_has_a_point(page: Page, board: str, scores: list[ScoreRow]) -> None:
    models = {row.key for row in scores if row.measure.task == "Tatoeba" and row.measure.metric == "mteb_accuracy"}
    assert page.locator(".point").count() == len(models) >= 190
    measured = {row.key for row in scores if row.kind == "measured" and row.measure.task == "Tatoeba"}
    assert page.locator(".point.measured").count() == len(measured)
    names = {model["name"] for model in content(board)["chart"]["models"]}
    assert {row.model for row in scores if row.kind == "published" and row.measure.task == "Tatoeba"} <= names
    inside = page.evaluate(
        """() => {
          const plot = document.querySelector(".plot svg").getBoundingClientRect();
          return [...document.querySelectorAll(".point, .label text")].every((node) => {
            const box = node.getBoundingClientRect();
            return box.left >= plot.left && box.right <= plot.right && box.top >= plot.top && box.bottom <= plot.bottom;
          });
        }"""
    )
    assert inside


def test_names_touch_no_other_name(page: Page) -> None:
    boxes = page.locator(".label text").evaluate_all(
        "all => all.map((x) => x.getBoundingClientRect()).map((b) => [b.left, b.top + 2, b.right, b.bottom - 2])"
    )
    assert len(boxes) >= 10
    touching = [
        (a, b) for i, a in enumerate(boxes) for b in boxes[:i]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]  # fmt: skip
    assert touching == []


def test_means_and_intervals_are_those_of_the_other_outputs(page: Page, scores: list[ScoreRow]) -> None:
    for code in ("zh", "th"):
        press(page, "languages", code)
    page.wait_for_timeout(200)
    page.locator("#models .more").click()
    subsets = [f"{code}-eng" for code in ("cmn", "fra", "jpn", "kor", "rus", "tha")]
    column = common_column("x", "x", [Measure("Tatoeba", subset, "mteb_accuracy") for subset in subsets], scores)
    expected = {
        key[0]: f"{percent(value)} {percent(column.intervals[key][0])}–{percent(column.intervals[key][1])}"
        for key, value in column.values.items()
    }
    rows = page.locator("#models tbody tr").evaluate_all(
        "all => all.map((row) => [row.children[0].innerText, row.children[1].innerText.replace(/\\s+/, ' ')])"
    )
    shown = {name: text for name, text in rows if text != "–"}
    assert shown == expected
    assert len(shown) > 150


def test_hover_shows_score_interval_and_facts(page: Page, scores: list[ScoreRow]) -> None:
    page.mouse.move(*point(page, LABSE))
    tip = page.locator("#tip").inner_text()
    korean = next(r for r in scores if r.model == LABSE and r.measure == Measure("Tatoeba", "kor-eng", "mteb_accuracy"))
    assert korean.interval is not None
    assert tip.startswith(LABSE)
    assert percent(korean.value) in tip
    assert f"{percent(korean.interval[0])}–{percent(korean.interval[1])}" in tip
    assert "471 M" in tip and "published by MTEB" in tip
    page.mouse.move(5, 5)
    assert page.locator("#tip").is_hidden()


def test_search_marks_the_models_and_enter_pins_the_best(page: Page) -> None:
    field = find(page, "labse")
    assert page.locator(".suggestions button").first.inner_text().startswith(LABSE)
    assert 2 <= page.locator(".point.hit").count() < 10
    field.press("ArrowDown")
    assert page.evaluate("document.activeElement.innerText").startswith(LABSE)
    page.keyboard.press("Enter")
    assert page.locator(".pins button").all_inner_texts() == ["LaBSE\n×"]
    assert page.locator(".suggestions").is_hidden() and page.locator(".point.hit").count() == 0
    find(page, "no such model")
    assert "No model" in page.locator(".suggestions").inner_text()


def test_a_click_pins_a_model_in_every_view_and_moves_nothing(page: Page) -> None:
    before = page.locator(".plot svg").bounding_box()
    x, y = point(page, "google/muse-v3")
    page.mouse.click(x, y)
    assert page.locator(".plot svg").bounding_box() == before
    assert page.locator(".point.pinned").count() == 1
    assert page.locator(".label.bold").text_content() == "muse-v3"
    assert page.url.endswith("#pin=google/muse-v3")
    for table in ("#models", "#overview", "section.task"):
        page.locator(f"{table} .scroll").first.scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        first = page.locator(f"{table} tbody").first.locator("tr").first
        assert first.get_attribute("class") == "pinned"
        assert "google/muse-v3" in first.inner_text()
    assert page.locator("#by-language .choices label.pinned").inner_text().endswith("google/muse-v3")
    page.locator("#matrix").scroll_into_view_if_needed()
    assert page.locator("#matrix select").nth(1).locator("option:checked").inner_text() == "google/muse-v3"
    page.locator(".pins button").click()
    assert page.locator(".point.pinned, label.pinned").count() == 0 and "#" not in page.url


def test_a_table_pins_as_well(page: Page) -> None:
    page.locator("#models tbody .pin").nth(3).click()
    page.wait_for_timeout(200)
    assert page.locator("#models tbody tr").first.locator(".pin").get_attribute("aria-pressed") == "true"
    assert page.locator(".pins button").count() == 1


def test_the_score_becomes_the_mean_of_the_languages(page: Page, scores: list[ScoreRow]) -> None:
    for code in ("fr", "ja", "ko"):
        press(page, "languages", code)
    assert page.url.endswith("#lang=ru")
    press(page, "languages", "ru")  # the last language stays
    assert page.url.endswith("#lang=ru")
    russian = [r for r in scores if r.measure == Measure("Tatoeba", "rus-eng", "mteb_accuracy")]
    assert page.locator(".subtitle").inner_text() == f"Tatoeba accuracy, Russian to English: {len(russian)} models"
    best = max(russian, key=lambda r: r.value)
    page.wait_for_timeout(200)
    assert percent(best.value) in page.locator("#models tbody tr").first.inner_text()
    press(page, "languages", "mean")
    assert "mean of all 112 languages" in page.locator(".subtitle").inner_text()
    assert page.locator(".languages input:checked").count() == 1
    press(page, "segments", "sts")
    assert page.locator(".lead h2").inner_text() == "Which model rates similarity best?"
    assert page.locator(".subtitle").inner_text().startswith("STS correlation with human ratings, English: ")
    assert page.url.endswith("#board=sts")


def test_a_link_reproduces_the_view(opened: Opener, page: Page, board: str) -> None:
    press(page, "segments", "sts")
    press(page, "languages", "ko")
    find(page, LABSE).press("Enter")
    find(page, "muse").press("Enter")
    other = opened_again(opened, page, board)
    other.goto(page.url.split("#")[0] + "#board=none&lang=xx&pin=nobody&at=nowhere")
    assert other.locator(".point").count() >= 190 and other.locator(".pins button").count() == 0


def test_a_link_reproduces_the_order_and_filters_of_the_tables(opened: Opener, page: Page, board: str) -> None:
    for heading in ("Korean", "Korean"):  # the second click reverses
        page.locator("#models thead button", has_text=heading).click()
    page.locator("#overview thead button", has_text="parameters").click()
    task = page.locator("section.task", has=page.locator("h3", has_text="KorSTS"))
    task.locator(".table thead button").nth(1).click()
    task.locator("details.reported summary").click()
    task.locator("details.reported thead button").first.click()
    page.locator("#models .more").click()
    page.locator("#filter-model").fill("SMALL")
    page.locator("#filter-language").select_option(label="Korean")
    page.locator("#cost select").select_option(label="KorSTS")
    page.locator("#matrix select").nth(1).select_option(label="google/muse-v3")
    page.locator("#by-language .choices input").first.click()
    find(page, "e5-large")
    assert len(page.locator("#models tbody tr").all()) > 100
    other = opened_again(opened, page, board)
    assert other.locator(".point.hit").count() > 1 and other.locator(".suggestions").is_hidden()
    other.goto(page.url.split("#")[0] + "#task.none.sort=x&models.sort=nothing&models.rows=many&filter.task=none")
    assert other.locator("#models tbody tr").count() == 100 and other.locator("section.task:visible").count() > 8


def test_every_control_has_a_name_and_the_keyboard_reaches_it(page: Page) -> None:
    for details in page.locator("details").all():
        details.evaluate("node => node.open = true")
    tree = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, select, summary, svg[tabindex], .scroll")]
          .filter((node) => node.checkVisibility())
          .map((node) => {
            const own = node.getAttribute("aria-label") ?? "";
            const label = [...(node.labels ?? [])].map((each) => each.innerText || each.textContent).join(" ");
            const text = /^(A|BUTTON|SUMMARY)$/.test(node.tagName) ? node.textContent : "";
            return [(own || label || text).trim(), node.tabIndex, node.outerHTML.slice(0, 90)];
          })"""
    )
    assert len(tree) > 300
    assert [html for name, _, html in tree if not name] == []
    assert [html for _, place, html in tree if place != 0] == []


def test_the_keyboard_moves_between_models_and_pins(page: Page) -> None:
    page.locator(".languages input").last.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "svg"
    page.keyboard.press("ArrowUp")
    said = page.locator("#models output").inner_text()
    assert said.startswith(page.locator("#models tbody th").first.inner_text())
    page.keyboard.press("ArrowDown")
    second = page.locator("#models output").inner_text()
    assert second != said and re.search(r"\d\d\.\d\d \(\d\d\.\d\d–\d\d\.\d\d\)", second)
    page.keyboard.press("Enter")
    assert page.locator(".pins button").get_attribute("aria-label") == f"Unpin {second.split(':')[0]}"
    assert page.evaluate("document.activeElement.tagName") == "svg"
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    page.keyboard.press("Enter")
    assert page.locator(".pins button").count() == 0


def test_on_a_phone_the_chart_fits_and_a_tap_pins(opened: Opener, board: str) -> None:
    page = opened(board, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    wide = page.locator("#models *, header *").evaluate_all(
        "all => all.filter((x) => !x.closest('.scroll, caption, nav a') && x.getBoundingClientRect().right > 390.5)"
    )
    assert wide == []
    small = page.locator(".lead label, nav a, .answers button, .pins button").evaluate_all(
        "all => all.filter((x) => x.getBoundingClientRect().height < 24).length"
    )
    assert small == 0
    plot = page.locator(".plot svg").bounding_box()
    assert plot is not None and plot["y"] < 844 / 3 and plot["y"] + plot["height"] < 844, "the first screen has it all"
    page.locator(".plot svg").scroll_into_view_if_needed()
    x, y = point(page, LABSE)
    page.touchscreen.tap(x, y)
    assert page.locator(".pins button").count() == 1


def test_the_chart_follows_dark_and_light(page: Page) -> None:
    color = "getComputedStyle(document.querySelector('.point.measured')).fill"
    light = page.evaluate(color)
    page.emulate_media(color_scheme="dark")
    assert (light, page.evaluate(color)) == ("rgb(27, 26, 24)", "rgb(240, 237, 232)")


def test_a_task_that_only_others_measured_has_its_tables(page: Page, scores: list[ScoreRow]) -> None:
    section = page.locator("section.task", has=page.locator("h3", has_text=re.compile("^BUCC.v2$")))
    section.locator("summary", has_text="mteb_accuracy").click()
    table = section.locator("table").first
    table.locator("thead button").first.wait_for()
    page.locator("#filter-model").fill("LaBSE")
    heads = table.locator("thead button").all_inner_texts()
    row = table.locator("tbody tr", has_text="sentence-transformers/LaBSE")
    labse = {r.measure.subset: r for r in scores if r.model == LABSE and r.measure.metric == "mteb_accuracy"}
    for subset in ("de-en", "fr-en", "ru-en", "zh-en"):
        assert row.locator("td").nth(heads.index(subset) - 1).inner_text() == percent(labse[subset].value)
    page.locator("#filter-language").select_option(label="Korean")
    assert section.is_hidden()
    page.locator("#filter-language").select_option(label="Russian")
    page.locator("#filter-task").select_option("BUCC.v2")
    assert section.is_visible() and page.locator("section.task:visible").count() == 1


def test_halves_and_ties_are_those_of_the_other_outputs(page: Page) -> None:
    """E5 large has exactly 94.525; multilingual MPNet and another model of its size have exactly 94.475."""
    best = page.locator("#models .pin", has_text="best, 150 to 400 M")
    assert best.locator(".who").inner_text() == "paraphrase-multilingual-mpnet-base-v2"
    assert best.locator(".value").inner_text() == "94.48"
    row = page.locator("#models tbody tr", has_text="intfloat/multilingual-e5-large").filter(has_text="94.53")
    assert row.count() == 1


def test_a_page_of_published_scores_only(opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without results of our own, the chart and the tables of published scores are there, and nothing empty is."""
    monkeypatch.chdir(tmp_path)
    assert main(["leaderboard", "--format", "html", "--output", "page.html"]) == 0
    alone = opened((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert alone.locator(".point").count() >= 190
    for hidden in ("overview", "cost", "by-language", "matrix", "training", "errors"):
        assert not alone.locator(f"#{hidden}").is_visible()
        assert not alone.locator(f'nav a[href="#{hidden}"]').is_visible()
    assert alone.locator("#tasks h3", has_text="BUCC.v2").is_visible()
    alone.locator("#filter-task").select_option("JSTS")
    assert alone.locator("#tasks section:visible").count() == 1
    assert "Published scores only" in alone.locator("#made").inner_text()
