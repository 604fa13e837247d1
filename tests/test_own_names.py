"""Your own data: a pair has one name for any order of --languages, and rows count once in a file of results."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pair_layouts import TMX, tmx
from test_own_data import DE, ROWS, SW, TSV, lines, run, write_parquet
from toys import hashing

import bitext_bench as bb
from bitext_bench.results.files import read_result


def written(folder: Path, files: dict[str, bytes]) -> list[Path]:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


FILES = {
    "header": {"my.tsv": b"de\tsw\n" + TSV},
    "jsonl": {"my.jsonl": lines([json.dumps({"sw": b, "deu": a}) for a, b in ROWS])},
    "tmx": {"my.tmx": tmx({"de": a, "sw": b} for a, b in ROWS)},
    "moses": {"my.sw": lines(SW), "my.de": lines(DE)},
    "moses, txt": {"d/sw.txt": lines(SW), "d/de.txt": lines(DE)},
}


def run_twice(tmp_path: Path, paths: list[Path], *orders: str) -> list[Any]:
    """Score the data in several orders of the languages into one directory, and return the result and its file."""
    for languages in orders:
        own = ["--bitext", *paths, "--languages", *languages.split(), "--output", tmp_path / "results"]
        assert run("run", "--model", "toys:hashing", *own) == 0
    (file,) = (tmp_path / "results").rglob("*.json")
    return [read_result(file), file]


@pytest.mark.parametrize("kind", FILES)
def test_a_pair_of_named_languages_has_one_name(kind: str, tmp_path: Path) -> None:
    paths = written(tmp_path, FILES[kind])
    (tmp_path / "first").mkdir()
    only, _ = run_twice(tmp_path / "first", paths, "de sw")
    both, file = run_twice(tmp_path, paths, "sw de", "de sw", "sw de")
    assert [subset.subset for subset in both.subsets] == ["de-sw"]
    assert both.subsets == only.subsets
    assert both.subsets[0].scores["accuracy_forward"] != both.subsets[0].scores["accuracy_backward"]
    assert run("verify", file, "--model", "toys:hashing", "--bitext", *paths) == 0


def test_a_directory_counts_each_pair_once(tmp_path: Path) -> None:
    written(tmp_path, {"d/de.txt": lines(DE), "d/sw.txt": lines(SW), "d/fr.txt": lines([*SW[1:], "le chat"])})
    result, file = run_twice(tmp_path, [tmp_path / "d"], "de sw fr", "fr sw de", "sw fr")
    assert [subset.subset for subset in result.subsets] == ["de-fr", "de-sw", "fr-sw"]
    mean = np.mean([subset.scores["accuracy"] for subset in result.subsets])
    assert result.summary["accuracy"] == {"mean": pytest.approx(mean), "subsets": 3}
    assert run("verify", file, "--model", "toys:hashing", "--bitext", tmp_path / "d") == 0


def test_columns_without_names_are_in_the_languages_said_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = written(tmp_path, {"my.tsv": TSV})
    result, file = run_twice(tmp_path, paths, "de sw", "sw de")
    assert [subset.subset for subset in result.subsets] == ["sw-de"]
    assert result.summary["accuracy"]["subsets"] == 1
    assert "loses de-sw: the languages given now say that the same rows are sw-de" in capsys.readouterr().err
    assert run("verify", file, "--model", "toys:hashing", "--bitext", *paths) == 0
    again, _ = run_twice(tmp_path, paths, "sw de")
    assert again.subsets == result.subsets


def test_rows_that_only_partly_name_their_languages_stay_in_the_given_order(tmp_path: Path) -> None:
    records = [{"source": b, "target": a} if i % 2 else {"de": a, "sw": b} for i, (a, b) in enumerate(ROWS)]
    paths = written(tmp_path, {"my.jsonl": lines([json.dumps(record) for record in records])})
    result, file = run_twice(tmp_path, paths, "sw de")
    assert [subset.subset for subset in result.subsets] == ["sw-de"]
    assert run("verify", file, "--model", "toys:hashing", "--bitext", *paths) == 0


def test_ratings_are_in_the_languages_said_last(tmp_path: Path) -> None:
    (file,) = written(tmp_path, {"rated.tsv": b"a b\ta b\t5\na b\ta c\t3\na b\tx y\t1\n"})
    for languages in (["en"], ["en", "de"], ["de", "sw"]):
        own = ["--sts", file, "--languages", *languages, "--output", tmp_path / "results"]
        assert run("run", "--model", "toys:hashing", *own) == 0
    (stored,) = (tmp_path / "results").rglob("*.json")
    result = read_result(stored)
    assert [subset.subset for subset in result.subsets] == ["de-sw"]
    assert result.summary["cosine_spearman"]["subsets"] == 1
    assert run("verify", stored, "--model", "toys:hashing", "--sts", file) == 0


def test_the_run_announces_the_languages_of_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, {"d/de.txt": lines(DE), "d/sw.txt": lines(SW)})
    own = ["--bitext", tmp_path / "d", "--output", tmp_path / "results"]
    assert run("run", "--model", "toys:hashing", *own) == 0
    assert "on 1 task of your own data: de, sw\n" in capsys.readouterr().err
    assert run("run", "--model", "toys:hashing", *own, "--tasks", "Mini-Tatoeba", "--data", "mini") == 0
    assert "on 2 tasks of mini: en, fr, ja, ko, ru, de, sw\n" in capsys.readouterr().err


def test_a_region_is_not_silently_ignored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = written(tmp_path, {"my.tmx": tmx([{"de": "a", "sw": "b"}, {"de-AT": "c", "sw": "d"}])})
    report = bb.evaluate(hashing(), [bb.own_bitext(file)], languages="de-AT,sw")
    assert report["own-bitext-my.tmx"]["de-sw"].accuracy.n == 2
    assert "de-AT is read as de: your own data are chosen by language, in any region" in capsys.readouterr().err
    bb.evaluate(hashing(), [bb.own_bitext(file)], languages="de,swh_Latn")
    assert "is read as" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["MY.TSV", "my.Jsonl", "MY.PARQUET", "my.TMX"])
def test_a_suffix_may_be_in_upper_case(name: str, tmp_path: Path) -> None:
    contents = {"tsv": TSV, "jsonl": FILES["jsonl"]["my.jsonl"], "tmx": FILES["tmx"]["my.tmx"]}
    file, suffix = tmp_path / name, name[3:].casefold()
    if suffix == "parquet":
        write_parquet(file)
    else:
        file.write_bytes(contents[suffix])
    (task,) = bb.evaluate(hashing(), [bb.own_bitext(file)], languages="de,sw").values()
    assert task["de-sw"].accuracy.n == len(ROWS)


def test_a_single_suffix_of_another_language_is_no_language(tmp_path: Path) -> None:
    """Corpora are named train.src and train.tgt; src is also the code of Sardinian."""
    paths = written(tmp_path, {"train.src": lines(DE), "train.tgt": lines(SW)})
    (task,) = bb.evaluate(hashing(), [bb.own_bitext(paths)], languages="de,sw").values()
    assert task["de-sw"].accuracy.n == len(ROWS)


def test_a_unit_of_tmx_has_all_pairs_of_its_texts(tmp_path: Path) -> None:
    def unit(*texts: tuple[str, str]) -> str:
        return "<tu>" + "".join(f'<tuv xml:lang="{x}"><seg>{t}</seg></tuv>' for x, t in texts) + "</tu>"

    units = [
        unit(("de", "katze a"), ("sw", "katze b"), ("sw", "katze a c"), ("sw", " "), ("fr", "chat")),
        unit(("de", "hund b"), ("de", "hunde b"), ("sw", "hund b d")),
        unit(("sw", ""), ("de", "baum c"), ("sw", "baum c")),
    ]
    rows = [
        ("katze a", "katze b"),
        ("katze a", "katze a c"),
        ("hund b", "hund b d"),
        ("hunde b", "hund b d"),
        ("baum c", "baum c"),
    ]
    files = {
        "my.tmx.gz": gzip.compress(TMX.format("".join(units)).encode()),
        "my.tsv": lines(["\t".join(row) for row in rows]),
    }
    by_tmx, by_tsv = (
        bb.evaluate(hashing(), [bb.own_bitext(file)], languages="de,sw").results[0].subsets[0]
        for file in written(tmp_path, files)
    )
    assert by_tmx.n == len(rows)
    assert by_tmx.scores == by_tsv.scores


def test_repeated_ratings_are_one_draw(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = [
        f"a b c {i}\t{'a b c d e'[: 2 * generator.integers(1, 6)]} {i}\t{generator.integers(0, 50)}" for i in range(40)
    ]
    other = [f"{row}.5" for row in rows]  # a second rating of each pair
    files = {"once.tsv": lines(rows), "twice.tsv": lines(rows * 2), "rated-twice.tsv": lines([*rows, *other])}
    once, twice, rated_twice = (
        bb.evaluate(hashing(), [bb.own_sts(file)], languages="de").results[0].subsets[0]
        for file in written(tmp_path, files)
    )
    assert twice.scores == pytest.approx(once.scores, abs=1e-12)
    intervals = [each.intervals["cosine_spearman"] or (0, 0) for each in (once, twice, rated_twice)]
    assert intervals[1] == pytest.approx(intervals[0], abs=1e-12)
    assert np.diff(intervals[2]) > 0.8 * np.diff(intervals[0])


def test_an_undefined_correlation_has_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = written(tmp_path, {"rated.tsv": b"a\ta\t1\nb\tb\t2\nc\tc\t3\n"})
    report = bb.evaluate(hashing(), [bb.own_sts(file)], languages="de")
    assert report["own-sts-rated.tsv"]["de-de"].cosine_spearman.value is None
    assert "warning: de-de has no correlation: all 3 cosines are equal" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (
            bb.own_bitext,
            [("a", "b"), ("c", "d")],
            r"bitext is .* expected a path of a file of pairs or of a directory, or",
        ),
        (bb.own_bitext, [["a", "c"], ["b", "d"]], "bitext is .*; write the sentences to a file first"),
        (bb.own_bitext, {"de": ["a"], "sw": ["b"]}, "bitext is .*{'de': .*expected a path"),
        (bb.own_bitext, 5, "bitext is '5': expected a path"),
        (bb.own_bitext, b"my.tsv", "bitext is .*expected a path"),
        (bb.own_bitext, "", "bitext is .*expected a path"),
        (bb.own_bitext, ["my.de", ""], "bitext is .*expected a path"),
        (bb.own_sts, ["f.tsv"], "sts is .*f.tsv.*: expected a path of a .tsv, .jsonl or .parquet file"),
        (bb.own_sts, [("a", "b", 1.0)], "sts is .*expected a path of a .tsv"),
        (bb.own_sts, "", "sts is '': expected a path"),
    ],
)
def test_own_data_that_are_no_paths_are_refused(kind: Any, given: Any, message: str) -> None:
    with pytest.raises(bb.UserError, match=message):
        kind(given)
