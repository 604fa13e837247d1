"""`bitext_bench.mine`, beside the command on the same sentences."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from builders import write

import bitext_bench as bb
from bitext_bench.cli.main import main
from bitext_bench.data import open_source
from bitext_bench.languages import resolve


def letters(sentences: list[str]) -> list[list[float]]:
    return [[text.lower().count(c) + 0.1 for c in "abcdefghijklmnopqrstuvwxyz"] for text in sentences]


@pytest.mark.parametrize("margin", ["ratio", "csls"])
@pytest.mark.usefixtures("one_thread")
def test_the_pairs_are_those_of_the_command(margin: Any, tiny_model: Path, tmp_path: Path) -> None:
    bitext = open_source("mini").parallel("mini", resolve("fr"))
    source = [*bitext.source[:80], "", bitext.source[3], "   "]
    target = [bitext.target[5], *bitext.target[:60]]
    sides = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file, lines in zip(sides, (source, target), strict=True):
        write(file, lines)
    output = tmp_path / "pairs.tsv"
    assert main(["mine", *map(str, sides), "--model", str(tiny_model), "-o", str(output), "--margin", margin]) == 0
    with output.open(encoding="utf-8", newline="") as stream:
        expected = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = bb.mine(source, target, tiny_model, mining=bb.MiningOptions(margin))
    assert [(pair.source, pair.target) for pair in found] == [(row["source"], row["target"]) for row in expected]
    for name in ("score", "cosine"):
        values = [float(row[name]) for row in expected]
        np.testing.assert_allclose([getattr(pair, name) for pair in found], values, atol=2e-5)
    lines = [(pair.source_line, pair.target_line) for pair in found]
    assert lines == [(int(row["source_line"]), int(row["target_line"])) for row in expected]
    half = found[len(found) // 2].score
    kept = bb.mine(source, target, tiny_model, threshold=half, mining=bb.MiningOptions(margin))
    assert list(kept) == [pair for pair in found if pair.score >= half]
    assert list(found.to_pandas().columns) == list(found[0]._fields) and len(found[:3]) == 3


@pytest.mark.parametrize("selection", ["forward", "intersection"])
@pytest.mark.usefixtures("one_thread")
def test_selection_options_and_cache_are_those_of_the_command(selection: Any, tiny_model: Path, tmp_path: Path) -> None:
    bitext = open_source("mini").parallel("mini", resolve("fr"))
    source, target = bitext.source[:40], bitext.target[10:60]
    sides = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file, lines in zip(sides, (source, target), strict=True):
        write(file, list(lines))
    output, cache = tmp_path / "pairs.tsv", tmp_path / "cache"
    flags = ["--selection", selection, "--max-length", "4", "--prompt", "a "]
    assert main(["mine", *map(str, sides), "--model", str(tiny_model), "-o", str(output), *flags]) == 0
    with output.open(encoding="utf-8", newline="") as stream:
        expected = [(row["source"], row["target"]) for row in csv.DictReader(stream, delimiter="\t", quoting=3)]
    options = bb.ModelOptions(max_length=4, prompt="a ")
    mining = bb.MiningOptions(selection=selection, cache=cache)
    found = bb.mine(source, target, tiny_model, options=options, mining=mining)
    assert [(pair.source, pair.target) for pair in found] == expected
    assert any(cache.iterdir()) and expected


def test_a_sentence_is_in_one_pair() -> None:
    found = bb.mine(["un cafe", "la musique", "la musique"], ["music", "a coffee", "musical"], letters)
    assert len({pair.source for pair in found}) == len({pair.target for pair in found}) == len(found) == 2
    assert "<2 pairs>" in repr(found)


def test_equal_pairs_are_equal_for_any_iterable_of_sentences() -> None:
    source, target = ["un cafe", "la musique", "trois"], ["music", "a coffee", "three dogs"]
    found = bb.mine(source, target, letters)
    for kind in (iter, np.array, lambda side: pd.Series(side, index=[7, 8, 9])):
        again = bb.mine(kind(source), kind(target), letters)
        assert again == found and hash(again) == hash(found)
    assert found != found[:2] and found != list(found)


@pytest.mark.parametrize(
    ("source", "more", "message"),
    [
        ([], {}, "source has no sentence"),
        (["", " "], {}, "source has no sentence"),
        ("a text", {}, "source is a single string"),
        ([1], {}, "source 1 is a int"),
        (None, {}, "source is a NoneType: expected a list of sentences"),
        (3, {}, "source is a int"),
        ({"a": 1}, {}, "source is a dict"),
        (pd.DataFrame({"text": ["a"]}), {}, "source is a DataFrame"),
        (pd.Series(["a", None]), {}, "source 2 is a (float|NoneType): expected a sentence"),
        ([b"a"], {}, "source 1 is a bytes"),
        (["a", "b \ud800"], {}, r"source 2 has a lone surrogate, 'b \\ud800'"),
        (["a"], {"threshold": "1.0"}, "threshold is '1.0': expected a number"),
        (["a"], {"threshold": np.nan}, "threshold is nan: expected a number"),
        (["a"], {"mining": {"margin": "csls"}}, "mining is a dict: expected MiningOptions"),
        (["a"], {"mining": bb.MiningOptions(cache=cast(Any, 5))}, "cache is 5: expected the path of a directory"),
        (["a"], {"options": {}}, "options is a dict: expected ModelOptions"),
        (["a"], {"options": bb.ModelOptions(dtype="bf16")}, "the model is already loaded"),
    ],
)
def test_what_cannot_be_mined_is_refused(source: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(bb.UserError, match=message):
        bb.mine(source, ["b"], letters, **more)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"margin": "cosine"}, "unknown margin 'cosine'"),
        ({"pair": "xx-yy"}, "xx"),
        ({"pair": ("fr", "en")}, r"pair is \('fr', 'en'\): expected two languages, as in \"fr-en\""),
        ({"selection": "best"}, "unknown selection 'best': expected one of greedy, forward"),
    ],
)
def test_wrong_options_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(bb.UserError, match=message):
        bb.MiningOptions(**given)


def test_controls_are_shown_escaped() -> None:
    found = bb.mine(["a\x00b", "\u202eabc\x1b[31m"], ["a b", "abc\nd"], letters)
    lines = repr(found).splitlines()
    assert len(lines) == 3 and "".join(lines).replace("\t", "").isprintable()
    assert {pair.source for pair in found} == {"a\x00b", "\u202eabc\x1b[31m"}, "the pairs keep their text"


def test_a_model_that_needs_languages_says_so() -> None:
    class Needs:
        needs_language = True

        def encode(self, sentences: list[str], language: str) -> list[list[float]]:
            return [[1.0, float(len(text)), float(language == "fra_Latn")] for text in sentences]

    with pytest.raises(bb.UserError, match=r'pass MiningOptions\(pair="fr-en"\)'):
        bb.mine(["a"], ["b"], Needs())
    assert len(bb.mine(["a"], ["b"], Needs(), mining=bb.MiningOptions(pair="fr-en"))) == 1
