"""`python -m tests.benchmarks [--quick] [NAME ...]`: measure all or some claims on speed and memory."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from .claims import Claim, Measured, Setup

BENCHMARKS = (
    *("encode", "laser", "flores", "flores-all", "warm", "memory", "neighbors", "board", "page", "suite", "mine"),
    *("train", "precision", "filters", "ranks", "roofline"),
)


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    data = Path(__file__).parents[2].parent / "shared" / "data"
    models = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models")
    print(machine(), flush=True)
    failed = 0
    for name in arguments.names or BENCHMARKS:
        measure = import_module(f".{name.replace('-', '_')}", __package__).measure
        with tempfile.TemporaryDirectory() as scratch:
            failed += run(name, measure(Setup(data, models / "e5-small-q4", Path(scratch), arguments.quick)))
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks",
        description="Measure claims on speed and memory, each with its bound. The exit status is 1 if one fails.",
        epilog="Needs ../shared/data and the encoders of ../shared/models/get_models.py, in $BITEXT_MODELS (default: "
        "~/.cache/bitext-models). Run it on an idle machine.",
    )
    parser.add_argument(
        "names", nargs="*", choices=BENCHMARKS, metavar="NAME", help=f"(default: all) {', '.join(BENCHMARKS)}"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small sizes, about 30 seconds for each benchmark. The bounds are the same, and claims are noisier: one "
        "may fail here and hold at full size. Values whose bounds need the full size are only printed",
    )
    return parser


def machine() -> str:
    """Describe the CPU, because a claim holds for one CPU only."""
    import torch

    from bitext_bench.scoring.bf16 import has_bf16_hardware

    name = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    bf16 = "bf16 hardware" if has_bf16_hardware() else "no bf16 hardware"
    cores = len(os.sched_getaffinity(0))
    return f"{name[1] if name else 'unknown CPU'}, {cores} cores, {torch.backends.cpu.get_cpu_capability()}, {bf16}"


def run(name: str, measured: Measured) -> int:
    """Print each claim as it is made, and the seconds in the end; return how many claims do not hold."""
    start = time.perf_counter()
    failed = 0
    for claim in measured:
        print(f"{name}: {claim}", flush=True)
        failed += isinstance(claim, Claim) and not claim.holds
    print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
