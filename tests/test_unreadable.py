"""A model that cannot be read, or cannot exist, is refused in one line with the true reason."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError

_VERSION = 0x20080522  # of Linux's capget and capset, with two words of each set
_READS_ALL = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by which root reads every file


@pytest.fixture
def no_privilege() -> Iterator[None]:
    """Have root's files of mode 000 be unreadable to root, as those of any user are to that user."""
    if os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    before = sets[0]
    sets[0] &= ~_READS_ALL
    assert libc.capset(header, sets) == 0
    yield
    sets[0] = before
    assert libc.capset(header, sets) == 0


@pytest.mark.usefixtures("no_privilege")
@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "modules.json", "tokenizer.json", "2_Dense/config.json", "2_Dense", ""]
)
def test_a_part_that_may_not_be_read(name: str, dense: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(dense, tmp_path / "model"))
    (folder / name).chmod(0)
    with pytest.raises(UserError, match=rf"^cannot read {folder / name}.*: Permission denied$"):
        resolve_model(str(folder), ModelOptions(device="cpu"))
    (folder / name).chmod(0o700)


@pytest.mark.usefixtures("no_privilege")
def test_a_part_that_may_not_be_read_any_more(dense: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(dense, tmp_path / "model"))
    model = resolve_model(str(folder), ModelOptions(device="cpu"))
    (folder / "model.safetensors").chmod(0)
    with pytest.raises(UserError, match="Permission denied"):
        model.load()


@pytest.mark.usefixtures("no_privilege")
def test_vectors_that_may_not_be_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.eye(2))
    (tmp_path / "a.npy").chmod(0)
    with pytest.raises(UserError, match=r"^cannot read .*a.npy: Permission denied$"):
        resolve_model(str(tmp_path), ModelOptions())


@pytest.mark.usefixtures("no_privilege")
def test_a_model_in_a_folder_that_may_not_be_entered(dense: Path, tmp_path: Path) -> None:
    shutil.copytree(dense, tmp_path / "locked" / "model")
    (tmp_path / "locked").chmod(0)
    with pytest.raises(UserError, match=r"^cannot read .*locked/model: Permission denied$"):
        resolve_model(str(tmp_path / "locked" / "model"), ModelOptions())
    (tmp_path / "locked").chmod(0o700)


LONG = "a" * 300


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (LONG, "^unknown model 'aaa"),
        (f"./{LONG}", "^cannot read aaa.*: File name too long$"),
        (f"{LONG}/{LONG}/{LONG}", "^cannot read aaa.*: File name too long$"),
        (f"os:{LONG}", "^cannot import the model 'os:aaa"),
        (f"{LONG}:{LONG}", "^cannot import the model 'aaa"),
        (f"org/{LONG}", "^cannot get the model org/aaa.* expected ORG/NAME, of at most 96 letters"),
        ("./no\0where", "embedded null byte"),
        (__file__, "is not a directory: expected a directory"),
        (f"{__file__}/model", "does not exist"),
    ],
)
def test_names_that_no_model_can_have(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        resolve_model(name, ModelOptions())
