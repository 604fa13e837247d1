"""`--bitext` and `--sts`: every format gives the same scores, repeated sources count, and wrong input is refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from pair_layouts import tmx
from toys import hashing

import bitext_bench as bb
from bitext_bench.cli.main import main
from bitext_bench.data.tables import read_rows
from bitext_bench.errors import UserError
from bitext_bench.results.files import read_result
from bitext_bench.results.tables import percent
from leaderboard.entries.read import read_results
from leaderboard.from_python import load_results

# The toy encoder finds texts with the same words. Rows 0 and 1 repeat a source; "mbwa" is nearest to a wrong row.
ROWS = [
    ("katze a", "katze a x"),
    ("katze a", "zwei katzen"),
    ("hund b", "hund b"),
    ("baum c", "haus d"),
    ("haus d", "baum c"),
    ("auto e", "auto e y"),
]
DE, SW = ([row[side] for row in ROWS] for side in (0, 1))


def write_parquet(file: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"de": DE, "sw": SW}), file)


def lines(texts: Sequence[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


TSV = lines(["\t".join(row) for row in ROWS])
FORMATS: dict[str, tuple[list[str], Callable[[Path], object]]] = {
    "tsv": (["my.tsv"], lambda folder: (folder / "my.tsv").write_bytes(TSV)),
    "tsv.gz": (["my.tsv.gz"], lambda folder: (folder / "my.tsv.gz").write_bytes(gzip.compress(TSV))),
    "tsv, header": (
        ["my.tsv"],
        lambda folder: (folder / "my.tsv").write_bytes(lines(["swh\tid\tGerman", *(f"{b}\t7\t{a}" for a, b in ROWS)])),
    ),
    "tsv with quotes of CSV": (
        ["my.tsv"],
        lambda folder: (folder / "my.tsv").write_bytes(lines(['"de"\t"sw"', *(f'"{a}"\t"{b}"' for a, b in ROWS)])),
    ),
    "tsv of mine": (
        ["my.tsv"],
        lambda folder: (folder / "my.tsv").write_bytes(
            lines(["score\tsource\ttarget", *(f"1\t{a}\t{b}" for a, b in ROWS)])
        ),
    ),
    "jsonl": (
        ["my.jsonl"],
        lambda folder: (folder / "my.jsonl").write_bytes(lines([json.dumps({"sw": b, "deu": a}) for a, b in ROWS])),
    ),
    "tmx": (["my.tmx"], lambda folder: (folder / "my.tmx").write_bytes(tmx({"de": a, "sw": b} for a, b in ROWS))),
    "parquet": (["my.parquet"], lambda folder: write_parquet(folder / "my.parquet")),
    "moses": (
        ["my.de", "my.sw"],
        lambda folder: [(folder / f"my.{x}").write_bytes(lines(texts)) for x, texts in (("de", DE), ("sw", SW))],
    ),
    "moses, exchanged": (
        ["my.sw", "my.de"],
        lambda folder: [(folder / f"my.{x}").write_bytes(lines(texts)) for x, texts in (("de", DE), ("sw", SW))],
    ),
    "moses, gz": (
        ["my.de.gz", "my.sw.gz"],
        lambda folder: [
            (folder / f"my.{x}.gz").write_bytes(gzip.compress(lines(texts))) for x, texts in (("de", DE), ("sw", SW))
        ],
    ),
    "n-way": (
        ["."],
        lambda folder: [(folder / f"{x}.txt").write_bytes(lines(texts)) for x, texts in (("de", DE), ("swh", SW))],
    ),
}


def by_hand(queries: Sequence[str], candidates: Sequence[str], *, by_margin: bool) -> float:
    """Return the share of rows whose best distinct candidate is correct, by the definition, with loops."""
    right = set(zip(queries, candidates, strict=True))
    texts = [list(dict.fromkeys(side)) for side in (queries, candidates)]
    a, b = (hashing().encode(side).astype(float) for side in texts)
    cosines = (a / np.linalg.norm(a, axis=1)[:, None]) @ (b / np.linalg.norm(b, axis=1)[:, None]).T
    around = np.sort(cosines, axis=1)[:, -4:].mean(axis=1), np.sort(cosines, axis=0)[-4:].mean(axis=0)
    hits = 0
    for i, query in enumerate(texts[0]):
        near = np.argsort(-cosines[i], kind="stable")[: 4 if by_margin else 1]
        best = max(near, key=lambda j: cosines[i, j] / (around[0][i] + around[1][j]) if by_margin else cosines[i, j])
        hits += queries.count(query) * ((query, texts[1][best]) in right)
    return hits / len(queries)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_scores_of_the_definition(name: str, tmp_path: Path) -> None:
    paths, write = FORMATS[name]
    write(tmp_path)
    report = bb.evaluate(hashing(), [bb.own_bitext([tmp_path / path for path in paths])], languages=["de", "sw"])
    (task,) = report.values()
    scores = task["de-sw"]
    assert scores.accuracy_forward.value == by_hand(DE, SW, by_margin=False)
    assert scores.accuracy_backward.value == by_hand(SW, DE, by_margin=False)
    assert scores.xsim_ratio_forward.value == pytest.approx(1 - by_hand(DE, SW, by_margin=True))
    assert scores.xsim_ratio_backward.value == pytest.approx(1 - by_hand(SW, DE, by_margin=True))
    assert scores.accuracy.low is not None
    assert scores.accuracy.n == len(ROWS)


def test_a_source_may_have_several_targets(tmp_path: Path) -> None:
    file = tmp_path / "my.tsv"
    file.write_bytes(TSV)
    report = bb.evaluate(hashing(), [bb.own_bitext(file)], languages="de,sw")
    (outcomes,) = report.outcomes
    assert outcomes is not None
    forward = outcomes["de-sw", "forward"]
    assert forward["hit"].tolist() == [True, True, True, False, False, True]  # both rows of the cat, by the first
    assert forward["neighbor"].tolist()[:2] == [0, 0]
    assert (forward["margin"] > 0).tolist() == forward["hit"].tolist()


def test_several_languages_give_every_pair(tmp_path: Path) -> None:
    for code, texts in (("de", DE), ("sw", SW), ("fr", SW)):
        (tmp_path / f"{code}.txt").write_bytes(lines(texts))
    (task,) = bb.evaluate(hashing(), [bb.own_bitext(tmp_path)], languages="all").values()
    assert list(task) == ["de-fr", "de-sw", "fr-sw"]
    assert task["fr-sw"].accuracy.value == 1.0
    assert task.result.summary["accuracy"]["subsets"] == 3


def write_ratings(file: Path) -> None:
    rows = [("a b c", "a b c", 5), ("a b c", "a b d", 3), ("a b c", "a x y", 2), ("a b c", "u v w", 0)]
    if file.suffix == ".jsonl":
        file.write_bytes(lines([json.dumps({"sentence1": a, "sentence2": b, "score": s}) for a, b, s in rows]))
    elif file.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        first, second, scores = zip(*rows, strict=True)
        parquet.write_table(pa.table({"score": scores, "sentence1": first, "sentence2": second, "id": first}), file)
    else:
        file.write_bytes(lines([f"{a}\t{b}\t{s}" for a, b, s in rows]))


@pytest.mark.parametrize("name", ["my.tsv", "my.jsonl", "my.parquet"])
def test_ratings(name: str, tmp_path: Path) -> None:
    write_ratings(tmp_path / name)
    report = bb.evaluate(hashing(), [bb.own_sts(tmp_path / name)], languages="de")
    assert report[f"own-sts-{name}"]["de-de"].cosine_spearman.value == pytest.approx(1.0)


def test_a_header_names_the_columns_of_ratings(tmp_path: Path) -> None:
    file = tmp_path / "my.tsv"
    file.write_bytes(b"score\tsentence1\tsentence2\n5\ta b\ta b\n1\ta b\tx y\n")
    (task,) = bb.evaluate(hashing(), [bb.own_sts(file)], languages="de").values()
    assert task["de-de"].cosine_spearman.n == 2


def test_quotes_that_are_not_around_every_cell_of_a_column_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my.tsv"
    file.write_bytes(b'"a ""b"""\t"c"\n"d"\te\n')
    assert list(read_rows(file)) == [['a "b"', '"c"'], ["d", "e"]]
    assert "every cell of column 1 is in double quotes, which are removed" in capsys.readouterr().err
    file.write_bytes(b'"a"\t"c"\n')  # one row is no evidence
    assert list(read_rows(file)) == [['"a"', '"c"']]


@pytest.mark.parametrize("option", ["--bitext", "--sts"])
def test_data_given_twice_are_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("run", "--model", "toys:hashing", option, "a.tsv", option, "b.tsv", "--languages", "de", "sw")
    assert f"{option} was given twice" in capsys.readouterr().err


def test_a_language_that_no_benchmark_has(tmp_path: Path) -> None:
    (tmp_path / "my.tsv").write_bytes(b"srp_Latn\tbar\n" + TSV)
    (tmp_path / "dir").mkdir()
    for name, texts in (("bar", SW), ("srp_Latn", DE)):
        (tmp_path / "dir" / f"{name}.txt").write_bytes(lines(texts))
    for name in ("my.tsv", "dir"):
        ((subset, scored),) = bb.evaluate(hashing(), [bb.own_bitext(tmp_path / name)], languages=["sr_Latn", "bar"])[
            f"own-bitext-{name}"
        ].items()
        assert (subset, scored.accuracy.n) == ("bar-srp_Latn", len(ROWS))


def test_few_ratings_are_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_ratings(tmp_path / "my.tsv")
    bb.evaluate(hashing(), [bb.own_sts(tmp_path / "my.tsv")], languages="de")
    assert "4 rows, too few for a correlation to mean much" in capsys.readouterr().err


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "my.tsv").write_bytes(TSV)
    write_ratings(tmp_path / "rated.tsv")
    own = ["--bitext", tmp_path / "my.tsv", "--sts", tmp_path / "rated.tsv", "--languages", "de", "sw"]
    assert run("run", "--model", "toys:hashing", *own, "--output", tmp_path / "results") == 0
    return tmp_path / "results"


def file_of(results: Path, task: str) -> Path:
    (file,) = results.rglob(f"{task}*.json")
    return file


def test_the_result_names_the_file_and_its_checksum(results: Path) -> None:
    digest = hashlib.sha256(TSV).hexdigest()
    file = file_of(results, "own-bitext")
    result = read_result(file)
    assert file.name == f"own-bitext-my.tsv.own-{digest[:8]}.json"
    assert "task:own-bitext-my.tsv|pair:de-sw|" in result.subsets[0].signature
    assert f"|data:own@sha256:{digest[:12]}|" in result.subsets[0].signature
    assert not result.official


def test_verify_needs_the_same_content(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = file_of(results, "own-bitext")
    same = tmp_path / "renamed.tsv"
    shutil.copy(tmp_path / "my.tsv", same)
    assert run("verify", file, "--model", "toys:hashing", "--bitext", same) == 0
    other = tmp_path / "other" / "my.tsv"
    other.parent.mkdir()
    other.write_bytes(TSV.replace(b"baum c\thaus d", b"baum c\tbaum c"))
    assert run("verify", file, "--model", "toys:hashing", "--bitext", other) == 1
    out = capsys.readouterr().out
    assert "de-sw: data is own@sha256:" in out
    assert "accuracy_forward is 0.66" in out
    rated = file_of(results, "own-sts")
    assert run("verify", rated, "--model", "toys:hashing", "--sts", tmp_path / "rated.tsv") == 0
    assert run("verify", rated, "--model", "toys:hashing") == 1
    assert "your own data: pass --sts with them" in capsys.readouterr().err


def test_two_files_of_one_name_have_their_own_results_and_tables(results: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "my.tsv"
    other.parent.mkdir()
    other.write_bytes(TSV.replace(b"baum c\thaus d", b"baum c\tbaum c"))
    for model in ("toys:hashing", "toys:letters"):
        given = ["--bitext", other, "--languages", "de", "sw", "--output", results]
        assert run("run", "--model", model, *given) == 0
    assert len(list(results.rglob("own-bitext-my.tsv.*.json"))) == 3
    labels = [label for report in load_results(results).values() for label in report if "bitext" in label]
    assert (len(labels), len(set(labels))) == (3, 2)


def test_compare_and_leaderboard(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = ["--bitext", tmp_path / "my.tsv", "--languages", "de", "sw", "--output", results]
    assert run("run", "--model", "toys:letters", *own) == 0
    capsys.readouterr()
    assert run("compare", "hashing", "letters", "--results", results) == 0
    assert "own-bitext-my.tsv" in capsys.readouterr().out
    assert run("leaderboard", "--results", results, "--output", tmp_path / "board.md") == 0
    text = (tmp_path / "board.md").read_text(encoding="utf-8")
    assert "own-bitext-my.tsv on own-" in text
    overview = text.split("## Overview")[1].split("\n## ")[0]
    assert "own-bitext-my.tsv on own-" in overview and "own-sts" in overview
    scores = [
        report[label]["de-sw"] for report in load_results(results).values() for label in report if "bitext" in label
    ]
    assert len(scores) == 2
    assert all(percent(score["accuracy"].value) in overview for score in scores)


def test_benchmarks_run_beside_own_data_only_if_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "my.tsv").write_bytes(TSV)
    own = bb.own_bitext(tmp_path / "my.tsv")
    both = bb.evaluate(hashing(), ["Mini-Tatoeba", own], ["en", "fr"], "mini")
    assert [result.task for result in both.results] == ["Mini-Tatoeba", "own-bitext-my.tsv"]
    with pytest.raises(UserError, match="bitext is .*: expected a path"):  # not the benchmarks instead
        bb.evaluate(hashing(), [bb.own_bitext([])], languages=["de", "sw"])
    with pytest.raises(UserError, match="name the benchmarks to score in tasks"):
        bb.evaluate(hashing(), [own], ["en", "fr"], "mini")


WRONG: dict[str, tuple[dict[str, bytes], str, list[str], str]] = {
    "one column": (
        {"my.tsv": b"a\tb\nc\n"},
        "bitext",
        ["de", "sw"],
        "my.tsv:2: 1 column, expected 2: de TAB",
    ),
    "a column less than the header": (
        {"my.tsv": b"de\tsw\na\tb\nc\n"},
        "bitext",
        ["de", "sw"],
        "my.tsv:3: 1 column, exp.* 2 as",
    ),
    "no language in the TMX": (
        {"my.tmx": tmx([{"de": "a", "fr": "b"}])},
        "bitext",
        ["de", "sw"],
        "my.tmx: none of 1 units has de and sw; found de, fr",
    ),
    "other lengths": (
        {"my.de": b"a\nb\n", "my.sw": b"a\n"},
        "bitext",
        ["de", "sw"],
        "my.de has 2 lines and .*my.sw has 1, so my.de:2 has no translation: expected line i of one to",
    ),
    "an empty file of several": (
        {"d/de.txt": b"a\n", "d/sw.txt": b""},
        "bitext",
        ["de", "sw"],
        "sw.txt:1: the file is empty: expected one sentence per line",
    ),
    "other lengths of several": ({"d/de.txt": b"a\nb\n", "d/sw.txt": b"a\n"}, "bitext", [], "de.txt has 2 lines and"),
    "a language less": (
        {"d/de.txt": b"a\n", "d/fr.txt": b"a\n"},
        "bitext",
        ["de", "sw"],
        "has no sw.txt; it has de.txt",
    ),
    "no languages": ({"my.tsv": b"a\tb\n"}, "bitext", [], "needs the languages of its two sides, in order"),
    "one language": ({"my.tsv": b"a\tb\n"}, "bitext", ["de"], "but only de was given: add them, like de sw"),
    "three languages": (
        {"my.tsv": b"a\tb\n"},
        "bitext",
        ["de", "sw", "fr"],
        "has two languages, but 3 were given",
    ),
    "three languages for keys without a language": (
        {"my.jsonl": b'{"source": "a", "target": "b"}\n'},
        "bitext",
        ["de", "sw", "fr"],
        "my.jsonl has rows without the names of their languages, so it has two languages, but more were given",
    ),
    "an empty side": (
        {"my.tsv": b"a\tb\nc\t \n"},
        "bitext",
        ["de", "sw"],
        r"my.tsv:2: one side is empty \(1 of 2 pairs\)",
    ),
    "an empty file": (
        {"my.tsv": b""},
        "bitext",
        ["de", "sw"],
        "my.tsv:1: the file has no pairs: expected de and sw sentences",
    ),
    "another format": (
        {"my.xls": b"a"},
        "bitext",
        ["de", "sw"],
        "my.xls: expected .tsv, .csv, .jsonl, .json, .tmx, .po, .parquet",
    ),
    "no file": ({}, "bitext", ["de", "sw"], "nothing: no such file or directory"),
    "two files of pairs": (
        {"a.tsv": b"a\tb\n", "b.tsv": b"a\tb\n"},
        "bitext",
        ["de", "sw"],
        "a.tsv b.tsv: two files must be plain text, one sentence per line, and a.tsv is a file of pairs: pass one file",
    ),
    "two files of pairs in JSON": (
        {"a.sw": b"a\n", "b.jsonl.gz": b""},
        "bitext",
        ["de", "sw"],
        "and b.jsonl.gz is a file of pairs",
    ),
    "files of other languages": (
        {"a.fr": b"a\n", "a.sw": b"a\n"},
        "bitext",
        ["de", "sw"],
        "a.fr a.sw: the names say fr and sw; expected de and sw: change languages or rename the files",
    ),
    "two files of one language": ({"a.sw": b"a\n", "b.sw.gz": b""}, "bitext", ["de", "sw"], "the names say sw and sw"),
    "one language in the wrong place twice": (
        {"a.sw": b"a\n", "b.sw.txt": b"a\n"},
        "bitext",
        ["sw", "de"],
        "the names say sw and sw; expected de and sw",
    ),
    "a header of other languages": (
        {"my.tsv": b"de\tsw\na\tb\n"},
        "bitext",
        ["de", "fr"],
        "my.tsv:1: the header names de, sw; expected de and fr: change the languages, or add the right header if",
    ),
    "a header with names of other languages": (
        {"my.tsv": b"English\tFrench\na\tb\n"},
        "bitext",
        ["de", "sw"],
        "my.tsv:1: the header names English, French; expected de and sw",
    ),
    "a header that names a column twice": (
        {"my.tsv": b"de\tde\na\tb\n"},
        "bitext",
        ["de", "de"],
        "my.tsv:1: the header de TAB de names a column twice: rename one",
    ),
    "a header alone": ({"my.tsv": b"de\tsw\n"}, "bitext", ["de", "sw"], "my.tsv:1: the file has no pairs"),
    "an empty line": (
        {"my.tsv": b"a\tb\n\n"},
        "bitext",
        ["de", "sw"],
        "my.tsv:2: an empty line, expected 2",
    ),
    "an empty line of JSON": (
        {"my.jsonl": b'{"de": "a", "sw": "b"}\n\n'},
        "bitext",
        ["de", "sw"],
        "my.jsonl:2: an empty line; expected one JSON object per line",
    ),
    "damaged JSON": (
        {"my.jsonl": b'{"de": "a"\n'},
        "bitext",
        ["de", "sw"],
        "my.jsonl:1: Expecting ',' delimiter in column 11; expected one",
    ),
    "a key given twice": (
        {"my.jsonl": b'{"de": "a", "sw": "b", "de": "c"}\n'},
        "bitext",
        ["de", "sw"],
        "my.jsonl:1: the key 'de' is given twice",
    ),
    "a directory without languages": (
        {"d/README.md": b""},
        "bitext",
        ["de", "sw"],
        "d has no de.txt; it has no such files: add the file",
    ),
    "a dataset without its owner": (
        {"hub:mine": b""},
        "bitext",
        ["de", "sw"],
        "hub:mine: expected hub:ORG/NAME or hub:",
    ),
    "ratings on the hub": (
        {"hub:ratings": b""},
        "sts",
        ["de"],
        "hub:ratings: rated pairs are read from a file: download",
    ),
    "another header of ratings": (
        {"my.tsv": b"text1\ttext2\tlabel\na b\ta c\t1\n"},
        "sts",
        ["de"],
        "my.tsv:1: the score 'label' is not a number, expected sentence1 TAB sentence2 TAB score, or a header with",
    ),
    "four columns of ratings": ({"my.tsv": b"a\tb\t1\tc\n"}, "sts", ["de"], "my.tsv:1: 4 columns, expected sentence1"),
    "ratings in another parquet": (
        {"my.parquet": b"PAR1"},
        "sts",
        ["de"],
        "cannot read my.parquet as parquet",
    ),
    "a list of targets": (
        {"my.jsonl": b'{"de": "a", "sw": ["b", "c"]}\n'},
        "bitext",
        ["de", "sw"],
        r"my.jsonl:1: expected text on both sides, found .*; write one row for each translation",
    ),
    "line ends of old Macs": ({"my.tsv": b"a\tb\rc\td\r"}, "bitext", ["de", "sw"], r"my.tsv:1: a carriage return"),
    "equal ratings": (
        {"my.tsv": b"a\tb\t1\nc\td\t1.0\n"},
        "sts",
        ["de"],
        r"every score is 1 \(2 rows\), which has no corr",
    ),
    "one rating": ({"my.tsv": b"a\tb\t1\n"}, "sts", ["de"], r"my.tsv: every score is 1 \(1 row\)"),
    "no ratings": (
        {"my.tsv": b""},
        "sts",
        ["de"],
        "my.tsv:1: the file is empty: expected sentence1, sentence2, score in each row",
    ),
    "an empty line of ratings": (
        {"my.tsv": b"a\tb\t1\n\n"},
        "sts",
        ["de"],
        "my.tsv:2: an empty line, expected sentence1",
    ),
    "a score with an underscore": (
        {"my.tsv": b"a\tb\t1_0\n"},
        "sts",
        ["de"],
        "my.tsv:1: the score '1_0' is not a number",
    ),
    "a score of JSON's true": (
        {"my.jsonl": b'{"sentence1": "a", "sentence2": "b", "score": true}\n'},
        "sts",
        ["de"],
        "my.jsonl:1: the score True is not a number",
    ),
    "no score": (
        {"my.tsv": b"a\tb\t1\nc\td\n"},
        "sts",
        ["de"],
        "my.tsv:2: 2 columns, expected sentence1 TAB sentence2",
    ),
    "a score of words": ({"my.tsv": b"a\tb\thigh\n"}, "sts", ["de"], "my.tsv:1: the score 'high' is not a number"),
    "no key": ({"my.jsonl": b'{"sentence1": "a"}\n'}, "sts", ["de"], "my.jsonl:1: no sentence2; expected sentence1"),
    "no languages of ratings": ({"my.tsv": b"a\tb\t1\n"}, "sts", [], "needs one language, or those of the first and"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_in_one_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, option, languages, message = WRONG[case]
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    given = sorted({name.split("/")[0] for name in files}) or ["nothing"]
    chosen = ["--languages", *languages] if languages else []
    assert run("run", "--model", "toys:hashing", f"--{option}", *given, *chosen) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line)
    assert not list(tmp_path.rglob("results"))


def test_several_pairs_are_verified_and_compared_one_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for code, texts in (("de", DE), ("sw", SW), ("fr", [*SW[1:], "le chat"])):
        (folder / f"{code}.txt").write_bytes(lines(texts))
    for languages in (["de", "sw"], ["fr", "de", "sw"]):  # the second run adds to the file of the first
        own = ["--bitext", folder, "--languages", *languages, "--output", tmp_path / "results"]
        assert run("run", "--model", "toys:hashing", *own) == 0
    (file,) = (tmp_path / "results").rglob("*.json")
    assert {subset.subset for subset in read_result(file).subsets} == {"de-sw", "de-fr", "fr-sw"}
    assert run("verify", file, "--model", "toys:hashing", "--bitext", folder) == 0
    (folder / "fr.txt").write_bytes(lines(SW))
    assert run("verify", file, "--model", "toys:hashing", "--bitext", folder) == 1


def test_errors_show_the_sentences(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    errors = ["compare", "hashing", "--results", results, "--errors", "--format", "tsv"]
    assert run(*errors, "--data", tmp_path / "my.tsv") == 0
    out = capsys.readouterr().out
    assert "own-bitext-my.tsv" in out
    assert "baum c" in out
    assert "\tforward\t1\t" not in out  # the first source was found
    assert run(*errors, "--data", tmp_path / "rated.tsv") == 1
    assert "no texts: own-bitext-my.tsv: " in capsys.readouterr().err
    assert run(*errors, "--data", "mini") == 1
    assert "pass the --data that the results were made with" in capsys.readouterr().err


def test_the_page_shows_the_sentences(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "board.html"
    html = ["--format", "html", "--output", page]
    assert run("leaderboard", "--results", results, *html, "--data", tmp_path / "my.tsv") == 0
    assert "baum c" in page.read_text(encoding="utf-8")


def test_two_pairs_of_one_file_are_two_questions(tmp_path: Path) -> None:
    file = tmp_path / "my.jsonl"
    file.write_bytes(lines([json.dumps({"de": a, "sw": b, "fr": b}) for a, b in ROWS]))
    own = ["--bitext", file, "--languages", "de", "sw", "fr", "--output", tmp_path / "results"]
    assert run("run", "--model", "toys:hashing", *own) == 0
    (entry,) = read_results(tmp_path / "results").entries
    assert len({entry.sentences(subset) for subset in entry.subsets}) == 3
