"""Assemble the page from its data, scripts and styles, with a content security policy that forbids all requests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from bitext_bench.errors import UserError, install_hint
from bitext_bench.io.page import read_style

from ..entries.read import ResultSet
from ..tables.ranking import RankingTable
from ..tables.scores import ScoreRow
from .content import page_content

# In load order: later files use definitions of earlier ones.
_STYLES = ("figures", "explorer", "narrow")  # after those of all pages
_SCRIPTS = (
    "dom", "settings", "table", "chart", "scores", "labels", "plot", "explorer", "models", "chooser", "cost",
    "bylanguage", "matrix", "training", "tasks", "errors", "page", "anchors",
)  # fmt: skip
_VEGA_LITE = "6.4"  # the version that the charts are written for


def render_page(
    tables: Sequence[RankingTable],
    found: ResultSet,
    root: Path,
    misses: Sequence[Mapping[str, Any]] = (),
    common: Sequence[ScoreRow] = (),
) -> str:
    """Return the whole page; the same results give the same text.

    Args:
        tables: the tables of `make_leaderboard`.
        found: the results in the tables.
        root: the results folder.
        misses: the records of `error_records`.
        common: the scores of `score_rows`, for the main chart; without them the page has none.

    Raises:
        UserError: the library for the charts is not installed.
    """
    library = _escape_script(_charts_library())
    code = _escape_script("(() => {\n" + "\n".join(_read(f"{name}.js") for name in _SCRIPTS) + "})();\n")
    return Template(_read("page.html")).substitute(
        hashes=" ".join(f"'sha256-{_digest(script)}'" for script in (library, code)),
        style=read_style() + "\n".join(_read(f"{name}.css") for name in _STYLES),
        data=escape_json(page_content(tables, found, root, misses, common)),
        library=library,
        code=code,
    )


def escape_json(value: object) -> str:
    """Return JSON for an HTML script element, with the characters escaped that could end the element or begin a tag."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate({ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


@cache
def _charts_library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script.

    Raises:
        UserError: the package is not installed.
    """
    try:
        from vl_convert import javascript_bundle
    except ImportError as error:
        raise UserError(f"the page needs a package ({error}): {install_hint('page')}") from error
    return javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=_VEGA_LITE)


def _read(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _escape_script(script: str) -> str:
    """Escape the strings in a script that could end its HTML element."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
