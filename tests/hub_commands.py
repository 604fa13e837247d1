"""Run commands of the product at the same time, each in a fork of one process that has imported the libraries.

Usage: python hub_commands.py '[["run", "--model", ...], ...]'; prints a list of [exit code, stderr, seconds].
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import huggingface_hub.hf_api  # noqa: F401
import mteb
import sentence_transformers  # noqa: F401
import torch

from bitext_bench.cli.main import main

_AT_ONCE = 8


def start(command: Sequence[str], output: Path) -> int:
    """Start a command in a fork whose output goes to a file, and return its process id."""
    child = os.fork()
    if child:
        return child
    with output.open("wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        code = 70  # an error of the product: its traceback is in the file
        try:
            code = main(command)
        finally:
            sys.stderr.flush()
            os._exit(code)


def run(commands: Sequence[Sequence[str]]) -> list[tuple[int, str, float]]:
    """Run commands, and return exit code, output and seconds of each."""
    found: dict[int, tuple[int, str, float]] = {}
    running: dict[int, tuple[int, float]] = {}
    waiting = list(enumerate(commands))
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            while waiting and len(running) < _AT_ONCE:
                i, command = waiting.pop(0)
                running[start(command, Path(folder, str(i)))] = i, time.monotonic()
            process, status = os.wait()
            i, began = running.pop(process)
            output = Path(folder, str(i)).read_text(encoding="utf-8")
            found[i] = os.waitstatus_to_exitcode(status), output, time.monotonic() - began
    return [found[i] for i in range(len(commands))]


if __name__ == "__main__":
    torch.set_num_threads(1)
    mteb.get_task("STS12")
    print("\nRESULT" + json.dumps(run(json.loads(sys.argv[1]))))
