"""`python -m tests.benchmarks [--quick] [NAME ...]`: measure all or some claims on speed and memory."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from .claims import Claim, Measured, Setup, Skipped

BENCHMARKS = (
    *("encode", "laser", "flores", "flores-all", "warm", "memory", "neighbors", "board", "page", "suite", "mine"),
    *("train", "precision", "filters", "ranks", "roofline", "growth", "start", "gpu"),
)


def main(argv: list[str]) -> int:
    arguments = make_parser().parse_args(argv)
    data = Path(__file__).parents[2].parent / "shared" / "data"
    models = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models")
    print(machine(), flush=True)
    found: dict[str, list[Claim | Skipped]] = {}
    for name in arguments.names or BENCHMARKS:
        measure = import_module(f".{name.replace('-', '_')}", __package__).measure
        with tempfile.TemporaryDirectory() as scratch:
            found[name] = run(name, measure(Setup(data, models / "e5-small-q4", Path(scratch), arguments.quick)))
        if arguments.json:
            arguments.json.write_text(as_json(found), encoding="utf-8")
    return 0 if all(claim.holds for claims in found.values() for claim in claims if isinstance(claim, Claim)) else 1


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the claims to FILE")
    return parser


def machine() -> str:
    """Describe the CPU, because a claim holds for one CPU only."""
    import torch

    from bitext_bench.scoring.bf16 import has_bf16_hardware

    name = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    bf16 = "bf16 hardware" if has_bf16_hardware() else "no bf16 hardware"
    cores = f"{len(os.sched_getaffinity(0))} cores"
    gpu = [torch.cuda.get_device_name()] if torch.cuda.is_available() else []
    return ", ".join([name[1] if name else "unknown CPU", cores, torch.backends.cpu.get_cpu_capability(), bf16, *gpu])


def run(name: str, measured: Measured) -> list[Claim | Skipped]:
    """Print each claim as it is made, and the seconds in the end; return the claims."""
    start = time.perf_counter()
    found = []
    for claim in measured:
        print(f"{name}: {claim}", flush=True)
        found.append(claim)
    print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return found


def as_json(found: dict[str, list[Claim | Skipped]]) -> str:
    """Return the machine and all claims as JSON; a skipped one has a reason instead of a value."""
    claims = [
        {"benchmark": name, **vars(claim)} | ({"holds": claim.holds} if isinstance(claim, Claim) else {})
        for name, some in found.items()
        for claim in some
    ]
    return json.dumps({"machine": machine(), "claims": claims}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
