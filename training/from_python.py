"""`training.train`: a training run from Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from signal import SIGINT

from bitext_bench.errors import UserError

from .command import TrainRequest, run_training
from .config import TrainConfig


def train(
    config: TrainConfig,
    data: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    output: str | os.PathLike[str] | None = None,
    benchmarks: str | os.PathLike[str] = "hub",
    overwrite: bool = False,
    resume: bool = False,
) -> Path:
    """Train an encoder on parallel sentences, as `bitext-bench train` does, and return the directory of the checkpoint.

        from training import Objective, TrainConfig, train

        config = TrainConfig(student="my-model", pairs=("en-fr",), objective=Objective(tms=True), max_steps=200)
        checkpoint = train(config, "path/to/train", output="my-checkpoint", benchmarks="path/to/data")

    Args:
        config: the settings; the student and the pairs are required.
        data: one or more directories of corpora, with files like <corpus>/en-fr.tsv, or "hub:ORG/DATASET[@REVISION]".
        output: the directory of the checkpoint; None takes checkpoints/<model>-<pairs>-python.
        benchmarks: benchmark data: a directory, "hub" or "mini". Training rows with a benchmark sentence are left out.
        overwrite: replace an existing checkpoint in `output`.
        resume: continue a run that was stopped or killed; the other arguments must be the same, apart from
            `max_steps`, `epochs` and `eval_steps` of the config.

    Raises:
        UserError: the settings, the data, a model or the directory cannot be used, or the extra `train` is not
            installed.
        KeyboardInterrupt: Ctrl-C stopped the run. The checkpoint so far is saved; continue with `resume=True`.
        SystemExit: the same for SIGTERM, with the code 143.
    """
    if not isinstance(config, TrainConfig):
        raise UserError(f"config is {config!r:.60}: expected a TrainConfig")
    folders = data if isinstance(data, list | tuple) and data else [data]
    request = TrainRequest(
        data=[_path("data", given) for given in folders],
        benchmarks=_path("benchmarks", benchmarks),
        output=None if output is None else Path(output),
        overwrite=overwrite,
        resume=resume,
    )
    checkpoint, stopped_by = run_training(config, request)
    if stopped_by == SIGINT:
        raise KeyboardInterrupt
    if stopped_by:
        raise SystemExit(128 + stopped_by)
    return checkpoint


def _path(name: str, given: object) -> str:
    path = os.fspath(given) if isinstance(given, str | os.PathLike) else ""
    if not path or not isinstance(path, str):
        raise UserError(f"{name} is {given!r:.60}: expected a directory")
    return path
