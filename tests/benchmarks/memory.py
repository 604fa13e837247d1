"""Peak memory of scoring 100,000 x 100,000 vectors of 384 dimensions, in a process of its own."""

from __future__ import annotations

from .claims import Claim, Measured, Setup
from .processes import run_script

_SCRIPT = """
import sys
import numpy as np
from bitext_bench.data import Bitext, Provenance
from bitext_bench.languages import LangPair
from bitext_bench.tasks import find_task

rows, generator = int(sys.argv[1]), np.random.default_rng(0)
def vectors():
    found = generator.standard_normal((rows, 384), dtype=np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found
texts = tuple(map(str, range(rows)))
bitext = Bitext(texts, texts, Provenance("random", "0" * 64))
find_task("Tatoeba")._unit(bitext, LangPair.parse("fr-en")).score([vectors(), vectors()])
"""


def measure(setup: Setup) -> Measured:
    rows = 10_000 if setup.quick else 100_000
    seconds, peak = run_script(_SCRIPT, [str(rows)])
    detail = f"({rows:,} x {rows:,}, in {seconds:.0f} s)"
    yield setup.at_full_size(Claim("peak memory, GB", peak / 1e9, 1.5, at_least=False, detail=detail))
