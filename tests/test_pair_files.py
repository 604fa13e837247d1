"""Files of translation pairs: every format read the same, and bad files refused in one line."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pair_layouts import EN_JA, PAIRS, ROWS, TMX, TSV, csv_of, jsonl, parquet, po, put, tmx

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, split_pair
from training.data.corpora import Corpus, SentencePair, find_corpora, read_corpus


def test_the_license_that_manythings_adds_to_each_row_is_left_out(tmp_path: Path) -> None:
    license = "CC-BY 2.0 (France) Attribution: tatoeba.org #1 (CK) & #2 (tomo)"
    put(tmp_path / "manythings", {"en-ja.tsv": f"Hi.\tやあ。\t{license}\nRun!\t走れ！\t{license}\n".encode()})
    [corpus] = find_corpora(tmp_path, EN_JA)
    assert read_corpus(corpus) == [(1, "Hi.", "やあ。"), (2, "Run!", "走れ！")]


def test_rows_may_name_their_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
        assert f"{name}: 1 row in other languages left out; the last one names en and fr" in capsys.readouterr().err


def test_an_id_beside_the_pairs_is_no_indonesian(tmp_path: Path) -> None:
    documents = b'[{"id": "a", "turns": [{"en": "Hi.", "id": "Hai."}]}, {"id": "b", "turns": []}]'
    put(tmp_path / "talks", {"en-id.json": documents})
    [corpus] = find_corpora(tmp_path, LangPair.parse("en-id"))
    assert read_corpus(corpus) == [(1, "Hi.", "Hai.")]


def test_plural_forms_of_a_catalog(tmp_path: Path) -> None:
    message = 'msgid "a page"\nmsgid_plural "%d pages"\n'
    two = f'{message}msgstr[0] "une page"\nmsgstr[1] "%d pages"\n'
    two += '\nmsgctxt "sky"\nmsgid "a "\n"star\\n"\nmsgstr "une étoile\\n"\n'
    put(tmp_path / "app", {"en-fr.po": two.encode(), "en-ja.po": f'{message}msgstr[0] "%dページ"\n'.encode()})
    for language, rows in {
        "fr": [(1, "a page", "une page"), (1, "%d pages", "%d pages"), (2, "a star\n", "une étoile\n")],
        "ja": [(1, "%d pages", "%dページ")],
    }.items():
        [corpus] = find_corpora(tmp_path, LangPair.parse(f"en-{language}"))
        assert read_corpus(corpus) == rows


def test_languages_in_the_first_row_alone_are_a_header(tmp_path: Path) -> None:
    put(tmp_path / "news", {"en-ja.tsv": "en\tja\tid\turl\nHi.\tやあ。\t1\tx\n".encode()})
    [corpus] = find_corpora(tmp_path, EN_JA)
    assert read_corpus(corpus) == [(2, "Hi.", "やあ。")]


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
    "another language": (
        "en-ja.po",
        po(PAIRS, "fr"),
        "en-ja.po: its header says that the translations are fr; expected en to ja: change the languages or their",
    ),
    "the other direction": (
        "ja-en.po",
        po(PAIRS),
        "ja-en.po: its header says that the translations are ja; expected ja to",
    ),
    "no catalog": ("en-ja.po", TSV, "en-ja.po:1: not a gettext catalog: bad syntax"),
    "an open string": (
        "en-ja.po",
        b'msgid "a"\nmsgstr "b" c"\n',
        "en-ja.po:2: not a gettext catalog: unescaped double",
    ),
    "no message": ("en-ja.po", po([]), "en-ja.po is empty: expected en and ja sentences"),
    "a catalog in another encoding": (
        "en-ja.po",
        'msgid "a"\nmsgstr "あ"\n'.encode("euc-jp"),
        "en-ja.po: not UTF-8, byte 19: convert it",
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
