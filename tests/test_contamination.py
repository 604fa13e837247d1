"""Contamination: near matches against brute force, planted sentences, and the shipped training data."""

from __future__ import annotations

import gc
import json
import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
from builders import write

from bitext_bench.data import Source
from bitext_bench.data.hub import HubSource
from bitext_bench.data.local import LocalSource
from bitext_bench.data.mini import MiniSource
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, resolve
from bitext_bench.scoring.metrics import normalize_text
from bitext_bench.tasks import REPORTED
from training.data.contamination import NEAR, BenchmarkSentences, Match, NearIndex, find_contamination
from training.data.corpora import SentencePair, find_corpora, read_corpus

REAL = Path(__file__).parents[2] / "shared" / "data"
DENSE = ((0x2E80, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x10FFFF))


@cache
def grams(text: str) -> frozenset[str]:
    dense = [any(low <= ord(c) <= high for low, high in DENSE) for c in text]
    return frozenset(text[i : i + (2 if dense[i] else 3)] for i in range(len(text)))


def jaccard(a: str, b: str) -> float:
    common = len(grams(a) & grams(b))
    return common / (len(grams(a)) + len(grams(b)) - common)


@pytest.mark.parametrize(
    ("known", "asked", "similarity"),
    [
        ("abcdef", "abcdef", 1.0),
        ("abcdef", "abcdeg", 3 / 9),  # abc bcd cde | def ef f | deg eg g
        ("こんにちは", "こんにちわ", 3 / 7),  # こん んに にち | ちは は | ちわ わ
        ("a😀", "a😀", 1.0),
        ("x", "x", 1.0),
    ],
)
def test_similarity_by_hand(known: str, asked: str, similarity: float) -> None:
    assert jaccard(known, asked) == pytest.approx(similarity)
    found = NearIndex([known]).nearest([asked], 0.0)
    # Below 0.7 the index may miss a pair; what it finds is exact.
    assert found.get(asked, (similarity, known)) == (pytest.approx(similarity), known)


def mutated(text: str, letters: str, rng: random.Random) -> str:
    characters = list(text)
    for _ in range(rng.randint(0, 5)):
        at = rng.randrange(len(characters))
        change = rng.choice(["replace", "insert", "delete"])
        if change == "delete" and len(characters) > 3:
            del characters[at]
        elif change == "insert":
            characters.insert(at, rng.choice(letters))
        else:
            characters[at] = rng.choice(letters)
    return "".join(characters)


@pytest.mark.parametrize(
    "letters", ["abcdefghijklmnopqrstuvwxyz", "абвгдежзиклмнопрст", "日月火水木金土あいうえお가나다라"]
)
def test_near_matches_are_those_of_brute_force(letters: str) -> None:
    rng = random.Random(5)
    known = ["".join(rng.choices(letters, k=rng.randint(5, 80))) for _ in range(250)]
    asked = list(dict.fromkeys(mutated(rng.choice(known), letters, rng) for _ in range(300)))
    found = NearIndex(known).nearest(asked, NEAR)
    best = {text: max((jaccard(text, k), k) for k in known) for text in asked}
    near = {text: pair for text, pair in best.items() if pair[0] >= NEAR}
    assert len(near) > 60
    assert found.items() <= near.items()
    assert all(text in found for text, (similarity, _) in near.items() if similarity >= 0.85)
    assert len(found) >= 0.98 * len(near)


def test_an_index_of_nothing_finds_nothing() -> None:
    assert NearIndex([]).nearest(["a"], 0.8) == {}
    assert NearIndex(["a"]).nearest([], 0.8) == {}


@pytest.fixture(scope="module")
def mini() -> BenchmarkSentences:
    return BenchmarkSentences.build([MiniSource()])


def test_the_built_in_set_is_covered_in_all_languages(mini: BenchmarkSentences) -> None:
    others = ("fr-en", "ja-en", "ko-en", "ru-en")
    pairs = ("en-fr", "en-ja", "en-ko", "en-ru")
    assert mini.checked.tasks == {
        "Mini-Tatoeba": pairs,
        "Mini-mining": pairs,
        "Mini-xSIM": ("en", "fr", "ja", "ko", "ru"),
        "Mini-xSIMpp": ("en", "fr", "ja", "ko", "ru"),
        "Mini-STS": ("en-en", "en-fr", "fr-fr", "ja-ja", "ko-ko", "ru-ru"),
    }
    assert [mini.checked.covers("Mini-Tatoeba", pair.split("-")) for pair in (*others, "fr-ja")] == [True] * 4 + [False]
    assert {"Tatoeba", "FLORES-200", "STS12"} < set(mini.missing)
    assert not [name for name in mini.missing if name.startswith("Mini-") or name.endswith("-dev")]
    for code in ("en", "fr", "ja", "ko", "ru"):
        for sentence in MiniSource().parallel("mini", resolve(code)).source:
            assert normalize_text(sentence) in mini.sentences


def test_sentences_planted_in_each_column(mini: BenchmarkSentences) -> None:
    sets = {code: MiniSource().aligned("mini", resolve(code)).sentences for code in ("en", "fr", "ja")}
    long = max(sets["en"], key=len)
    rows = [
        SentencePair(1, "Nothing of the kind stands in any test.", "Rien de tel ne se trouve dans un test."),
        SentencePair(2, sets["en"][3].upper(), "autre"),
        SentencePair(3, "other", f"« {sets['ja'][4]} »"),
        SentencePair(4, sets["fr"][5], sets["ja"][6]),
        SentencePair(5, f"{long[:-1]}s", "autre"),
        SentencePair(6, "...", "!"),
    ]
    matches = find_contamination(rows, mini)
    assert [(x.row, x.side, x.kind) for x in matches] == [
        (1, "source", "exact"),
        (2, "target", "exact"),
        (3, "source", "exact"),
        (3, "target", "exact"),
        (4, "source", "near"),
    ]
    assert matches[1] == Match(2, "target", "exact", 1.0, matches[1].benchmark, sets["ja"][4])
    assert matches[1].benchmark.startswith("Mini-")
    assert NEAR <= matches[4].similarity < 1
    assert find_contamination(rows, mini) == matches
    assert find_contamination([], mini) == []


def test_every_task_of_a_directory_is_read(data_root: Path) -> None:
    write(data_root / "flores200_dataset/devtest/jpn_Jpan.devtest", [f"これは{i}番目の文です" for i in range(20)])
    benchmarks = BenchmarkSentences.build([LocalSource(data_root), MiniSource()])
    both = ("Tatoeba", "BUCC.v2", "BUCC-mining", "FLORES-200", "FLORES-200-xsimpp", "STSBenchmark", "Mini-STS")
    assert set(both) <= set(benchmarks.checked.tasks)
    assert set(benchmarks.checked.tasks).isdisjoint(benchmarks.missing)
    assert "has no STS12" in benchmarks.missing["STS12"]
    assert benchmarks.checked.tasks["Tatoeba"] == ("en-fr",)
    assert benchmarks.checked.tasks["FLORES-200"] == ("en", "fr", "ja")
    assert benchmarks.checked.tasks["STSBenchmark"] == ("en-en",)
    rows = [
        SentencePair(1, "The red cat sat on the mat!", "x"),
        SentencePair(2, "y", "これは7番目の文です。"),
        SentencePair(3, "the red cat sat", "z"),
    ]
    matches = find_contamination(rows, benchmarks)
    assert [(x.row, x.side, x.benchmark) for x in matches] == [
        (0, "source", "Tatoeba fr-en"),
        (1, "target", "FLORES-200 ja"),
    ]


def damaged_twin(root: Path) -> None:
    write(root / "tatoeba/v1/tatoeba.fra-eng.eng", ["one line"])


def without_twin(root: Path) -> None:
    (root / "tatoeba/v1/tatoeba.fra-eng.eng").unlink()


def empty_file(root: Path) -> None:
    write(root / "tatoeba/v1/tatoeba.fra-eng.fra", [])


def no_text(root: Path) -> None:
    (root / "tatoeba/v1/tatoeba.fra-eng.fra").write_bytes(b"\xff\xfe\n")


def without_kinds(root: Path) -> None:
    (root / "flores200_dataset/devtest_augmented/eng_Latn_errtype.devtest.json").unlink()


@pytest.mark.parametrize(
    ("damage", "task", "words"),
    [
        (damaged_twin, "Tatoeba", "20 lines and .* has 1"),
        (without_twin, "Tatoeba", "tatoeba.fra-eng.fra has no twin: .* has no tatoeba/v1/tatoeba.fra-eng.eng"),
        (empty_file, "Tatoeba", "tatoeba.fra-eng.fra:1: the file is empty"),
        (no_text, "Tatoeba", "not UTF-8"),
        (without_kinds, "FLORES-200-xsimpp", "has no twin"),
    ],
)
def test_a_damaged_benchmark_stops_unless_it_is_excluded(
    data_root: Path, damage: Callable[[Path], None], task: str, words: str
) -> None:
    damage(data_root)
    with pytest.raises(UserError, match=f"^cannot compare the training rows with {task}: .*{words}.*") as error:
        BenchmarkSentences.build([LocalSource(data_root)])
    assert f"pass --exclude-benchmarks {task};" in str(error.value)
    benchmarks = BenchmarkSentences.build([LocalSource(data_root)], excluded=[task])
    assert benchmarks.missing[task] == "excluded"
    assert task not in benchmarks.checked.tasks and "STSBenchmark" in benchmarks.checked.tasks


def test_a_language_that_a_directory_lacks_is_not_checked(data_root: Path) -> None:
    checked = BenchmarkSentences.build([LocalSource(data_root)]).checked
    assert checked.covers("Tatoeba", ["fr", "en"])
    assert not checked.covers("Tatoeba", ["ja", "en"])
    assert not checked.covers("FLORES-200", ["en", "ja"])
    assert not checked.covers("STS12", ["en"])


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_hub_has_to_deliver_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the hub's own client, from a folder of the hub's shape that has one benchmark, and then a part of it."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    others = [task.name for task in REPORTED if task.name not in ("STSBenchmark", "BUCC-mining")]
    with pytest.raises(UserError, match="cannot compare the training rows with STSBenchmark: cannot read .*mteb/sts"):
        BenchmarkSentences.build([HubSource(tmp_path)], excluded=others)
    folder = tmp_path / "mteb/stsbenchmark-sts"
    row = {"sentence1": "a sentence of the test", "sentence2": "another", "score": 1.0}
    write(folder / "validation.jsonl", [json.dumps(row)])
    with pytest.raises(UserError, match=r"STSBenchmark on the hub has no default test\. To train without"):
        BenchmarkSentences.build([HubSource(tmp_path)], excluded=others)
    write(folder / "test.jsonl", [json.dumps(row)])
    benchmarks = BenchmarkSentences.build([HubSource(tmp_path)], excluded=others)
    assert benchmarks.checked.tasks == {"STSBenchmark": ("en-en",)}
    assert "which are not on the hub" in benchmarks.missing["BUCC-mining"]
    assert len(find_contamination([SentencePair(1, "A sentence of the test.", "b")], benchmarks)) == 1
    gc.collect()  # of files that datasets leaves open, here and not in another test


class OwnLanguages(LocalSource):
    """The sets that the shipped training data were decontaminated against: those of these languages."""

    def languages(self, collection: str) -> Sequence[Language]:
        own = {resolve(code) for code in ("en", "fr", "ja", "ko", "ru")}
        return [] if collection.startswith("bucc") else [x for x in super().languages(collection) if x in own]


@pytest.fixture(scope="module")
def own() -> BenchmarkSentences:
    return BenchmarkSentences.build([OwnLanguages(REAL)])


def real_rows(pair: str) -> list[SentencePair]:
    return [row for corpus in find_corpora(REAL / "train", LangPair.parse(pair)) for row in read_corpus(corpus)]


@pytest.mark.shared
@pytest.mark.parametrize("pair", ["en-fr", "en-ja", "en-ko", "en-ru"])
def test_the_shipped_data_hold_no_exact_sentence_of_their_own_tests(own: BenchmarkSentences, pair: str) -> None:
    rows = real_rows(pair)
    matches = find_contamination(rows, own)
    exact = [x for x in matches if x.kind == "exact"]
    assert exact == []
    assert len(matches) < 0.002 * len(rows)


@pytest.mark.shared
def test_real_test_sentences_are_found_among_real_rows(own: BenchmarkSentences) -> None:
    source: Source = LocalSource(REAL)
    bitext = source.parallel("tatoeba", resolve("ja"))
    clean = real_rows("en-ja")[:20_000]
    near = [f"{text[:-1]} indeed." for text in bitext.target]
    near = [
        new
        for new, text in zip(near, bitext.target, strict=True)
        if jaccard(normalize_text(new), normalize_text(text)) >= NEAR
    ]
    planted = [SentencePair(0, b, a) for a, b in zip(bitext.source, bitext.target, strict=True)]
    planted += [SentencePair(0, text, "まったく別の文がここにある。") for text in near]
    matches = find_contamination([*clean, *planted], own)
    found = {(x.row - len(clean), x.side, x.kind) for x in matches}
    for i in range(1_000):
        assert {(i, "source", "exact"), (i, "target", "exact")} <= found
    assert len(near) > 50
    assert sum(i >= 1_000 and side == "source" and kind == "near" for i, side, kind in found) == len(near)
