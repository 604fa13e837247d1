"""Runs of the product in processes of their own against the hub of ../shared/tools, which can be told to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


@contextmanager
def serving(root: Path, *faults: Sequence[str]) -> Iterator[Any]:
    """Serve what lies below `root` while the block lasts: `.url`, and `.requests`, which says what was asked for.

    A fault is (pattern of "METHOD /path", action), as hub_server.py explains them.
    """
    sys.path.append(str(SHARED / "tools"))
    try:
        from hub_server import Hub  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(SHARED / "tools"))
    with Hub(root, faults=faults) as hub:
        yield hub


def fill(root: Path) -> None:
    """Put the data sets, the two real encoders and a tiny model for each registered one below `root` (1.1 GB)."""
    models = os.environ.get("BITEXT_MODELS") or str(Path.home() / ".cache" / "bitext-models")
    environment = {"BITEXT_DATA": str(SHARED / "data"), "BITEXT_MODELS": models, "PYTHONPATH": str(ROOT)}
    for script in ("hub_root.py", "hub_tiny_models.py"):
        command = [sys.executable, str(SHARED / "tools" / script), str(root)]
        subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)


def run_python(*arguments: str, url: str, home: Path, timeout: float = 120, **environment: str) -> Any:
    """Run Python with a hub at `url` and a client's cache in `home`; returns the finished process.

    Nothing that is set around the tests (a token, an offline mode) counts.
    """
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    places = {"HF_ENDPOINT": url, "HF_HOME": str(home), "BITEXT_BENCH_CACHE": str(home / "vectors")}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**usual, **places, "OMP_NUM_THREADS": "1", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def run_product(*arguments: str, url: str, home: Path, timeout: float = 120, **environment: str) -> Any:
    """Run `bitext-bench` as `run_python` runs Python."""
    return run_python("-m", "bitext_bench", *arguments, url=url, home=home, timeout=timeout, **environment)


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a run failed; what the clients print before it does not count."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    _, error, line = done.stderr.rstrip().rpartition("bitext-bench: error: ")
    assert error and "\n" not in line, done.stderr
    return line
