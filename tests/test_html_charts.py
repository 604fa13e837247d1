"""Charts of the page in a browser: axes, names, colors, tips, and a table for every figure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bitext_bench.results.tables import percent
from leaderboard.entries.read import read_results

if TYPE_CHECKING:
    pass

from pages import Opener, column, draw, luminance, page_of, synthetic

SPREAD = [4.78, 86.17, 88.93, 90.53, 90.55, 91.2, 91.3, 91.6, 91.9, 92.0, 93.77, 93.81]


def scattered() -> str:
    """Return a page with one model far behind the others."""
    registered = {"registered": "muse", "parameters": None}
    entries = []
    for place, value in enumerate(SPREAD):
        name = f"org/a-model-with-a-name-{place}"
        timed = {"sentences": 30_000, "tokens": 9, "seconds": 100.0 + place % 4, "device": "cpu", "cores": 2}
        size = {"fingerprint": name, "parameters": 10**6 * (60 + place % 5)}
        subsets = [("fr-en", ["fra-Latn", "eng-Latn"])]
        entries.append(synthetic(name, "Tatoeba", subsets, value / 100, encoding=timed, about=registered | size))
    return page_of(entries)


@pytest.mark.browser
def test_one_model_far_behind_does_not_squeeze_the_others(opened: Opener) -> None:
    page = opened(scattered())
    chart = draw(page, "cost")
    labels = chart.locator(".role-axis-label").nth(1).locator("text").all_text_contents()
    ticks = [float(label) for label in labels]
    assert min(ticks) > 84 and max(ticks) < 96, ticks
    note = page.locator("#cost figure .note").first.inner_text()
    assert "have scores below the axis: org/a-model-with-a-name-0 (4.78)" in note
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
def test_the_color_scale_spans_the_shown_scores(opened: Opener) -> None:
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
def test_the_heat_map_has_tooltips(opened: Opener, page_results: Path) -> None:
    page = opened()
    chart = draw(page, "matrix")
    page.locator("#matrix select").first.select_option(label="Mini-xSIM")
    page.wait_for_timeout(500)
    shown_model = page.locator("#matrix select").nth(1).locator("option:checked").inner_text()
    entry = next(e for e in read_results(page_results).entries if e.task == "Mini-xSIM" and e.label == shown_model)
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
def test_every_figure_has_a_table(opened: Opener) -> None:
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
    assert dark[0] == "rgb(22, 21, 19)" and light[0] == "rgb(251, 250, 248)"
    assert dark[1] == "#bbb5ab" and light[1] == "#57524b"
