"""Where the corpora of training data are published, and their licenses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bitext_bench.errors import UserError

from ..recipe import read_tables, validate_settings

_README = "README.md"
_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING")
_NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial|\bacademic\b|research use|research only", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """What a recipe says about a corpus, in its table `[sources.NAME]`.

    Attributes:
        url: where it is published.
        license: an SPDX identifier, or else the terms in a few words.
        version: the published version or date; empty if it has none.
        files: the published files, and how to make a file of pairs of them if `train` does not read them.
    """

    url: str
    license: str = ""
    version: str = ""
    files: str = ""


def read_sources(recipe: str) -> dict[str, Source]:
    """Return what a recipe says about corpora, by their name; `sources = "NAME"` takes the tables of another recipe.

    Raises:
        UserError: a recipe cannot be read, or a table has no url, an unknown key or a value of another type.
    """
    tables = read_tables(recipe).get("sources", {})
    if isinstance(tables, str):
        tables = read_tables(tables).get("sources", {})
    if not isinstance(tables, dict) or not all(isinstance(x, dict) and "url" in x for x in tables.values()):
        raise UserError(f"the recipe {recipe}: expected tables [sources.NAME], each with a url")
    return {corpus: Source(**validate_settings(Source, given)) for corpus, given in tables.items()}


def is_non_commercial(license_name: str) -> bool:
    """Return whether a license names a restriction to non-commercial, academic or research use.

    >>> is_non_commercial("CC-BY-NC-SA-4.0"), is_non_commercial("CC-BY-SA-4.0")
    (True, False)
    """
    return bool(_NON_COMMERCIAL.search(license_name))


def stated_license(file: Path, root: Path) -> str | None:
    """Return the license of a file of pairs: `license` in the metadata of a README.md, or a LICENSE file's first line.

    Args:
        file: the file of pairs.
        root: the data directory. The search begins in the file's directory and goes up to `root`.

    Returns:
        The license, or None if no directory states one.
    """
    for folder in file.parents:
        if found := _of_card(folder / _README) or _of_text(folder):
            return found
        if folder == root:
            break
    return None


def _of_card(readme: Path) -> str | None:
    from huggingface_hub import metadata_load
    from yaml import YAMLError  # type: ignore[import-untyped]

    try:
        metadata = metadata_load(readme) or {}
    except (OSError, ValueError, YAMLError, RecursionError):
        return None  # not a model or dataset card
    given = metadata.get("license")
    names = given if isinstance(given, list) else [given]
    # With "other", `license_name` has the license.
    texts = [str(metadata.get("license_name") or name) if name == "other" else str(name) for name in names if name]
    return ", ".join(texts) or None


def _of_text(folder: Path) -> str | None:
    for name in _FILES:
        try:
            lines = (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        if first := next((line.strip() for line in lines if line.strip()), None):
            return first[:100]
    return None
