"""The same command twice: the second run finds every vector in the store."""

from __future__ import annotations

from .claims import Claim, Measured, Setup
from .processes import run_bitext_bench


def measure(setup: Setup) -> Measured:
    work = ("Tatoeba", "--languages", "en", "fr") if setup.quick else ("Tatoeba", "FLORES-200")
    command = [
        *("run", "--model", str(setup.model), "--prompt", "query: ", "--data", str(setup.data), "--tasks", *work),
        *("--cache-folder", str(setup.scratch / "cache"), "--output", str(setup.scratch / "results")),
    ]
    first, second = (run_bitext_bench(command)[0] for _ in range(2))
    detail = f"{first:.1f} s and {second:.1f} s, whole process"
    yield setup.at_full_size(Claim("first run / second run", first / second, 20, detail=detail))
