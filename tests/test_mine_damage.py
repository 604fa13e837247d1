"""A damaged file of the work directory is made again or refused in one line; it never changes the output."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from mining_material import corpora, mine


def damage(file: Path, how: str, draw: random.Random) -> None:
    content = bytearray(file.read_bytes())
    if how == "bit":
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    elif how == "empty":
        content.clear()
    file.unlink()
    if how != "gone":
        file.write_bytes(bytes(content))


APPROXIMATE = pytest.param("approximate", "bit", marks=pytest.mark.slow)  # it has many more files


@pytest.mark.slow
@pytest.mark.parametrize(("search", "how"), [("exact", "bit"), ("exact", "empty"), ("exact", "gone"), APPROXIMATE])
def test_each_file_in_turn(tmp_path: Path, search: str, how: str, capsys: pytest.CaptureFixture[str]) -> None:
    source, target, _ = corpora(tmp_path)
    work, out = tmp_path / "work", tmp_path / "out.tsv"
    run = [source, target, "-o", out, "--work-dir", work, "--shard-lines", 60, "--search", search]
    assert mine(*run) == 0
    expected = out.read_bytes()
    shutil.copytree(work, tmp_path / "whole")
    draw = random.Random(0)
    for file in sorted(path.relative_to(work) for path in work.rglob("*") if path.is_file()):
        shutil.rmtree(work)
        shutil.copytree(tmp_path / "whole", work)
        out.unlink(missing_ok=True)
        damage(work / file, how, draw)
        capsys.readouterr()
        done = mine(*run)
        said = [line for line in capsys.readouterr().err.split("\n") if "error:" in line]
        if done == 0:
            assert out.read_bytes() == expected, file
        else:
            assert file.name == "manifest.json"
            assert len(said) == 1 and "manifest.json" in said[0] and "remove the directory" in said[0]


def test_a_changed_number_in_the_manifest_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target, _ = corpora(tmp_path)
    run = [source, target, "-o", tmp_path / "out.tsv", "--work-dir", tmp_path / "work"]
    assert mine(*run) == 0
    manifest = tmp_path / "work" / "manifest.json"
    content = json.loads(manifest.read_text())
    del content["sides"]["source"]["blank"]
    manifest.write_text(json.dumps(content))
    assert mine(*run) == 1
    assert "manifest.json is damaged" in capsys.readouterr().err


def test_altered_texts_are_read_again_and_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target, _ = corpora(tmp_path)
    run = [source, target, "-o", tmp_path / "out.tsv", "--work-dir", tmp_path / "work"]
    assert mine(*run) == 0
    expected = (tmp_path / "out.tsv").read_bytes()
    texts = tmp_path / "work" / "texts" / "source.00000.txt"
    texts.write_text(texts.read_text().replace("word1", "other", 1))
    assert mine(*run) == 0
    assert (tmp_path / "out.tsv").read_bytes() == expected
    assert "source.00000.txt" in capsys.readouterr().err


def test_a_record_of_endless_depth_is_made_again(tmp_path: Path) -> None:
    source, target, _ = corpora(tmp_path)
    run = [source, target, "-o", tmp_path / "out.tsv", "--work-dir", tmp_path / "work"]
    assert mine(*run) == 0
    expected = (tmp_path / "out.tsv").read_bytes()
    for record in (tmp_path / "work" / "done").iterdir():
        record.write_text("[" * 100_000)
    assert mine(*run) == 0
    assert (tmp_path / "out.tsv").read_bytes() == expected
