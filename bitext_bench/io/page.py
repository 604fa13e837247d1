"""HTML pages that are one file: their styles, and a policy that forbids all requests."""

from __future__ import annotations

from html import escape
from importlib import resources
from string import Template

from .terminal import show_controls

_STYLES = ("colors", "page", "tables")
_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
$style</style>
</head>
<body>
$body</body>
</html>
""")


def read_style(*names: str) -> str:
    """Return the styles that all pages have in common, and others of this package by name."""
    folder = resources.files(__package__).joinpath("styles")
    return "".join(folder.joinpath(f"{name}.css").read_text(encoding="utf-8") + "\n" for name in (*_STYLES, *names))


def static_page(title: str, style: str, body: str) -> str:
    """Return a page without scripts.

    Args:
        title: any text.
        style: CSS.
        body: HTML.
    """
    return _PAGE.substitute(title=plain(title), style=style, body=body)


def plain(text: str) -> str:
    """Return any text as HTML, with control characters and direction marks made visible."""
    return escape(show_controls(text))
