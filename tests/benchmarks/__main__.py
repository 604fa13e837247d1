"""`python -m tests.benchmarks [NAME ...]`: measure all or some claims on speed and memory.

Needs ../shared/data and the encoders of ../shared/models/get_models.py (in $BITEXT_MODELS, by default
~/.cache/bitext-models). Exits with status 1 if a claim does not hold. Run it on an idle machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from . import (
    board,
    encode,
    filters,
    flores,
    flores_all,
    laser,
    memory,
    mine,
    neighbors,
    page,
    precision,
    ranks,
    roofline,
    suite,
    train,
    warm,
)
from .claims import Claim

BENCHMARKS: dict[str, Callable[[Path, Path, Path], Iterable[Claim]]] = {
    "encode": encode.measure,
    "laser": laser.measure,
    "flores": flores.measure,
    "flores-all": flores_all.measure,
    "warm": warm.measure,
    "memory": memory.measure,
    "neighbors": neighbors.measure,
    "board": board.measure,
    "page": page.measure,
    "suite": suite.measure,
    "mine": mine.measure,
    "train": train.measure,
    "precision": precision.measure,
    "filters": filters.measure,
    "ranks": ranks.measure,
    "roofline": roofline.measure,
}


def main(names: list[str]) -> int:
    if names == ["shape"]:  # figures of the code, which need no data and no encoder
        from .shape import main as print_shape

        return print_shape()
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        print(
            f"unknown benchmark {', '.join(unknown)}: expected some of {', '.join(BENCHMARKS)}, or shape alone",
            file=sys.stderr,
        )
        return 2
    data = Path(__file__).parents[2].parent / "shared" / "data"
    models = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models")
    failed = 0
    for name in names or list(BENCHMARKS):
        with tempfile.TemporaryDirectory() as scratch:
            for claim in BENCHMARKS[name](data, models / "e5-small-q4", Path(scratch)):
                print(f"{name}: {claim}", flush=True)
                failed += not claim.holds
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
