"""The same command twice: the second run finds every vector in the store."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from .claims import Claim


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    command = [
        *(sys.executable, "-m", "bitext_bench", "run", "--model", str(model_folder), "--prompt", "query: "),
        *("--data", str(data), "--tasks", "Tatoeba", "FLORES-200"),
        *("--cache-folder", str(scratch / "cache"), "--output", str(scratch / "results")),
    ]
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    detail = f"{seconds[0]:.1f} s and {seconds[1]:.1f} s, whole process"
    return [Claim("first run / second run", seconds[0] / seconds[1], 20, detail=detail)]
