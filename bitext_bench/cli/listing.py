"""`bitext-bench list`: tables of models, tasks and languages. Imports nothing slow."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from ..baselines import BASELINES
from ..errors import UserError
from ..languages import languages


def render_list(what: str) -> str:
    """Return a table of "models", "tasks" or "languages"."""
    if what == "models":
        return tabulate(
            [
                [b.name, b.checkpoint, f"{b.parameters / 1e6:.0f} M", b.dimensions, repr(b.prompt), b.license]
                for b in BASELINES.values()
            ],
            headers=["name", "checkpoint", "size", "dimensions", "bitext prompt", "license"],
            disable_numparse=True,
        )
    if what == "languages":
        rows = [[x.code, x.tatoeba, x.flores, x.name] for x in languages().values()]
        return tabulate(rows, headers=["code", "Tatoeba", "FLORES-200", "name"], disable_numparse=True)
    from ..tasks import TASKS

    rows = [[t.name, t.kind, t.split, t.description] for t in TASKS.values()]
    return tabulate(rows, headers=["name", "kind", "split", "what it measures"], disable_numparse=True)


def render_mteb(words: Sequence[str], names: Sequence[str] | None, max_size: str | None) -> str:
    """Return a table of the text encoders in mteb's registry that fit.

    Args:
        words: As in `search_mteb`.
        names: Languages that a model must name; None for any.
        max_size: Largest number of parameters, as text; None for any.

    Raises:
        UserError: No model fits, a language is unknown, or the size is not a number.
    """
    from ..encoders import needs, parse_size, search_mteb
    from ..tasks.choices import parse_languages

    wanted = (parse_languages(names) or []) if names else []
    found = search_mteb(words, parse_size(max_size) if max_size else None, wanted)
    if not found:
        raise UserError("no text encoder in mteb's registry fits: leave out a word or a language, or raise --max-size")
    rows = [
        [
            record.name,
            f"{record.parameters / 1e6:,.0f} M" if record.parameters else "?",
            _dimensions(record.meta.embed_dim),
            len(record.meta.languages or []) or "?",
            "bitext-bench" if record.is_plain else "mteb",
            needs(record),
            record.meta.license or "?",
        ]
        for record in found
    ]
    headers = ["model", "size", "dimensions", "languages", "run by", "needs", "license"]
    table = tabulate(rows, headers=headers, disable_numparse=True)
    return f"{table}\n{len(rows)} models"


def _dimensions(given: int | Sequence[int] | None) -> str:
    sizes = [given] if isinstance(given, int) else list(given or [])
    return "?" if not sizes else str(sizes[0]) if len(sizes) == 1 else f"{min(sizes)} to {max(sizes)}"
