"""Time and peak memory of whole processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable

# Of this process only: getrusage can report the peak of the parent.
_PEAK = """
import re
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""
_BITEXT_BENCH = """
import sys
from bitext_bench.cli.main import main
if main(sys.argv[1:]):
    sys.exit(1)
"""


def run_bitext_bench(arguments: Iterable[str]) -> tuple[float, float]:
    """Run our command; return the seconds, and the peak memory in bytes."""
    return run_script(_BITEXT_BENCH, arguments)


def run_script(script: str, arguments: Iterable[str] = ()) -> tuple[float, float]:
    """Run a Python script in a process of its own; return the seconds, and the peak memory in bytes."""
    seconds, printed = run_process([sys.executable, "-c", script + _PEAK, *arguments])
    return seconds, float(printed.split()[-1]) * 1024


def run_process(command: list[str], **environment: str) -> tuple[float, str]:
    """Return the seconds of a command, and what it prints."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    return time.perf_counter() - start, done.stdout
