"""Peak memory of scoring 100,000 x 100,000 vectors of 384 dimensions, in a separate process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .claims import Claim

_SCRIPT = """
import resource, time
import numpy as np
from bitext_bench.data import Bitext, Provenance
from bitext_bench.languages import LangPair
from bitext_bench.tasks import find_task

generator = np.random.default_rng(0)
def vectors():
    rows = generator.standard_normal((100_000, 384), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows
texts = tuple(map(str, range(100_000)))
bitext = Bitext(texts, texts, Provenance("random", "0" * 64))
sides = [vectors(), vectors()]
start = time.perf_counter()
find_task("Tatoeba")._unit(bitext, LangPair.parse("fr-en")).score(sides)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, time.perf_counter() - start)
"""


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], check=True, capture_output=True, text=True)
    peak, seconds = map(float, done.stdout.split())
    detail = f"GiB, in {seconds:.0f} s"
    return [Claim("peak memory", peak, 1.5 * 1e9 / 2**30, at_least=False, detail=detail)]
