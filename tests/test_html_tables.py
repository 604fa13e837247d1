"""Tables of the page in a browser: sorted, filtered, and fast with many models."""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    pass

from pages import Opener, column, page_of, section, synthetic


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
    assert values == sorted(values, reverse=True)  # best first
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
def test_contaminated_results_are_marked_and_have_no_rank(opened: Opener) -> None:
    page = opened()
    own = section(page, "Mini-Tatoeba")
    row = own.locator("tbody tr", has_text="org/checkpoint")
    assert row.locator("td").first.inner_text() == "–"
    assert "contamination: unchecked" in row.inner_text()
    assert row.locator("strong, u").count() == 0
    assert "have no rank" in own.locator("p.note").first.inner_text()
    in_overview = page.locator("#overview tbody tr", has_text="org/checkpoint").inner_text()
    assert not re.search(r"\d\d\.\d\d", in_overview), "its only mean is not shown with clean ones"


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
    page.locator("#overview tbody tr").nth(499).wait_for(state="attached")
    rows_after_click = """() => {
      document.querySelectorAll("#overview thead button")[1].click();
      return document.querySelectorAll("#overview tbody tr").length;
    }"""
    assert page.evaluate(rows_after_click) == 100  # the first rows are there at once
    page.locator("#overview tbody tr").nth(499).wait_for(state="attached")
    cells = page.locator("#overview tbody td:nth-child(2)").evaluate_all("all => all.map((x) => x.innerText)")
    values = [float(text.split()[0]) for text in cells]
    assert values == sorted(values, reverse=True) and len(values) == 500
    page.locator("#filter-model").fill("model-49")
    assert page.locator("#overview tbody tr").count() == 11
