"""The license of a corpus, from the files next to it, for the model card."""

from __future__ import annotations

from pathlib import Path

_README = "README.md"
_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING")


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
