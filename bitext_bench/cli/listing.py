"""`bitext-bench list`: tables of models, tasks and languages. Imports nothing slow."""

from __future__ import annotations

from tabulate import tabulate

from ..baselines import BASELINES
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
