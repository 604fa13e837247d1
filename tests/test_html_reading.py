"""The page in a browser: links, phones, keyboard, and names that are never run as code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made_results import HOSTILE

from bitext_bench.io.terminal import printable

if TYPE_CHECKING:
    from playwright.sync_api import Browser

from pages import SCRIPT, Opener, draw


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_link_to_a_section_shows_its_heading(opened: Opener, width: int) -> None:
    """Charts above the target are drawn, and grow, only when they come into view; motion is not reduced."""
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
def test_a_reader_can_scroll_away_from_a_link(opened: Opener) -> None:
    page = opened()
    page.locator("nav a[href='#training']").click()
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(1000)
    assert page.locator("#training h2").evaluate("heading => heading.getBoundingClientRect().top") > 300


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
def test_the_policy_blocks_requests_and_other_scripts(browser: Browser, page_text: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page_text, encoding="utf-8")
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
             .filter((node) => !node.closest(".scroll, svg, caption, .choices, nav a"))
             .filter((node) => node.getBoundingClientRect().right > 390.5)
             .map((node) => node.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    assert page.locator("#overview .scroll").evaluate("box => box.scrollWidth > box.clientWidth")


@pytest.mark.browser
def test_every_control_has_a_name_and_the_keyboard_reaches_it(opened: Opener) -> None:
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
