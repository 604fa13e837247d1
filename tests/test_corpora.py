"""Training corpora: every layout found and read, chosen and weighed."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from builders import write
from hypothesis import given
from hypothesis import strategies as st
from pair_layouts import EN_JA, LAYOUTS, PAIRS, ROWS, SIDES, TSV, jsonl, put

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, split_pair
from training.data.corpora import SentencePair, find_corpora, read_corpus, sample_weighted

REAL = Path(__file__).parents[2] / "shared" / "data" / "train"


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_rows_in_both_orders(tmp_path: Path, layout: str, compress: bool) -> None:
    put(tmp_path / "news", LAYOUTS[layout], compress=compress)
    (corpus,) = find_corpora(tmp_path, EN_JA)
    assert (corpus.name, corpus.pair, corpus.weight) == ("news", EN_JA, 1.0)
    header = layout.startswith("csv")  # takes a line
    assert read_corpus(corpus) == [SentencePair(n + header, a, b) for n, a, b in ROWS]
    (corpus,) = find_corpora(tmp_path, EN_JA.reversed)
    assert read_corpus(corpus) == [SentencePair(n + header, b, a) for n, a, b in ROWS]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_directory_itself_may_be_the_corpus(tmp_path: Path, layout: str) -> None:
    put(tmp_path / "news", LAYOUTS[layout])
    (corpus,) = find_corpora(tmp_path / "news", EN_JA)
    assert corpus.name == {"moses": "OPUS", "moses, reversed": "v1.2"}.get(layout, "news")
    assert [row[1:] for row in read_corpus(corpus)] == PAIRS


def test_several_opus_corpora_in_one_directory_have_names_of_their_own(tmp_path: Path) -> None:
    for stem in ("TED2020", "Tatoeba"):
        put(tmp_path, {f"{stem}.en-ja.en": SIDES[0], f"{stem}.en-ja.ja": SIDES[1]})
    assert [c.name for c in find_corpora(tmp_path, EN_JA)] == ["TED2020", "Tatoeba"]
    assert [c.name for c in find_corpora(tmp_path, EN_JA, ["TED2020:2"])] == ["TED2020"]


def test_what_is_no_corpus_of_the_pair_is_left_alone(tmp_path: Path) -> None:
    for name in (
        "train.en",
        "train.fr",
        "test.en",
        "test.ja",
        "train.ids",
        "en-fr.tsv",
        "en-ja.txt",
        "en-ja.tsv.bak",
        "notes-old.tsv",
        "en-fr/train.tsv",
        "en-ja/test.tsv",
    ):
        put(tmp_path / "a", {name: b""})
    put(tmp_path / ".hidden", {"en-ja.tsv": TSV})
    put(tmp_path / "b", {"en-ja.tsv": TSV})
    assert [c.name for c in find_corpora(tmp_path, EN_JA)] == ["b"]


def test_non_english_means_nothing_without_english(tmp_path: Path) -> None:
    put(tmp_path / "made", {"fr-ja.jsonl": jsonl([{"english": "a", "non_english": "b"}])})
    (corpus,) = find_corpora(tmp_path, LangPair.parse("fr-ja"))
    with pytest.raises(UserError, match="has english, non_english; expected fr and ja, source and target, or english"):
        read_corpus(corpus)


def test_a_dataset_of_the_hubs_cache_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "datasets--org--pairs/snapshots" / ("0a" * 20)
    put(folder, {"en-ja.tsv": TSV, "ted/en-ja.tsv": TSV})
    assert [corpus.name for corpus in find_corpora(folder, EN_JA)] == ["org/pairs", "ted"]
    assert [corpus.weight for corpus in find_corpora(folder, EN_JA, ["org/pairs:0.5"])] == [0.5]
    monkeypatch.chdir(folder)
    assert find_corpora(Path(), EN_JA)[0].name == "org/pairs"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("tico19", "tatoeba", "ted"):
        put(tmp_path / name, {"en-ja.tsv": TSV})
    put(tmp_path / "multi30k", {"en-fr.tsv": b"a\tb\n"})
    return tmp_path


def test_corpora_are_chosen_with_weights(root: Path) -> None:
    assert [c.name for c in find_corpora(root, EN_JA)] == ["tatoeba", "ted", "tico19"]
    # One that has other pairs only is for a run with several pairs.
    chosen = find_corpora(root, EN_JA, ["tico19:2.5", "ted", "multi30k"])
    assert [(c.name, c.weight) for c in chosen] == [("ted", 1.0), ("tico19", 2.5)]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (["tico"], r"unknown corpus 'tico': did you mean tico19\? .* has tatoeba, ted, tico19 for en-ja"),
        (["zzz"], r"unknown corpus 'zzz' \(.* has tatoeba"),
        (["ted:x"], "corpus 'ted:x': expected a name, or name:weight with a number above 0"),
        (["ted:0"], "number above 0"),
        (["ted:-1"], "number above 0"),
        (["ted:nan"], "number above 0"),
        (["ted:inf"], "number above 0"),
        ([":2"], "number above 0"),
        (["ted", "ted:2"], "the corpus ted is named twice"),
        (["multi30k"], r"no training pairs for en-ja in multi30k \(it has tatoeba, ted, tico19 for this pair\)"),
    ],
)
def test_a_bad_choice_is_named(root: Path, chosen: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        find_corpora(root, EN_JA, chosen)


def test_nothing_found_says_where_and_what_for(root: Path) -> None:
    words = (
        r"has no training pairs for en-ko in any corpus \(nothing there has this pair\): expected <corpus>/en-ko.tsv"
    )
    with pytest.raises(UserError, match=words):
        find_corpora(root, LangPair.parse("en-ko"))
    with pytest.raises(UserError, match="nowhere do not exist: expected a directory"):
        find_corpora(root / "nowhere", EN_JA)
    put(root / "ted", {"en-ja.jsonl": b""})
    with pytest.raises(UserError, match=r"ted has 2 files for en-ja: .*en-ja.jsonl, .*en-ja.tsv; keep one"):
        find_corpora(root, EN_JA)


def test_a_table_made_from_the_files_of_each_language_is_read_in_their_place(tmp_path: Path) -> None:
    put(tmp_path / "news", {"en-ja.tsv": TSV, "train.en": SIDES[0], "train.ja": SIDES[1]})
    [corpus] = find_corpora(tmp_path, EN_JA)
    assert [file.name for file in corpus.files] == ["en-ja.tsv"]


@pytest.mark.parametrize("side", ["en", "ja"])
def test_a_moses_file_alone(tmp_path: Path, side: str) -> None:
    put(tmp_path, {f"x.en-ja.{side}": SIDES[0]})
    with pytest.raises(UserError, match=rf"x.en-ja.{side} has no counterpart: expected x.en-ja.(en|ja) next to it"):
        find_corpora(tmp_path, EN_JA)


def test_the_sum_is_of_the_bytes(tmp_path: Path) -> None:
    put(tmp_path / "a", {"en-ja.tsv": TSV})
    put(tmp_path / "b", {"en-ja.en": SIDES[0], "en-ja.ja": SIDES[1]})
    one, two = find_corpora(tmp_path, EN_JA)
    assert one.sha256 == hashlib.sha256(TSV).hexdigest()
    both = "\n".join(hashlib.sha256(side).hexdigest() for side in SIDES)
    assert two.sha256 == hashlib.sha256(both.encode()).hexdigest()
    write(tmp_path / "b/en-ja.ja", ["x", "y", "z"])
    assert two.sha256 != hashlib.sha256(both.encode()).hexdigest()


@given(st.integers(0, 40), st.floats(0.01, 5), st.integers(0, 9))
def test_weights_draw_every_row_as_often_as_they_say(n: int, weight: float, seed: int) -> None:
    drawn = sample_weighted(range(n), weight, seed)
    counts = Counter(drawn)
    assert set(counts.values()) <= {int(weight), int(weight) + 1}
    assert abs(len(drawn) - n * weight) <= 0.5 + 1e-9
    assert drawn == sample_weighted(range(n), weight, seed)
    assert weight < 1 or set(drawn) == set(range(n))


def test_weight_one_changes_nothing_and_seeds_differ() -> None:
    assert sample_weighted("abc", 1, seed=3) == ["a", "b", "c"]
    assert sample_weighted(range(100), 0.5, seed=1) != sample_weighted(range(100), 0.5, seed=2)


def moses(stem: str, first: str, second: str, row: tuple[str, str]) -> dict[str, bytes]:
    name = f"{stem}.{first}-{second}"
    return {f"{name}.{first}": f"{row[0]}\n".encode(), f"{name}.{second}": f"{row[1]}\n".encode()}


FILES: list[tuple[str, dict[str, bytes], dict[str, str], list[str]]] = [
    ("en-zh", moses("OpenSubtitles", "en", "zh_cn", ("a", "简")), {"OpenSubtitles": "简"}, []),
    ("en-pt", moses("GNOME", "en", "pt_BR", ("a", "br")), {"GNOME": "br"}, []),
    ("en-zh", {"en-zh-CN.tsv": "a\t简\n".encode()}, {"data": "简"}, []),
    ("en-zh", {"c/zh-Hans-CN-en/train.tsv": "简\ta\n".encode()}, {"c": "简"}, []),
    (
        "en-zh",
        {**moses("OS", "en", "zh_cn", ("a", "简")), **moses("OS", "en", "zh_tw", ("b", "傳"))},
        {"OS": "简"},
        ["data: en-zh_tw is in another script than en-zh and is left out: request it with --pair"],
    ),
    (
        "en-zh_TW",
        {**moses("OS", "en", "zh_cn", ("a", "简")), **moses("OS", "en", "zh_tw", ("b", "傳"))},
        {"OS": "傳"},
        ["data: en-zh_cn is in another script than en-zho_Hant and is left out: request it with --pair"],
    ),
    (
        "en-pt",
        {**moses("GNOME", "en", "pt", ("a", "pt")), **moses("GNOME", "en", "pt_BR", ("b", "br"))},
        {"GNOME": "pt"},
        ["GNOME: en-pt is read for en-pt, not en-pt_BR; choose with --pair"],
    ),
    (
        "en-pt_BR",
        {"c/en-pt.tsv": b"a\tpt\n", "c/pt_BR-en.tsv": b"br\tb\n", "d/en-pt.tsv": b"c\td\n"},
        {"c": "br", "d": "d"},
        [
            "c: pt_BR-en is read for en-pt_BR, not en-pt; choose with --pair",
            "data/d/en-pt.tsv: pt is read because there is no pt_BR",
        ],
    ),
    ("en-no", {"c/en-nb.tsv": b"a\tbok\n", "c/en-nn.tsv": b"b\tny\n"}, {"c": "bok"}, []),
    (
        "en-nb",
        {"c/en-nb.tsv": b"a\tbok\n", "c/en-no.tsv": b"b\tno\n"},
        {"c": "bok"},
        ["c: en-nb is read for en-nb, not en-no; choose with --pair"],
    ),
    ("en-nb", {"c/en-no.tsv": b"b\tno\n"}, {"c": "no"}, []),
    ("en-nn", {"c/en-no.tsv": b"b\tno\n", "d/en-nn_NO.tsv": b"b\tny\n"}, {"d": "ny"}, []),
    ("en-he", {"c/iw-en.tsv": b"he\ta\n"}, {"c": "he"}, []),
    (
        "en-sr",
        {**moses("GNOME", "en", "sr", ("a", "ср")), **moses("GNOME", "en", "sr@latin", ("b", "sr"))},
        {"GNOME": "ср"},
        ["data: en-sr@latin is in another script than en-sr and is left out: request it with --pair"],
    ),
]


@pytest.mark.parametrize(("asked", "files", "targets", "said"), FILES)
def test_files_named_with_a_region_are_found_and_a_choice_is_reported(
    tmp_path: Path, asked: str, files: dict[str, bytes], targets: dict[str, str], said: list[str]
) -> None:
    put(tmp_path / "data", files)
    notes: list[str] = []
    found = find_corpora(tmp_path / "data", LangPair.parse(asked), codes=split_pair(asked), notes=notes)
    assert {corpus.name: [row.target for row in read_corpus(corpus, notes)] for corpus in found} == {
        name: [text] for name, text in targets.items()
    }
    assert [note.replace(f"{tmp_path}/", "") for note in notes] == said


def test_only_another_script_is_named_where_nothing_is_found(tmp_path: Path) -> None:
    put(tmp_path / "ted", {"en-zh_tw.tsv": b"a\tb\n"})
    with pytest.raises(UserError, match=r"nothing there has this pair; in another script: ted: en-zh_tw\)"):
        find_corpora(tmp_path, LangPair.parse("en-zh"))


def test_two_spellings_of_one_variant_are_two_files(tmp_path: Path) -> None:
    put(tmp_path / "ted", {"en-pt_BR.tsv": b"a\tb\n", "eng-por-BR.tsv": b"a\tb\n"})
    with pytest.raises(UserError, match="ted has 2 files for en-pt: .*keep one of them"):
        find_corpora(tmp_path, LangPair.parse("en-pt"))


@pytest.mark.shared
def test_the_real_corpora_are_all_found_and_read() -> None:
    rows = {x: sum(len(read_corpus(c)) for c in find_corpora(REAL, LangPair.parse(f"en-{x}"))) for x in ("fr", "ja")}
    assert rows == {"fr": 207_135, "ja": 122_499}
    assert [c.name for c in find_corpora(REAL / "tico19", LangPair.parse("ru-en"))] == ["tico19"]


def test_the_shards_of_a_parquet_file_are_read_in_order(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / "opus-100" / "en-ja"
    folder.mkdir(parents=True)
    for shard, texts in enumerate((["one", "two"], ["three"])):
        rows = [{"en": text, "ja": f"日{text}"} for text in texts]
        pq.write_table(pa.table({"translation": rows}), folder / f"train-0000{shard}-of-00002.parquet")
    (corpus,) = find_corpora(tmp_path, LangPair.parse("ja-en"))
    assert len(corpus.files) == 2 and len(corpus.sha256) == 64
    assert [tuple(row) for row in read_corpus(corpus)] == [
        (1, "日one", "one"),
        (2, "日two", "two"),
        (3, "日three", "three"),
    ]
    (folder / "train-00000-of-00002.parquet").unlink()
    with pytest.raises(UserError, match=r"en-ja has 1 of 2 shards train-00001-of-00002\.parquet"):
        find_corpora(tmp_path, LangPair.parse("ja-en"))


def test_several_directories_give_all_their_corpora(tmp_path: Path) -> None:
    for name in ("one/ted", "one/news", "two/talks", "two/ted"):
        (tmp_path / name).mkdir(parents=True)
    roots = [tmp_path / "one", tmp_path / "two"]
    for name, language in (("one/ted", "ja"), ("one/news", "ja"), ("two/talks", "ja"), ("two/ted", "ko")):
        (tmp_path / name / f"en-{language}.tsv").write_text("a\tb\n")
    assert [corpus.name for corpus in find_corpora(roots, EN_JA)] == ["news", "talks", "ted"]
    assert [(c.name, c.weight) for c in find_corpora(roots, EN_JA, ["talks:2"])] == [("talks", 2.0)]
    assert [corpus.name for corpus in find_corpora(roots, LangPair.parse("en-ko"))] == ["ted"]
    (tmp_path / "two/ted/en-ja.tsv").write_text("a\tb\n")
    with pytest.raises(UserError, match="one and .*two both have a corpus ted for en-ja: rename one of them"):
        find_corpora(roots, EN_JA)
    with pytest.raises(UserError, match="one and .*two has no training pairs for en-fr"):
        find_corpora(roots, LangPair.parse("en-fr"))
