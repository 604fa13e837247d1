"""A lack of memory is one line, whatever form it has, and finished work is kept."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import shards

from bitext_bench.cli.main import main
from bitext_bench.encoders.probe import Probe
from bitext_bench.errors import UserError
from bitext_bench.io.memory_errors import out_of_memory_message

ROOT = Path(__file__).parents[1]
TOO_MANY = 2**50  # numbers, more than any machine has room for


def caught(raises: Callable[[], object]) -> BaseException:
    with pytest.raises((MemoryError, RuntimeError, OSError, UserError, ValueError)) as caught:
        raises()
    return caught.value


def wrapped() -> None:
    try:
        torch.empty(TOO_MANY)
    except RuntimeError as error:
        raise UserError("cannot load the model") from error


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    "raises",
    [
        lambda: np.empty(TOO_MANY),
        lambda: torch.empty(TOO_MANY),
        lambda: bytearray(TOO_MANY),
        wrapped,
        lambda: fail(OSError(errno.ENOMEM, "Cannot allocate memory")),
        lambda: fail(RuntimeError("could not create a primitive")),  # oneDNN's only words
        lambda: fail(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")),
    ],
)
def test_what_is_a_lack_of_memory(raises: Callable[[], object]) -> None:
    message = out_of_memory_message(caught(raises))
    assert message is not None and message.startswith("not enough memory")


@pytest.mark.parametrize(
    "raises",
    [
        lambda: open("/nowhere"),  # noqa: SIM115
        lambda: torch.zeros(2) @ torch.zeros(3),
        lambda: fail(UserError("the option --max-memory is out of memory")),
        lambda: fail(RuntimeError("could not create a primitive descriptor for the inner product")),
        lambda: fail(OSError(errno.ENOSPC, "No space left on device")),
    ],
)
def test_what_is_none(raises: Callable[[], object]) -> None:
    assert out_of_memory_message(caught(raises)) is None


def test_a_run_that_lacks_memory_says_so_and_keeps_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--data",
        "mini",
        "--cache-folder",
        str(tmp_path / "store"),
        "--output",
        str(tmp_path / "results"),
    ]
    assert main(["run", "--model", "toys:hashing", "--languages", "fr", *options]) == 0
    before = shards(tmp_path / "store")
    monkeypatch.setattr("toys.HashEncoder.encode", lambda self, sentences: torch.empty(TOO_MANY))
    capsys.readouterr()
    assert main(["run", "--model", "toys:hashing", "--languages", "ja", *options]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("bitext-bench: error: not enough memory (")
    assert set(before) <= set(shards(tmp_path / "store"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_lack_of_memory_is_no_reason_to_leave_layers_unpacked() -> None:
    with pytest.raises(RuntimeError, match="allocate memory"):
        Probe([{}], [torch.zeros(1, 2)]).difference(lambda features: torch.empty(TOO_MANY))
    found = Probe([{}], [torch.zeros(1, 2)]).difference(lambda features: torch.zeros(2) @ torch.zeros(3))
    assert "inconsistent tensor size" in found


@pytest.mark.models
@pytest.mark.parametrize("gigabytes", [0.6, 1.2, 2.0])
def test_a_real_encoder_under_a_tight_limit_is_one_line(gigabytes: float, tmp_path: Path) -> None:
    limit = int(gigabytes * 1e9)
    model = Path(os.environ.get("BITEXT_MODELS", "models")) / "e5-small-q4"
    command = [
        sys.executable,
        "-m",
        "bitext_bench",
        "run",
        "--model",
        str(model),
        "--data",
        "mini",
        "--languages",
        "ja",
    ]
    found = subprocess.run(
        [*command, "--cache-folder", str(tmp_path / "store"), "--output", str(tmp_path / "results")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    assert found.stderr.splitlines()[-1].startswith("bitext-bench: error: not enough memory")
