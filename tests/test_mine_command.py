"""`bitext-bench mine` as its user meets it: pairs found, thresholds, scoring, resuming, bad input."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders import write
from mining_material import N_PAIRS, corpora, lines, mine, report, rows, written

from bitext_bench.cli.main import main
from bitext_bench.mining.plan import KEPT
from bitext_bench.scoring.margin import MARGINS
from bitext_bench.scoring.mined_pairs import SELECTIONS
from bitext_bench.scoring.mined_pairs import mine as mine_vectors
from bitext_bench.scoring.neighbors import normalize, search_bidirectional


def slow_pairs(source: Path, target: Path) -> list[tuple[int, int]]:
    """What the BUCC task does with the same texts, best first."""
    from toys import hashing

    sides = []
    for file in (source, target):
        texts = file.read_text().split("\n")[:-1]
        sides.append(
            [(number, text) for number, text in enumerate(texts, 1) if text and texts.index(text) == number - 1]
        )
    vectors = [normalize(hashing().encode([text for _, text in side])) for side in sides]
    found = mine_vectors(search_bidirectional(vectors[0], vectors[1], 4))
    return [(sides[0][i][0], sides[1][j][0]) for i, j in zip(found.source, found.target, strict=True)]


@pytest.mark.parametrize("shard_lines", [7, 30, 1_000])
def test_the_pairs_are_those_of_the_bucc_task_whatever_the_shards(tmp_path: Path, shard_lines: int) -> None:
    source, target, _ = corpora(tmp_path)
    assert mine(source, target, "-o", tmp_path / "out.tsv", "--shard-lines", shard_lines) == 0
    assert lines(tmp_path / "out.tsv") == slow_pairs(source, target)


def test_texts_and_numbers_are_those_of_the_lines(tmp_path: Path) -> None:
    source, target, gold = corpora(tmp_path)
    mine(source, target, "-o", tmp_path / "out.tsv", "--threshold", "1.3")
    sides = [file.read_text().split("\n") for file in (source, target)]
    found = rows(tmp_path / "out.tsv")
    assert len(found) >= 0.9 * N_PAIRS
    assert len(set(lines(tmp_path / "out.tsv")) & set(gold)) >= 0.9 * len(found)
    for row in found:
        assert row["source"] == sides[0][int(row["source_line"]) - 1]
        assert row["target"] == sides[1][int(row["target_line"]) - 1]
    scores = [float(row["score"]) for row in found]
    assert scores == sorted(scores, reverse=True) and min(scores) >= 1.3
    about = report(tmp_path / "out.tsv")
    assert about["source"] == {"lines": 103, "blank": 1, "different": 100}
    assert about["pairs"] == len(found)


@pytest.mark.parametrize(
    ("selection", "margin"),
    [
        pytest.param(selection, margin, marks=[pytest.mark.slow] * (selection != "greedy" and margin != "ratio"))
        for selection in SELECTIONS
        for margin in MARGINS
    ],
)
def test_other_margins_and_selections_encode_and_search_nothing(
    tmp_path: Path, margin: str, selection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, gold = corpora(tmp_path)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    work = ["--work-dir", tmp_path / "work"]
    mine(source, target, "-o", tmp_path / "first.tsv", *work, model="toys:logging_")
    encoded, before = (tmp_path / "log").read_text(), written(tmp_path / "work")
    choice = ["--margin", margin, "--selection", selection]
    mine(source, target, "-o", tmp_path / "out.tsv", *work, *choice, model="toys:logging_")
    assert written(tmp_path / "work") == before
    assert set((tmp_path / "log").read_text().split("\n")) == set(encoded.split("\n")), "some are looked at again"
    found = lines(tmp_path / "out.tsv")
    assert len(set(found)) == len(found)
    assert len(set(found) & set(gold)) >= 0.9 * N_PAIRS
    if selection in ("greedy", "intersection"):
        assert len({i for i, _ in found}) == len(found) == len({j for _, j in found})
    if selection in ("forward", "backward"):
        assert len(found) == 100


@pytest.mark.parametrize("margin", MARGINS)
def test_csls_is_called_approximate_wherever_it_chooses(
    tmp_path: Path, margin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In what is said, in the report and in the help; the scores of given pairs are exact."""
    source, target, _ = corpora(tmp_path)
    mine(source, target, "-o", tmp_path / "out.tsv", "--margin", margin)
    said = f"csls is approximate: it ranks only each line's {KEPT} nearest lines, not all lines"
    assert (said in capsys.readouterr().err) == (margin == "csls")
    assert report(tmp_path / "out.tsv").get("csls_candidates") == (KEPT if margin == "csls" else None)
    mine(tmp_path / "out.tsv", "--score", "-o", tmp_path / "scored.tsv", "--margin", margin)
    assert "approximate" not in capsys.readouterr().err
    assert "csls_candidates" not in report(tmp_path / "scored.tsv")
    with pytest.raises(SystemExit):
        main(["mine", "--help"])
    said = f"csls is approximate: it chooses among each line's {KEPT} nearest lines, not among all"
    assert said in " ".join(capsys.readouterr().out.split())


def test_a_threshold_for_the_best_f1_or_a_precision(tmp_path: Path) -> None:
    source, target, gold = corpora(tmp_path)
    write(tmp_path / "gold", [f"{i}\t{j}" for i, j in gold])
    known = ["--gold", tmp_path / "gold", "--work-dir", tmp_path / "work"]
    mine(source, target, "-o", tmp_path / "f1.tsv", *known, "--gold-complete", "--best-f1")
    judged = report(tmp_path / "f1.tsv")["judged"]
    found = lines(tmp_path / "f1.tsv")
    n_right = len(set(found) & set(gold))
    assert judged["f1"]["value"] == pytest.approx(2 * n_right / (len(found) + len(gold)))
    mine(source, target, "-o", tmp_path / "low.tsv", *known, "--gold-complete", "--target-precision", "0.7")
    found = lines(tmp_path / "low.tsv")
    assert len(set(found) & set(gold)) / len(found) >= 0.7
    assert len(found) > len(lines(tmp_path / "f1.tsv"))


def test_texts_as_gold_are_the_same_as_their_lines(tmp_path: Path) -> None:
    source, target, gold = corpora(tmp_path)
    sides = [file.read_text().split("\n") for file in (source, target)]
    write(tmp_path / "numbers", [f"{i}\t{j}" for i, j in gold[:20]])
    write(tmp_path / "texts", [f"{sides[0][i - 1]}\t{sides[1][j - 1]}" for i, j in gold[:20]])
    for kind in ("numbers", "texts"):
        arguments = ["--gold", tmp_path / kind, "--target-precision", "0.9", "--work-dir", tmp_path / "work"]
        mine(source, target, "-o", tmp_path / f"{kind}.tsv", *arguments)
    assert report(tmp_path / "numbers.tsv")["judged"] == report(tmp_path / "texts.tsv")["judged"]
    assert rows(tmp_path / "numbers.tsv") == rows(tmp_path / "texts.tsv")


def test_planted_pairs_choose_the_threshold_and_are_not_written(tmp_path: Path) -> None:
    source, target, gold = corpora(tmp_path)
    # Made as the corpora's own pairs are, but for a word that tells them apart.
    draw = random.Random(1)
    fruits = [" ".join([f"apple{i}", *draw.choices([f"word{j}" for j in range(200)], k=6)]) for i in range(50)]
    planted = [(f"{fruit} fig{i}", f"{fruit} x") for i, fruit in enumerate(fruits)]
    write(tmp_path / "planted", ["\t".join(pair) for pair in planted])
    mine(
        source, target, "-o", tmp_path / "out.tsv", "--planted-pairs", tmp_path / "planted", "--target-precision", "0.9"
    )
    about = report(tmp_path / "out.tsv")
    judged = about["judged"]
    assert judged["known"] == 50
    assert about["source"] == {"lines": 103, "blank": 1, "different": 100}
    assert judged["lines_with_translation"]["low"] <= N_PAIRS <= judged["lines_with_translation"]["high"]
    found = lines(tmp_path / "out.tsv")
    precision = len(set(found) & set(gold)) / len(found)
    assert judged["precision"]["low"] <= precision <= judged["precision"]["high"]
    assert not any("apple" in row["source"] + row["target"] for row in rows(tmp_path / "out.tsv"))
    assert len(set(found) & set(gold)) >= 0.8 * N_PAIRS


def test_given_pairs_are_scored_in_their_order(tmp_path: Path) -> None:
    source, target, gold = corpora(tmp_path)
    sides = [file.read_text().split("\n") for file in (source, target)]
    pairs = [(sides[0][i - 1], sides[1][j - 1]) for i, j in gold] + [("blank here", ""), (sides[0][0], sides[1][0])]
    write(tmp_path / "pairs.tsv", ["\t".join(pair) for pair in pairs])
    for at, name in enumerate(("a", "b")):
        write(tmp_path / name, [pair[at] for pair in pairs])
    mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / "one.tsv")
    mine(tmp_path / "a", tmp_path / "b", "--score", "-o", tmp_path / "two.tsv")
    found = rows(tmp_path / "one.tsv")
    assert found == rows(tmp_path / "two.tsv")
    assert [(row["source"], row["target"]) for row in found] == pairs
    assert found[-2]["score"] == found[-2]["cosine"] == ""
    scores = [float(row["score"]) for row in found[:N_PAIRS]]
    mine(tmp_path / "one.tsv", "--score", "-o", tmp_path / "again.tsv", "--threshold", np.median(scores))
    kept = [row for row in found if row["score"] and float(row["score"]) >= np.median(scores) - 1e-6]
    assert [row["source"] for row in rows(tmp_path / "again.tsv")] == [row["source"] for row in kept]


def test_vectors_in_place_of_texts(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    meaning = generator.standard_normal((50, 16))
    np.save(tmp_path / "a.npy", (3 * meaning + 1).astype(np.float32))
    np.save(tmp_path / "b.npy", (meaning[::-1] + 1 / 3 + 0.01 * generator.standard_normal((50, 16))).astype(np.float16))
    from bitext_bench.cli.main import main

    files = [str(tmp_path / name) for name in ("a.npy", "b.npy")]
    assert main(["mine", *files, "-o", str(tmp_path / "out.tsv"), "--threshold", "1", "--shard-lines", "9"]) == 0
    found = [(int(row["source_row"]), int(row["target_row"])) for row in rows(tmp_path / "out.tsv")]
    assert sorted(found) == [(i, 49 - i) for i in range(50)]


def test_compressed_texts_are_the_same_texts(tmp_path: Path) -> None:
    import zstandard

    source, target, _ = corpora(tmp_path)
    mine(source, target, "-o", tmp_path / "plain.tsv")
    (tmp_path / "s.gz").write_bytes(gzip.compress(source.read_bytes().replace(b"\n", b"\r\n")))
    half = target.read_bytes()
    frames = zstandard.compress(half[:1000]) + zstandard.compress(half[1000:])
    (tmp_path / "t.zst").write_bytes(frames)
    mine(tmp_path / "s.gz", tmp_path / "t.zst", "-o", tmp_path / "packed.tsv.gz")
    assert gzip.decompress((tmp_path / "packed.tsv.gz").read_bytes()) == (tmp_path / "plain.tsv").read_bytes()


def gone(root: Path) -> list[str]:
    (root / "source.txt").unlink()
    return []


def empty(root: Path) -> list[str]:
    write(root / "source.txt", ["", " "])
    return []


def latin(root: Path) -> list[str]:
    (root / "target.txt").write_bytes(b"one\ncaf\xe9\n")
    return []


def nul(root: Path) -> list[str]:
    (root / "target.txt").write_bytes(b"one\ntw\0o\n")
    return []


def cut_gz(root: Path) -> list[str]:
    (root / "g.gz").write_bytes(gzip.compress(os.urandom(5_000))[:-100])
    return ["--planted-pairs", str(root / "g.gz"), "--best-f1"]


def cut_zst(root: Path) -> list[str]:
    import zstandard

    (root / "g.zst").write_bytes(zstandard.compress(b"a\tb\n" * 9)[:-2])
    return ["--planted-pairs", str(root / "g.zst"), "--best-f1"]


def gold(text: str) -> Callable[[Path], list[str]]:
    def make(root: Path) -> list[str]:
        (root / "gold").write_text(text)
        return ["--gold", str(root / "gold"), "--target-precision", "0.9"]

    return make


def pipe(root: Path) -> list[str]:
    os.mkfifo(root / "pipe")
    (root / "source.txt").unlink()
    (root / "source.txt").symlink_to(root / "pipe")
    return []


def flags(*words: str) -> Callable[[Path], list[str]]:
    return lambda root: list(words)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (gone, ["source.txt", "No such file"]),
        (empty, ["source.txt", "has no text"]),
        (latin, ["target.txt:2", "not UTF-8", "0xe9"]),
        (nul, ["target.txt:2", "NUL"]),
        (cut_gz, ["g.gz", "not a complete gzip"]),
        (cut_zst, ["g.zst", "not a complete zstandard"]),
        (gold(""), ["gold", "empty"]),
        (gold("1\t777\n"), ["gold:1", "no line 777", "target", "1 to 100"]),
        (gold("0\t7\n"), ["gold:1", "no line 0"]),
        (gold("102\t7\n1\t2\n"), ["gold:1", "line 102", "blank"]),
        (gold("nobody\tsays this\n"), ["gold:1", "the source side does not have the text"]),
        (gold("1\n"), ["gold:1", "TAB"]),
        (gold("1\t1\n"), ["none of the 1 known pairs is found"]),
        (pipe, ["source.txt is not a regular file", "write its text to a file"]),
        (flags("--shard", "3/2"), ["--shard 3/2", "i from 1 to N"]),
        (flags("--shard", "x"), ["--shard x"]),
        (flags("--target-precision", "1.5", "--gold", "g"), ["--target-precision 1.5"]),
        (flags("--target-precision", "0.9"), ["--gold FILE or --planted-pairs FILE"]),
        (flags("--gold", "g"), ["--target-precision P"]),
        (flags("--best-f1", "--threshold", "1"), ["expected one of"]),
        (flags("--score", "--best-f1"), ["--score accepts only --threshold"]),
        (flags("--score"), ["103 lines", "100", "line i"]),
        (flags("--max-memory", "10M"), ["--max-memory 10M is less than mine itself needs", "at least --max-memory"]),
        (flags("--max-memory", "much"), ["--max-memory much", "4G"]),
        (flags("-o", "pairs.csv"), ["pairs.csv", ".tsv"]),
        (flags("-o", "pairs.tmx"), ["--pair fr-en"]),
        (flags("-o", "nowhere/pairs.tsv"), ["nowhere does not exist"]),
        (flags("--pair", "french"), ["french"]),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path,
    spoil: Callable[[Path], list[str]],
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target, _ = corpora(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert mine(source, target, "-o", tmp_path / "out.tsv", *spoil(tmp_path)) == 1
    if spoil in (gone, empty, latin, nul):
        assert not (tmp_path / "out.tsv.work").exists(), "a run that could not begin leaves nothing"
    said = [line for line in capsys.readouterr().err.split("\n") if "error:" in line]
    assert len(said) == 1
    assert all(word in said[0] for word in words), said[0]
    assert not (tmp_path / "out.tsv").exists()


def test_a_model_that_wants_the_language_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target, _ = corpora(tmp_path)
    assert mine(source, target, "-o", tmp_path / "out.tsv", model="toys:with_language") == 1
    assert "--pair" in capsys.readouterr().err
    assert mine(source, target, "-o", tmp_path / "out.tsv", "--pair", "fr-en", model="toys:with_language") == 0


def test_an_encoder_that_gives_nan_is_named_with_its_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, ["red house", "blue house"])
    assert mine(tmp_path / "a", tmp_path / "b", "-o", tmp_path / "out.tsv", model="toys:nan") == 1
    assert "toys:nan gave NaN or infinity for 'blue house'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["one", "one\ntwo\nthree"])
def test_fewer_lines_than_neighbors(tmp_path: Path, text: str) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(text)
    for search in ("exact", "approximate"):
        mine(tmp_path / "a", tmp_path / "b", "-o", tmp_path / f"{search}.tsv", "--search", search)
        assert sorted(lines(tmp_path / f"{search}.tsv")) == [(i + 1, i + 1) for i in range(len(text.split("\n")))]
