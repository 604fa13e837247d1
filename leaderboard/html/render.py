"""One file: the data as JSON, the charts' library, our script and style, and a policy that forbids every request."""

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

from bitext_bench.errors import UserError

from ..entries.read import ResultSet
from ..tables.ranking import RankingTable
from .content import page_content

# One after the other, in this order; later ones use what earlier ones define.
_STYLES = ("colors", "page", "tables", "figures", "narrow")
_SCRIPTS = (
    "dom", "table", "chart", "chooser", "cost", "bylanguage", "matrix", "training", "tasks", "errors", "page",
    "anchors",
)  # fmt: skip
_VEGA_LITE = "6.4"  # what the charts are written for


def render_page(
    tables: Sequence[RankingTable], found: ResultSet, root: Path, misses: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Return the whole page; the same results give the same text.

    Args:
        tables: as `board.tables` returns them.
        found: the results that they were made of.
        root: the results folder.
        misses: what the error browser shows: task, subset, direction, row, model, source, gold, rival, margin, kinds.

    Raises:
        UserError: the charts' library is not installed.
    """
    library = _escape_script(_charts_library())
    code = _escape_script("(() => {\n" + "\n".join(_read(f"{name}.js") for name in _SCRIPTS) + "})();\n")
    return Template(_read("page.html")).substitute(
        hashes=" ".join(f"'sha256-{_digest(script)}'" for script in (library, code)),
        style="\n".join(_read(f"{name}.css") for name in _STYLES),
        data=escape_json(page_content(tables, found, root, misses)),
        library=library,
        code=code,
    )


def escape_json(value: object) -> str:
    """Return JSON that can stand in an HTML script element: no character of it can end the element or begin a tag."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate({ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


@cache
def _charts_library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script.

    Raises:
        UserError: the package that brings them is not installed.
    """
    try:
        from vl_convert import javascript_bundle
    except ImportError as error:
        raise UserError(
            f'the page needs the package with its charts ({error}): pip install "bitext-bench[page]"'
        ) from error
    return javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=_VEGA_LITE)


def _read(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _escape_script(script: str) -> str:
    """Return a script in which no string can end the HTML element that holds it."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
