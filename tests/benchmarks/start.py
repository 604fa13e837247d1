"""The seconds before a command does its work: whole processes, warm, with every vector stored or none."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from statistics import median

from .board import make_results
from .claims import Claim, Measured, Setup
from .processes import run_bitext_bench, run_process

RESULTS = Path(__file__).parents[2] / "results"
_ROUNDS = 5
_DIRECTORIES = 150
# Ends the process where it would encode the first batch.
_UNTIL_ENCODING = """
import os, sys, time
from bitext_bench.__main__ import start
from bitext_bench.embedding.embedder import Embedder
def begins(*_):
    print(time.time() - float(os.environ["STARTED"]), flush=True)
    os._exit(0)
Embedder._encode_shards = begins
sys.exit(start())
"""
_LOADED = """
import os, sys, time
from sentence_transformers import SentenceTransformer
SentenceTransformer(sys.argv[1], device="cpu", local_files_only=True)
print(time.time() - float(os.environ["STARTED"]), flush=True)
"""


def measure(setup: Setup) -> Measured:
    rounds = 2 if setup.quick else _ROUNDS
    places = ["--cache-folder", str(setup.scratch / "cache"), "--output", str(setup.scratch / "results")]
    run = ["run", "--model", str(setup.model), "--data", "mini", *places]
    run_bitext_bench(run)
    n = len({file.parent for file in RESULTS.rglob("*.json")})
    more = setup.scratch / "more"
    shutil.copytree(RESULTS, more)
    make_results(more, _DIRECTORIES - n)
    board = ["leaderboard", "--include", "experiments", "--output", str(setup.scratch / "board.md"), "--results"]
    compare = ["compare", "muse", "local/best-small", "--results", str(RESULTS)]
    for what, command, bound in (
        ("run --data mini, every vector stored, s", run, 3),
        (f"leaderboard of {n} result directories, statistics stored, s", [*board, str(RESULTS)], 2),
        (f"leaderboard of {_DIRECTORIES} result directories, statistics stored, s", [*board, str(more)], 2),
        ("compare of two models, s", compare, 2),
    ):
        run_bitext_bench(command)  # stores vectors or statistics
        times = [run_bitext_bench(command)[0] for _ in range(rounds)]
        yield Claim(what, median(times), bound, at_least=False)
    cold = [*run[:-3], str(setup.scratch / "empty"), *run[-2:]]
    pairs = [(_printed(_UNTIL_ENCODING, cold), _printed(_LOADED, [str(setup.model)])) for _ in range(rounds)]
    ours, theirs = (median(seconds) for seconds in zip(*pairs, strict=True))
    ratio = median(a / b for a, b in pairs)
    detail = f"({ours:.1f} and {theirs:.1f} s)"
    what = "until a first run encodes, x loading with sentence-transformers"
    yield Claim(what, ratio, 1.3, at_least=False, detail=detail)


def _printed(script: str, arguments: list[str]) -> float:
    command = [sys.executable, "-c", script, *arguments]
    return float(run_process(command, STARTED=str(time.time()))[1].split()[-1])
