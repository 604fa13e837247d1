"""Training corpora: every layout and format read the same, and bad files refused in one line."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import pytest
from builders import write
from hypothesis import given
from hypothesis import strategies as st

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, split_pair
from training.data.corpora import Corpus, SentencePair, find_corpora, read_corpus, sample_weighted

REAL = Path(__file__).parents[2] / "shared" / "data" / "train"
EN_JA = LangPair.parse("en-ja")
# U+2028 and \x85 end a line for str.splitlines, and for nobody else.
PAIRS = [("Hello, world.", "こんにちは、世界。"), ("one\u2028two\x85", "一 二"), ("  padded ", "余白 ")]
ROWS = [SentencePair(i, a, b) for i, (a, b) in enumerate(PAIRS, start=1)]
TMX = '<?xml version="1.0"?><tmx version="1.4"><header/><body>{}</body></tmx>'


def tmx(units: Iterable[Mapping[str, str]]) -> bytes:
    """Return a translation memory of units, texts by code."""
    variants = (
        "".join(f'<tuv xml:lang="{code}"><seg>{text}</seg></tuv>' for code, text in unit.items()) for unit in units
    )
    return TMX.format("".join(f"<tu>{unit}</tu>" for unit in variants)).encode()


def jsonl(records: list[object]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def parquet(columns: dict[str, list[object]], group: int = 2) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as pq

    stream = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), stream, row_group_size=group)
    return bytes(stream.getvalue())


def csv_of(rows: Iterable[Iterable[object]], quoting: Literal[0, 1, 2, 3] = csv.QUOTE_MINIMAL) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=quoting).writerows(rows)
    return stream.getvalue().encode()


def sentences(number: int, english: str, japanese: str) -> dict[str, object]:
    """Return a sentence of a dialogue as in the Business Scene Dialogue corpus."""
    return {"no": number, "en_speaker": "A", "ja_speaker": "あ", "en_sentence": english, "ja_sentence": japanese}


TSV = "".join(f"{a}\t{b}\n" for a, b in PAIRS).encode()
SIDES = [("\n".join(side) + "\n").encode() for side in zip(*PAIRS, strict=True)]
ENGLISH, JAPANESE = ([*side] for side in zip(*PAIRS, strict=True))
LAYOUTS: dict[str, dict[str, bytes]] = {
    "tsv": {"en-ja.tsv": TSV},
    "tsv, other codes": {"eng-jpn.tsv": TSV},
    "tsv, scripts": {"eng_Latn-jpn_Jpan.tsv": TSV},
    "tsv, byte-order mark and CR LF": {"en-ja.tsv": b"\xef\xbb\xbf" + TSV.replace(b"\n", b"\r\n")},
    "tsv, no last line end": {"en-ja.tsv": TSV.removesuffix(b"\n")},
    "jsonl, languages": {"en-ja.jsonl": jsonl([{"en": a, "ja": b} for a, b in PAIRS])},
    "jsonl, other order and codes": {"en-ja.jsonl": jsonl([{"id": 7, "jpn_Jpan": b, "eng": a} for a, b in PAIRS])},
    "jsonl, languages win over the name": {"ja-en.jsonl": jsonl([{"en": a, "ja": b} for a, b in PAIRS])},
    "jsonl, source": {"en-ja.jsonl": jsonl([{"source": a, "target": b} for a, b in PAIRS])},
    "jsonl, translation": {"en-ja.jsonl": jsonl([{"translation": {"en": a, "ja": b}} for a, b in PAIRS])},
    "parquet, languages": {"en-ja.parquet": parquet({"ja": JAPANESE, "en": ENGLISH})},
    "parquet, source": {"en-ja.parquet": parquet({"source": ENGLISH, "target": JAPANESE})},
    "parquet, translation": {"en-ja/train.parquet": parquet({"translation": [{"en": a, "ja": b} for a, b in PAIRS]})},
    "jsonl, sentences": {"en-ja.jsonl": jsonl([{"ja_sentence": b, "en_sentence": a} for a, b in PAIRS])},
    "parquet, sentences": {"en-ja.parquet": parquet({"sentence_jpn_Jpan": JAPANESE, "sentence_eng_Latn": ENGLISH})},
    "tsv, languages of each row": {"eng-jpn.tsv": "".join(f"eng\tjpn\t{a}\t{b}\n" for a, b in PAIRS).encode()},
    "tsv, languages in either order": {
        "en-ja.tsv": "".join(
            f"ja\ten\t{b}\t{a}\n" if n else f"en\tja\t{a}\t{b}\n" for n, (a, b) in enumerate(PAIRS)
        ).encode()
    },
    "csv, languages": {"en-ja.csv": csv_of([("id", "Japanese", "en"), *((7, b, a) for a, b in PAIRS)])},
    "csv, source": {"en-ja.csv": csv_of([("source", "reference"), *PAIRS])},
    "csv, quoted": {"ja-en.csv": csv_of([("target", "source"), *PAIRS], csv.QUOTE_ALL)},
    "json, source": {"ja-en.json": json.dumps([{"source": b, "target": a} for a, b in PAIRS]).encode()},
    "json, translation": {"en-ja.json": json.dumps([{"translation": {"en": a, "ja": b}} for a, b in PAIRS]).encode()},
    "json, one long line": {
        "en-ja.json": json.dumps([{"id": "x" * 1_100_000}, *({"en": a, "ja": b} for a, b in PAIRS)]).encode()
    },
    "json, one object per line": {"en-ja.json": jsonl([{"en": a, "ja": b} for a, b in PAIRS])},
    "json, conversations": {
        "en-ja/train.json": json.dumps(
            [
                {
                    "id": "a",
                    "original_language": "en",
                    "conversation": [sentences(1, *PAIRS[0]), sentences(2, *PAIRS[1])],
                },
                {"id": "b", "conversation": [sentences(1, *PAIRS[2])]},
            ],
            indent=2,
        ).encode()
    },
    "json, lists in a list": {
        "en-ja.json": json.dumps([[sentences(1, *PAIRS[0])], [sentences(n, *PAIRS[n]) for n in (1, 2)]]).encode()
    },
    "a folder of the pair": {"ja-en/train.tsv": "".join(f"{b}\t{a}\n" for a, b in PAIRS).encode()},
    "tmx": {"en-ja.tmx": tmx({"en": a, "ja": b} for a, b in PAIRS)},
    "tmx, regions": {"ja-en.tmx": tmx({"EN-us": a, "ja_JP": b} for a, b in PAIRS)},
    "moses": {"OPUS.en-ja.en": SIDES[0], "OPUS.en-ja.ja": SIDES[1], "OPUS.en-ja.ids": b"1\n", "README": b""},
    "moses, bare": {"en-ja.en": SIDES[0], "en-ja.ja": SIDES[1]},
    "moses, reversed": {"v1.2.ja-en.en": SIDES[0], "v1.2.ja-en.ja": SIDES[1]},
    "a file for each language": {
        "train.en": SIDES[0],
        "train.ja": SIDES[1],
        "train.fr": b"x\n",
        "dev.en": b"",
        "dev.ja": b"",
    },
    "the same with a prefix": {"en-ja.v1.train.jpn": SIDES[1], "en-ja.v1.train.eng": SIDES[0]},
    "tsv, reversed": {"ja-en.tsv": "".join(f"{b}\t{a}\n" for a, b in PAIRS).encode()},
    "jsonl, english": {"en-ja.jsonl": jsonl([{"non_english": b, "english": a} for a, b in PAIRS])},
    "parquet, english": {"en-ja.parquet": parquet({"english": ENGLISH, "non_english": JAPANESE})},
    "parquet, english reversed": {"ja-en.parquet": parquet({"non_english": JAPANESE, "english": ENGLISH})},
    "parquet, english and translation": {
        "en-ja.parquet": parquet({"translation": [{"english": a, "non_english": b} for a, b in PAIRS]})
    },
    "parquet, names of languages": {"en-ja.parquet": parquet({"Japanese": JAPANESE, "english": ENGLISH})},
    "jsonl, src": {"en-ja.jsonl": jsonl([{"tgt": b, "src": a} for a, b in PAIRS])},
    "parquet, sentence1": {"ja-en.parquet": parquet({"sentence2": ENGLISH, "sentence1": JAPANESE, "score": [1, 1, 1]})},
    "jsonl, source reversed": {"jpn-eng.jsonl": jsonl([{"source": b, "target": a} for a, b in PAIRS])},
}


def put(folder: Path, files: dict[str, bytes], *, compress: bool = False) -> None:
    for name, content in files.items():
        plain = not compress or name.endswith(("parquet", "README"))
        file = folder / (name if plain else f"{name}.gz")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if plain else gzip.compress(content))


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


def test_the_license_that_manythings_adds_to_each_row_is_left_out(tmp_path: Path) -> None:
    license = "CC-BY 2.0 (France) Attribution: tatoeba.org #1 (CK) & #2 (tomo)"
    put(tmp_path / "manythings", {"en-ja.tsv": f"Hi.\tやあ。\t{license}\nRun!\t走れ！\t{license}\n".encode()})
    [corpus] = find_corpora(tmp_path, EN_JA)
    assert read_corpus(corpus) == [(1, "Hi.", "やあ。"), (2, "Run!", "走れ！")]


def test_rows_may_name_their_languages(tmp_path: Path) -> None:
    rows = [("source_language", "target_language", "source", "reference")]
    rows += [("en", "ja", "Hi.", "やあ。"), ("en", "fr", "Hi.", "Salut."), ("ja", "en", "走れ！", "Run!")]
    for name in ("en-ja.csv", "en-ja.jsonl", "en-ja.parquet"):
        records = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        contents = {
            "csv": csv_of(rows),
            "jsonl": jsonl([*records]),
            "parquet": parquet({key: [record[key] for record in records] for key in rows[0]}),
        }
        put(tmp_path / name, {name: contents[name.partition(".")[2]]})
        [corpus] = find_corpora(tmp_path / name, EN_JA)
        assert [row[1:] for row in read_corpus(corpus)] == [("Hi.", "やあ。"), ("Run!", "走れ！")]


def test_languages_in_the_first_row_alone_are_a_header(tmp_path: Path) -> None:
    put(tmp_path / "news", {"en-ja.tsv": "en\tja\tid\turl\nHi.\tやあ。\t1\tx\n".encode()})
    [corpus] = find_corpora(tmp_path, EN_JA)
    assert read_corpus(corpus) == [(2, "Hi.", "やあ。")]


def test_a_table_made_from_the_files_of_each_language_is_read_in_their_place(tmp_path: Path) -> None:
    put(tmp_path / "news", {"en-ja.tsv": TSV, "train.en": SIDES[0], "train.ja": SIDES[1]})
    [corpus] = find_corpora(tmp_path, EN_JA)
    assert [file.name for file in corpus.files] == ["en-ja.tsv"]


@pytest.mark.parametrize("side", ["en", "ja"])
def test_a_moses_file_alone(tmp_path: Path, side: str) -> None:
    put(tmp_path, {f"x.en-ja.{side}": SIDES[0]})
    with pytest.raises(UserError, match=rf"x.en-ja.{side} has no counterpart: expected x.en-ja.(en|ja) next to it"):
        find_corpora(tmp_path, EN_JA)


def broken_gzip() -> bytes:
    return gzip.compress(TSV)[:-12]


def bomb(head: bytes, byte: int) -> Callable[[], bytes]:
    return lambda: gzip.compress(head) + gzip.compress(bytes([byte]) * (8 << 20)) * 20


BAD: dict[str, tuple[str, bytes | Callable[[], bytes], str]] = {
    "one column": ("en-ja.tsv", b"a\tb\nab\n", "en-ja.tsv:2: 1 column, expected 2: en TAB ja"),
    "three columns": ("ja-en.tsv", b"a\tb\tc\n", "ja-en.tsv:1: 3 columns, expected 2: ja TAB en"),
    "no line": ("en-ja.tsv", b"", "en-ja.tsv is empty: expected en and ja sentences"),
    "not UTF-8": ("en-ja.tsv", b"a\t\xff\n", "en-ja.tsv:1: not UTF-8, byte 2 of the line is 0xff"),
    "not UTF-8, packed": (
        "en-ja.tsv.gz",
        gzip.compress(b"a\t\xff\n"),
        "en-ja.tsv.gz:1: not UTF-8, byte 2 of the line is 0xff",
    ),
    "cut gzip": ("en-ja.tsv.gz", broken_gzip, "en-ja.tsv.gz:1: the file is not a complete gzip file"),
    "no gzip": ("en-ja.jsonl.gz", b"{}", "is not a complete gzip file .*Not a gzipped file"),
    "damaged gzip": ("en-ja.tsv.gz", gzip.compress(TSV)[:20] + b"\0" * 40, "is not a complete gzip file"),
    "no JSON": ("en-ja.jsonl", b'{"en": "a", "ja": "b"}\n{"en": \n', "en-ja.jsonl:2: Expecting value.*one JSON object"),
    "deep JSON": ("en-ja.jsonl", b"[" * 100_000, "en-ja.jsonl:1: .*expected one JSON object"),
    "a JSON list": ("en-ja.jsonl", b'["a", "b"]\n', "en-ja.jsonl:1: expected a JSON object, found"),
    "other keys": ("en-ja.jsonl", b'{"en": "a", "fr": "b"}\n', "en-ja.jsonl:1: has en, fr; expected en and ja, source"),
    "a null": ("en-ja.jsonl", b'{"en": "a", "ja": null}\n', "jsonl:1: expected text on both sides, found 'None'"),
    "half a character": ("en-ja.jsonl", b'{"en": "a", "ja": "\\ud800"}\n', "jsonl:1: half a character"),
    "one side alone": (
        "en-ja.json",
        b'[{"en": "a", "ja": "b"}, {"en": "a"}]',
        "json: pair 2: has en; expected en and ja",
    ),
    "no JSON document": ("en-ja.json", b'[{"en": "a",\n "ja"}]', "en-ja.json:2: not JSON: Expecting ':'"),
    "a deep document": ("en-ja.json", b"[" * 100_000, "en-ja.json: cannot read this JSON: maximum recursion"),
    "JSON in another encoding": (
        "en-ja.json",
        b'[{"en": "a", "ja": "\xff"}]',
        "en-ja.json: not UTF-8, byte 20: convert",
    ),
    "an empty document": ("en-ja.json", b"", "en-ja.json is empty: expected en and ja sentences"),
    "no pairs in JSON": (
        "en-ja.json",
        b'{"data": [1, {"id": 2}]}',
        "en-ja.json: no object has en and ja: expected keys",
    ),
    "lists in JSON": ("en-ja.json", b'{"en": ["a"], "ja": ["b"]}', "json: pair 1: expected text on both sides, found"),
    "an open quote": ("en-ja.csv", b'a,b\n"c,d\n', "en-ja.csv:2: not CSV: unexpected end of data"),
    "a row too long": ("en-ja.csv", b"en,ja\na,b\na,b,c\n", "en-ja.csv:3: 3 columns, expected 2 as in the header"),
    "rows in other languages": (
        "en-ja.tsv",
        b"eng\tfra\ta\tb\neng\tdeu\ta\tc\n",
        "en-ja.tsv: no row names en and ja; the last one names eng and deu",
    ),
    "no parquet": ("en-ja.parquet", b"PAR1", "cannot read .*en-ja.parquet as parquet"),
    "other columns": ("en-ja.parquet", lambda: parquet({"a": ["x"]}), "en-ja.parquet: has a; expected en and ja"),
    "a null in parquet": (
        "en-ja.parquet",
        lambda: parquet({"en": ["x", "y"], "ja": ["z", None]}),
        "en-ja.parquet: row 2: expected text on both sides",
    ),
    "no XML": ("en-ja.tmx", b"<tmx><body><tu>", "en-ja.tmx is not complete TMX: no element found"),
    "unknown encoding": (
        "en-ja.tmx",
        b'<?xml version="1.0" encoding="klingon"?><tmx/>',
        "is not complete TMX: .*encoding",
    ),
    "other languages": (
        "en-ja.tmx",
        tmx({"en": a, "fr": b} for a, b in PAIRS),
        "en-ja.tmx: none of 3 units has en and ja; found en, fr",
    ),
    "a NUL": ("en-ja.tsv", b"a\tb\na\0\tb\n", "en-ja.tsv:2: a NUL byte"),
    "zeros without end": ("en-ja.tsv.gz", bomb(b"a\tb\n", 0), "en-ja.tsv.gz:2: longer than a megabyte"),
    "rows without end": (
        "en-ja.tsv.gz",
        lambda: gzip.compress((b"word " * 1_000 + b"\tb\n") * 1_000) * 20,
        "tsv.gz:[0-9]+: the file unpacks to more than 100 times its size",
    ),
    "parquet without end": (
        "en-ja.parquet",
        lambda: parquet({"en": ["word " * 2_000] * 9_000, "ja": ["b"] * 9_000}, 9_000),
        "en-ja.parquet: row 8192: the file unpacks to more than 100 times its size",
    ),
    "a unit without end": ("en-ja.tmx.gz", bomb(b"<tmx><body><tu>\n", 32), "en-ja.tmx.gz:2: no unit ends within 4 MB"),
    "an entity": (
        "en-ja.tmx",
        b'<!DOCTYPE tmx [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n<tmx><body><tu>&e;</tu></body></tmx>',
        "en-ja.tmx:1: declares the entity 'e'",
    ),
    "an undeclared entity": (
        "en-ja.tmx",
        b'<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx><body><tu>&nbsp;</tu></body></tmx>',
        "en-ja.tmx:2: the entity &nbsp; is not declared",
    ),
    "cut gzip of XML": (
        "en-ja.tmx.gz",
        gzip.compress(tmx({"en": a, "ja": b} for a, b in PAIRS))[:-9],
        "is not a complete gzip file",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    name, content, words = BAD[case]
    put(tmp_path / "c", {name: content() if callable(content) else content})
    (corpus,) = find_corpora(tmp_path, EN_JA)
    with pytest.raises(UserError, match=words) as error:
        read_corpus(corpus)
    assert "\n" not in str(error.value)


NAMESPACES = {
    "default": '<tmx xmlns="http://www.lisa.org/tmx14">{}</tmx>',
    "another": '<tmx xmlns="urn:x">{}</tmx>',
    "an external DTD": '<!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx>{}</tmx>',
}
UNIT = '<tu><tuv xml:lang="en"><seg>{}</seg></tuv><tuv xml:lang="ja"><seg>{}</seg></tuv></tu>'


@pytest.mark.parametrize("kind", NAMESPACES)
def test_tmx_in_any_namespace(tmp_path: Path, kind: str) -> None:
    body = "<header/><body>{}</body>".format("".join(UNIT.format(a, b) for a, b in PAIRS))
    put(tmp_path, {"en-ja.tmx": NAMESPACES[kind].format(body).encode()})
    (corpus,) = find_corpora(tmp_path, EN_JA)
    assert read_corpus(corpus) == ROWS


def test_tmx_with_a_prefix(tmp_path: Path) -> None:
    unit = '<t:tu><t:tuv xml:lang="en"><t:seg>a <t:hi>b</t:hi><t:ph>x</t:ph></t:seg></t:tuv>'
    unit += '<t:tuv xml:lang="ja"><t:seg>c</t:seg></t:tuv></t:tu>'
    put(tmp_path, {"en-ja.tmx": f'<t:tmx xmlns:t="http://www.lisa.org/tmx14"><t:body>{unit}</t:body></t:tmx>'.encode()})
    (corpus,) = find_corpora(tmp_path, EN_JA)
    assert read_corpus(corpus) == [SentencePair(1, "a b", "c")]


def test_moses_twins_of_unequal_length(tmp_path: Path) -> None:
    put(tmp_path, {"en-ja.en": b"a\nb\n", "en-ja.ja": b"c\n"})
    (corpus,) = find_corpora(tmp_path, EN_JA)
    with pytest.raises(UserError, match=r"en-ja.en has 2 lines and .*en-ja.ja has 1"):
        read_corpus(corpus)


def test_a_file_that_has_gone(tmp_path: Path) -> None:
    for name in ("x.tsv", "x.tsv.gz", "x.tmx"):
        corpus = Corpus("x", EN_JA, 1.0, (tmp_path / name,), False, ("en", "ja"), ("en", "ja"))
        with pytest.raises(UserError, match="cannot read .*No such file"):
            read_corpus(corpus)
        with pytest.raises(UserError, match="cannot read .*No such file"):
            _ = corpus.sha256


def test_tmx_keeps_text_and_leaves_mark_up(tmp_path: Path) -> None:
    unit = (
        '<tu><tuv lang="en"><seg>A <bpt i="1">&lt;b&gt;</bpt><hi>bold</hi> &amp; br<ph>x</ph>ave</seg></tuv>'
        '<tuv lang="ja"><seg>あ</seg></tuv></tu>'
    )
    other = '<tu><tuv xml:lang="en"><seg>only</seg></tuv><tuv xml:lang="zz-none"/></tu>'
    put(tmp_path, {"en-ja.tmx": TMX.format(other + unit).encode("utf-16").replace(b"\n", b"")})
    (corpus,) = find_corpora(tmp_path, EN_JA)
    assert read_corpus(corpus) == [SentencePair(2, "A bold & brave", "あ")]


def test_entities_that_explode_are_refused(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 11))
    body = '<tu><tuv xml:lang="en"><seg>&e10;</seg></tuv><tuv xml:lang="ja"><seg>b</seg></tuv></tu>'
    text = f'<!DOCTYPE tmx [<!ENTITY e0 "{"x" * 100}">{entities}]><tmx><body>{body}</body></tmx>'
    put(tmp_path, {"en-ja.tmx": text.encode()})
    (corpus,) = find_corpora(tmp_path, EN_JA)
    with pytest.raises(UserError, match="en-ja.tmx:1: declares the entity 'e0', which"):
        read_corpus(corpus)


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


# Variants of a language


def records(name: str, units: list[dict[str, str]]) -> dict[str, bytes]:
    """Return a file of a format with these texts by code."""
    if name.endswith("tmx"):
        return {name: tmx({code.replace("_", "-"): text for code, text in unit.items()} for unit in units)}
    if name.endswith("jsonl"):
        return {name: jsonl([*units])}
    return {name: parquet({code: [unit.get(code) for unit in units] for code in units[0]})}


# The pair asked for, the codes of a record, those of the texts that are read, and the report.
VARIANTS = [
    ("en-zh", "en_US zh_TW zh_CN", "en_US zh_CN", "zh rows by variant: zh.CN 1, zh.TW left out: another script"),
    ("en-zh", "en zh_TW zh", "en zh", "zh rows by variant: zh 1, zh.TW left out"),
    ("en-zho_Hant", "en_US zh_CN zh_TW", "en_US zh_TW", "Hant rows by variant: zh.TW 1, zh.CN left out"),
    ("en-zh-TW", "en_US zh_CN zh_Hant", "en_US zh_Hant", "zh-TW rows by variant: zh.Hant 1"),
    ("en-zh-Hant", "en zh_HK zh_TW", "en zh_TW", "zho_Hant rows by variant: zh.TW 1, zh.HK 0"),
    ("zh_HK-en", "en zh_HK zh_TW", "zh_HK en", "zh_HK rows by variant: zh.HK 1"),
    ("en-pt", "en pt_PT pt_BR", "en pt_BR", "pt rows by variant: pt.BR 1"),
    ("en-pt_PT", "en pt_PT pt_BR", "en pt_PT", "pt_PT rows by variant: pt.PT 1"),
    ("en-pt_PT", "en pt_BR", "en pt_BR", "pt_PT rows by variant: pt.BR 1"),
    ("en-pt", "en pt_AO pt", "en pt", "pt rows by variant: pt 1, pt.AO 0"),
    ("en_GB-fr", "fr en_US en_GB", "en_GB fr", "en_GB rows by variant: en.GB 1"),
    ("en-no", "en nn no", "en no", ""),
    ("en-nb", "en nn no", "en no", ""),
    ("en-nb", "en no nb_NO", "en nb_NO", "nb rows by variant: nb.NO 1, no 0"),
    ("en-nn", "en no nn_NO", "en nn_NO", ""),
    ("en-he", "en iw", "en iw", ""),
    ("en-id", "en in", "en in", ""),
    ("en-tl", "en fil_PH", "en fil_PH", ""),
    ("en-et", "en ekk", "en ekk", ""),
    ("en-zho_Hant", "en cmn_Hans cmn_Hant", "en cmn_Hant", "cmn.Hant 1, cmn.Hans left out"),
    ("en-fr", "en fr_ca", "en fr_ca", ""),
]


def check_variants(folder: Path, ending: str, asked: str, texts: dict[str, str], read: str, note: str) -> None:
    pair = LangPair.parse(asked)
    for order in (texts, dict(reversed(texts.items()))):
        put(folder, records(f"{pair}.{ending}", [order]))
        notes: list[str] = []
        (corpus,) = find_corpora(folder, pair, codes=split_pair(asked), notes=notes)
        assert read_corpus(corpus, notes) == [SentencePair(1, *(texts[code] for code in read.split()))]
        assert len(notes) == bool(note), notes
        assert not note or re.search(note, notes[0])


@pytest.mark.parametrize("ending", ["tmx", "jsonl", "parquet"])
@pytest.mark.parametrize(("asked", "codes", "read", "note"), VARIANTS)
def test_script_and_region_decide_between_the_variants_of_a_record(
    tmp_path: Path, ending: str, asked: str, codes: str, read: str, note: str
) -> None:
    check_variants(tmp_path, ending, asked, {code: f"in {code}" for code in codes.split()}, read, note)


@pytest.mark.parametrize("ending", ["tmx", "jsonl", "parquet"])
@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize(("full", "other"), [("PT", "BR"), ("BR", "PT")])
def test_a_blank_text_is_passed_over(tmp_path: Path, ending: str, blank: str, full: str, other: str) -> None:
    texts = {"en": "tea", f"pt_{full}": "cheio", f"pt_{other}": blank}
    note = f"pt rows by variant: pt.{full} 1, pt.{other} 0"
    check_variants(tmp_path, ending, "en-pt", texts, f"en pt_{full}", note)


@pytest.mark.parametrize("ending", ["tmx", "jsonl", "parquet"])
def test_another_script_is_not_read_instead(tmp_path: Path, ending: str) -> None:
    put(tmp_path / "corpus", records(f"en-zh.{ending}", [{"en": "tea", "zh_TW": "傳統"}]))
    (corpus,) = find_corpora(tmp_path, LangPair.parse("en-zh"))
    with pytest.raises(UserError, match="en-zh.*en.*zh.TW.*expected en and zh|has en and zh; found en, zh-TW"):
        read_corpus(corpus)


def test_units_of_a_memory_each_have_the_variant_that_is_full(tmp_path: Path) -> None:
    units = [
        {"en": "1", "pt_BR": "um"},
        {"en": "2", "pt_PT": "dois", "pt_BR": ""},
        {"en": "3", "pt_PT": "", "pt_BR": ""},
    ]
    put(tmp_path, records("en-pt.tmx", units))
    notes: list[str] = []
    (corpus,) = find_corpora(tmp_path, LangPair.parse("en-pt"), notes=notes)
    assert read_corpus(corpus, notes) == [
        SentencePair(1, "1", "um"),
        SentencePair(2, "2", "dois"),
        SentencePair(3, "3", ""),
    ]
    assert notes == [f"{tmp_path}/en-pt.tmx: pt rows by variant: pt-BR 2, pt-PT 1"]


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
