"""The folder in which bitext-bench keeps encoded sentences and downloaded models."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(given: Path | None = None) -> Path:
    """Return the cache folder: the given one, else $BITEXT_BENCH_CACHE, else ~/.cache/bitext-bench."""
    return given or Path(os.environ.get("BITEXT_BENCH_CACHE") or Path.home() / ".cache" / "bitext-bench")
