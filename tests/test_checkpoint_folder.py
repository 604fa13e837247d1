"""The folder of a checkpoint: who may write into it, and its record."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bitext_bench.errors import UserError
from training.checkpoint.folder import RECORD, open_to_readers, read_record, write_record


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = {"config": {"student": "x|<b>\n", "pairs": ["en-ja"]}, "losses": [[1, 0.5]], "名": None}
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    assert [file.name for file in tmp_path.iterdir()] == [RECORD]
    assert "名" in (tmp_path / RECORD).read_text(encoding="utf-8")


def test_no_record_is_none(tmp_path: Path) -> None:
    assert read_record(tmp_path) == {}
    assert read_record(tmp_path / "nowhere") == {}
    (tmp_path / "file").write_text("")
    assert read_record(tmp_path / "file") == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot read .*train_config.json"),
        (b'{"config": {', "cannot read .*train_config.json"),
        (b"\xff\xfe", "cannot read .*train_config.json"),
        (b"[]", "is not the record of a training run"),
        (b"{}", "is not the record of a training run"),
        (b'{"config": 3}', "is not the record of a training run"),
        (b'"text"', "is not the record of a training run"),
    ],
)
def test_a_damaged_record_is_said_to_be_one(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / RECORD).write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        read_record(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_in_the_place_of_the_record(tmp_path: Path) -> None:
    (tmp_path / RECORD).mkdir()
    with pytest.raises(UserError, match="cannot read"):
        read_record(tmp_path)


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_weights_get_the_mode_of_any_other_new_file(tmp_path: Path, umask: int) -> None:
    import torch
    from safetensors.torch import save_file

    before = os.umask(umask)
    try:
        save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
        (tmp_path / "1_Dense").mkdir()
        (tmp_path / "1_Dense/config.json").write_text("{}")
        open_to_readers(tmp_path)
        assert os.umask(umask) == umask, "it is left as it was"
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("model.safetensors", "1_Dense/config.json")]
    assert modes == [0o666 & ~umask] * 2
