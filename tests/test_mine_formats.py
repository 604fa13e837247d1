"""What is written can be read by others, whatever stands in the texts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from mining_material import mine

from bitext_bench.data.pair_files import read_pairs
from bitext_bench.data.variants import VariantChooser
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from bitext_bench.mining.formats import OutputFile, OutputTable, write_tables

PAIR = LangPair.parse("fr-en")
SIDES = (VariantChooser(PAIR.source, str(PAIR.source)), VariantChooser(PAIR.target, str(PAIR.target)))
NASTY = ["tab\there", '<b> & "q" ]]>', "line\u2028sep\x85 nel", "bell \x07 \x1b[31m", "\u202e rtl", "𝔘 \ufffe"]


def table(texts: list[str]) -> OutputTable:
    n = len(texts)
    return OutputTable(
        {"score": [1.25] * n, "cosine": [None, *[0.5] * (n - 1)], "source": texts, "target": texts[::-1]}
    )


def written(folder: Path, name: str) -> Path:
    file = folder / name
    assert write_tables(OutputFile.parse(file, PAIR), [table(NASTY), table(["last", "one"])], PAIR) == len(NASTY) + 2
    assert [f.name for f in folder.iterdir()] == [name]
    return file


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.parquet"])
def test_exact_texts_come_back_as_training_pairs(tmp_path: Path, name: str) -> None:
    found = read_pairs(written(tmp_path, name), SIDES)
    assert [row.source for row in found] == [*NASTY, "last", "one"]
    assert [row.target for row in found] == [*NASTY[::-1], "one", "last"]


@pytest.mark.parametrize("name", ["x.tmx", "x.tmx.gz"])
def test_tmx_is_xml_with_languages_and_scores(tmp_path: Path, name: str) -> None:
    content = written(tmp_path, name).read_bytes()
    root = ElementTree.fromstring(gzip.decompress(content) if name.endswith("gz") else content)
    units = root.findall("./body/tu")
    assert len(units) == len(NASTY) + 2
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    assert [tuv.get(lang) for tuv in units[1].findall("tuv")] == ["fr", "en"]
    assert units[1].findtext("tuv/seg") == NASTY[1]
    assert units[3].findtext("tuv/seg") == "bell    [31m"
    assert {prop.get("type"): prop.text for prop in units[1].findall("prop")} == {
        "x-score": "1.250000",
        "x-cosine": "0.500000",
    }
    assert [prop.get("type") for prop in units[0].findall("prop")] == ["x-score"]


def test_tsv_has_a_row_a_line_and_a_cell_a_column(tmp_path: Path) -> None:
    lines = written(tmp_path, "x.tsv").read_bytes().decode().split("\n")
    assert len(lines) == len(NASTY) + 4 and lines[-1] == ""
    assert {line.count("\t") for line in lines[:-1]} == {3}
    assert lines[1].split("\t")[1:3] == ["", "tab here"]


def test_zst_is_read_again(tmp_path: Path) -> None:
    import zstandard

    packed = written(tmp_path, "x.jsonl.zst").read_bytes()
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(packed).decode().split("\n")
    assert json.loads(lines[0]) == {"score": 1.25, "cosine": None, "source": NASTY[0], "target": NASTY[-1]}


def test_no_pairs_are_an_empty_table(tmp_path: Path) -> None:
    for name in ("x.tsv", "x.jsonl", "x.parquet", "x.tmx"):
        empty = OutputTable({"score": [], "cosine": [], "source": [], "target": []})
        assert write_tables(OutputFile.parse(tmp_path / name, PAIR), [empty], PAIR) == 0
        assert (tmp_path / name).exists()


def test_parquet_has_the_same_columns_whatever_a_stretch_holds(tmp_path: Path) -> None:
    """Of one without rows, or without a score, the numbers' kind does not show."""
    from pyarrow import parquet

    full = {"score": [1.5], "cosine": [0.5], "source_row": [3], "target_row": [4]}
    unscored = {**full, "score": [None], "cosine": [None]}
    empty: dict[str, list[float]] = {name: [] for name in full}
    for i, stretches in enumerate([(full, empty), (empty, full), (unscored, full), (empty,)]):
        output = OutputFile.parse(tmp_path / f"{i}.parquet", None)
        write_tables(output, map(OutputTable, stretches), None)
        read = parquet.read_table(output.file)
        assert [str(kind) for kind in read.schema.types] == ["double", "double", "int64", "int64"]
        assert read.to_pydict() == {name: [cell for s in stretches for cell in s[name]] for name in full}


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_text("before")

    def tables():
        yield table(["a", "b"])
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="cannot write .*x.tsv: No space left"):
        write_tables(OutputFile.parse(file, None), tables(), None)
    assert [f.name for f in tmp_path.iterdir()] == ["x.tsv"]
    assert file.read_text() == "before"


@pytest.mark.parametrize("name", ["x", "x.csv", "x.gz", "x.parquet.gz", "tsv"])
def test_unknown_endings(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"expected a name that ends in \.tsv"):
        OutputFile.parse(tmp_path / name, PAIR)


def test_the_same_pairs_are_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    assert written(tmp_path / "a", "x.tsv.gz").read_bytes() == written(tmp_path / "b", "x.tsv.gz").read_bytes()


def test_a_mined_file_of_each_kind(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("red house\nblue tree\ngreen cat\n")
    for name in ("o.tsv", "o.jsonl.zst", "o.parquet", "o.tmx.gz"):
        work = ["--work-dir", tmp_path / "work", "--pair", "fr-en"]
        assert mine(tmp_path / "a", tmp_path / "b", "-o", tmp_path / name, *work) == 0
    assert len(read_pairs(tmp_path / "o.tmx.gz", SIDES)) == len(read_pairs(tmp_path / "o.parquet", SIDES)) == 3
