"""Languages: every accepted spelling, the codes of the two data sets, and pairs of languages."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, find_language, languages, resolve

ROWS = list(languages().values())
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# code, Tatoeba, FLORES-200, name
KNOWN_ROWS = """
en|eng|eng_Latn|English
fr|fra|fra_Latn|French
ja|jpn|jpn_Jpan|Japanese
ko|kor|kor_Hang|Korean
ru|rus|rus_Cyrl|Russian
zh|cmn|zho_Hans|Chinese (Simplified)
zho_Hant||zho_Hant|Chinese (Traditional)
yue|yue|yue_Hant|Yue Chinese
wuu|wuu||Wu Chinese
ar|ara|arb_Arab|Arabic (Arabic script)
arb_Latn||arb_Latn|Arabic (Latin script)
arz|arz|arz_Arab|Egyptian Arabic
arq|arq||Algerian Arabic
fa|pes|pes_Arab|Persian
prs||prs_Arab|Dari
sq|sqi|als_Latn|Albanian
az|aze|azj_Latn|Azerbaijani
azb||azb_Arab|South Azerbaijani
et|est|est_Latn|Estonian
lv|lvs|lvs_Latn|Latvian
ltg||ltg_Latn|Latgalian
ms|zsm|zsm_Latn|Malay
max|max||North Moluccan Malay
mn|mon|khk_Cyrl|Mongolian
uz|uzb|uzn_Latn|Uzbek
ug|uig|uig_Arab|Uyghur
yi|yid|ydd_Hebr|Yiddish
ku|kur|kmr_Latn|Northern Kurdish
ckb||ckb_Arab|Central Kurdish
sw|swh|swh_Latn|Swahili
nb|nob|nob_Latn|Norwegian Bokmål
nn|nno|nno_Latn|Norwegian Nynorsk
tl|tgl|tgl_Latn|Tagalog
ceb|ceb|ceb_Latn|Cebuano
war|war|war_Latn|Waray
pam|pam||Kapampangan
cbk|cbk||Chavacano
kab|kab|kab_Latn|Kabyle
ber|ber||Berber
tzm||tzm_Tfng|Central Atlas Tamazight
dtp|dtp||Kadazan Dusun
kzj|kzj||Coastal Kadazan
gsw|gsw||Swiss German
swg|swg||Swabian
nds|nds||Low German
hsb|hsb||Upper Sorbian
dsb|dsb||Lower Sorbian
csb|csb||Kashubian
orv|orv||Old Russian
tzl|tzl||Talossan
lfn|lfn||Lingua Franca Nova
ie|ile||Interlingue
ia|ina||Interlingua
io|ido||Ido
ch|cha||Chamorro
kw|cor||Cornish
la|lat||Latin
fy|fry||Western Frisian
ne||npi_Deva|Nepali
or||ory_Orya|Odia
ps||pbt_Arab|Pashto
om||gaz_Latn|Oromo
mg||plt_Latn|Malagasy
ay||ayr_Latn|Aymara
kr||knc_Latn|Kanuri (Latin script)
knc_Arab||knc_Arab|Kanuri (Arabic script)
ks||kas_Arab|Kashmiri (Arabic script)
kas_Deva||kas_Deva|Kashmiri (Devanagari script)
ace||ace_Latn|Acehnese (Latin script)
ace_Arab||ace_Arab|Acehnese (Arabic script)
taq||taq_Latn|Tamasheq (Latin script)
taq_Tfng||taq_Tfng|Tamasheq (Tifinagh script)
ak||aka_Latn|Akan
tw||twi_Latn|Twi
fuv||fuv_Latn|Nigerian Fulfulde
quy||quy_Latn|Ayacucho Quechua
""".split("\n")[1:-1]

TATOEBA_CODES = """
    afr amh ang ara arq arz ast awa aze bel ben ber bos bre bul cat cbk ceb ces cha cmn cor csb cym
    dan deu dsb dtp ell eng epo est eus fao fin fra fry gla gle glg gsw heb hin hrv hsb hun hye ido
    ile ina ind isl ita jav jpn kab kat kaz khm kor kur kzj lat lfn lit lvs mal mar max mhr mkd mon
    nds nld nno nob nov oci orv pam pes pms pol por ron rus slk slv spa sqi srp swe swg swh tam tat
    tel tgl tha tuk tur tzl uig ukr urd uzb vie war wuu xho yid yue zsm
""".split()

FLORES_CODES = """
    ace_Arab ace_Latn ajp_Arab als_Latn apc_Arab arb_Arab arb_Latn asm_Beng ayr_Latn azb_Arab
    azj_Latn bjn_Arab bjn_Latn bod_Tibt crh_Latn dik_Latn ell_Grek eng_Latn fuv_Latn gaz_Latn
    grn_Latn kas_Arab kas_Deva khk_Cyrl kmr_Latn knc_Arab knc_Latn kor_Hang lvs_Latn min_Arab
    min_Latn mni_Beng npi_Deva ory_Orya pbt_Arab pes_Arab plt_Latn prs_Arab quy_Latn sat_Olck
    srp_Cyrl swh_Latn taq_Latn taq_Tfng tzm_Tfng uzn_Latn ydd_Hebr yue_Hant zho_Hans zho_Hant
    zsm_Latn zul_Latn
""".split()


def test_the_table_joins_the_codes_of_one_language() -> None:
    rows = [languages()[line.partition("|")[0]] for line in KNOWN_ROWS]
    assert ["|".join((row.code, row.tatoeba, row.flores, row.name)) for row in rows] == KNOWN_ROWS


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fr", "fr"),
        ("fra", "fr"),
        ("fra_Latn", "fr"),
        ("French", "fr"),
        ("FRENCH", "fr"),
        ("jpn-Jpan", "ja"),
        ("JPN_JPAN", "ja"),
        (" ja ", "ja"),
        ("zho", "zh"),
        ("cmn", "zh"),
        ("zh-Hans", "zh"),
        ("cmn-Hans", "zh"),
        ("Chinese", "zh"),
        ("chinese (traditional)", "zho_Hant"),
        ("zho-Hant", "zho_Hant"),
        ("ara", "ar"),
        ("arb", "ar"),
        ("Arabic", "ar"),
        ("ara-Arab", "ar"),
        ("arb-Latn", "arb_Latn"),
        ("als", "sq"),
        ("sqi-Latn", "sq"),
        ("khk", "mn"),
        ("kas", "ks"),
        ("knc", "kr"),
        ("ace", "ace"),
        ("swa", "sw"),
        ("fas", "fa"),
        ("msa", "ms"),
        ("lav", "lv"),
        ("ori", "or"),
        ("ido-Latn", "io"),
        ("ber-Tfng", "ber"),
        ("Ta'izzi-Adeni Arabic", "acq"),
        ("norwegian bokmål", "nb"),
    ],
)
def test_resolve_takes_every_usual_spelling(text: str, code: str) -> None:
    assert resolve(text).code == code


def test_resolve_takes_tatoeba_codes() -> None:
    assert [resolve(code).tatoeba for code in TATOEBA_CODES] == TATOEBA_CODES


def test_resolve_takes_flores_codes() -> None:
    assert [resolve(code).flores for code in FLORES_CODES] == FLORES_CODES


@pytest.mark.shared
def test_the_table_covers_both_data_sets() -> None:
    tatoeba, flores = SHARED_DATA / "tatoeba" / "v1", SHARED_DATA / "flores200_dataset" / "devtest"
    for folder in (tatoeba, flores):
        if not folder.is_dir():
            pytest.skip(f"no {folder}")
    tatoeba_codes = {path.suffix[1:] for path in tatoeba.glob("tatoeba.*-eng.*")}
    flores_codes = {path.stem for path in flores.glob("*.devtest")}
    assert len(tatoeba_codes - {"eng"}) == 112
    assert len(flores_codes) == 204
    assert {row.tatoeba for row in ROWS} - {""} == tatoeba_codes
    assert {row.flores for row in ROWS} - {""} == flores_codes
    assert {resolve(code).tatoeba for code in tatoeba_codes} == tatoeba_codes
    assert {resolve(code).flores for code in flores_codes} == flores_codes


@pytest.mark.parametrize("column", ["code", "tatoeba", "flores", "name"])
def test_no_two_rows_share_a_value(column: str) -> None:
    count = Counter(getattr(row, column) for row in ROWS)
    assert [value for value, times in count.items() if value and times > 1] == []


def test_the_table_is_complete_and_sorted() -> None:
    codes = [row.code for row in ROWS]
    assert codes == sorted(codes)
    assert sum(bool(row.tatoeba) for row in ROWS) == 113
    assert sum(bool(row.flores) for row in ROWS) == 204
    assert all(row.tatoeba or row.flores for row in ROWS)
    assert all(row.name == row.name.strip() != "" for row in ROWS)
    assert all(row.flores.partition("_")[2] in ("", row.script) and len(row.script) == 4 for row in ROWS)


def test_every_spelling_means_one_language() -> None:
    meant = defaultdict(set)
    for row in ROWS:
        for spelling in row.spellings:
            meant[spelling.casefold().replace("-", "_")].add(row.code)
    assert {spelling: codes for spelling, codes in meant.items() if len(codes) > 1} == {}


def test_every_spelling_leads_back_to_its_row() -> None:
    for row in ROWS:
        for spelling in {row.code, row.tatoeba, row.flores, row.name, *row.spellings} - {""}:
            for variant in (spelling, spelling.upper(), spelling.lower(), spelling.replace("_", "-")):
                assert resolve(variant) is row, variant


@pytest.mark.parametrize(
    ("text", "near_miss"),
    [
        ("Frnech", "French"),
        ("jpm", "jpn"),
        ("jpn_Jpam", "jpn_Jpan"),
        ("eng_Latin", "eng_Latn"),
        ("zho_Hannt", "zho_Hant"),
        ("Norwegian", "Norwegian Bokmål"),
    ],
)
def test_an_unknown_language_is_answered_with_near_misses(text: str, near_miss: str) -> None:
    with pytest.raises(UserError, match=f"^unknown language '{text}': did you mean ") as raised:
        resolve(text)
    hint = str(raised.value).partition("did you mean ")[2].partition("?")[0]
    assert near_miss in hint.split(", ")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # deprecated codes, those of ISO 639-2, and individual languages for their macrolanguage
        *(("iw", "he"), ("in", "id"), ("ji", "yi"), ("fre", "fr"), ("chi", "zh"), ("ekk", "et"), ("fil", "tl")),
        *(("no", "nb"), ("nor", "nb"), ("nb_NO", "nb"), ("nn-NO", "nn")),
        # the script decides, or the script that is usual in the region
        *(("zh-Hant", "zho_Hant"), ("cmn_Hant", "zho_Hant"), ("zh-TW", "zho_Hant"), ("zh_hk", "zho_Hant")),
        *(("zh-CN", "zh"), ("zh_sg", "zh"), ("zh-Hans-CN", "zh"), ("zh-Hant-CN", "zho_Hant"), ("zht", "zho_Hant")),
        *(("sr-RS", "sr"), ("ko-KR", "ko"), ("ko-Kore", "ko"), ("arb-Latn", "arb_Latn"), ("ar-EG", "ar")),
        # regions and variants
        *(("en-US", "en"), ("en-us", "en"), ("EN_us", "en"), ("pt-BR", "pt"), ("pt_PT", "pt"), ("es-419", "es")),
        *(("fr_ca", "fr"), ("fr-CA", "fr"), ("ca@valencia", "ca"), ("be-tarask", "be")),
    ],
)
def test_resolve_reads_language_tags(text: str, code: str) -> None:
    assert resolve(text).code == code
    assert find_language(text) == resolve(text)


@pytest.mark.parametrize("text", ["sr-ME", "sr@latin", "sr_Latn", "uz-AF", "pa-PK", "ja-Latn", "sh"])
def test_another_script_than_the_tables_is_another_language(text: str) -> None:
    assert find_language(text) is None


@pytest.mark.parametrize(
    ("text", "code", "script"),
    [
        ("bar", "bar", "Latn"),
        ("bar-Latn", "bar", "Latn"),
        ("zgh", "zgh", "Tfng"),
        ("lzh", "lzh", "Hans"),
        ("sr_Latn", "srp_Latn", "Latn"),
        ("srp-Latn", "srp_Latn", "Latn"),
        ("zh_Bopo", "zh_Bopo", "Bopo"),
        ("jpn-Latn", "ja_Latn", "Latn"),
        ("bar_Cyrl", "bar_Cyrl", "Cyrl"),
    ],
)
def test_own_data_may_be_in_a_language_that_no_benchmark_has(text: str, code: str, script: str) -> None:
    language = resolve(text)
    assert (language.code, language.script, language.tatoeba, language.flores) == (code, script, "", "")
    assert resolve(str(language)) == language
    assert str(LangPair.parse(f"{language}-de")) == f"{code}-de"
    assert str(LangPair.parse(f"de-{language}")) == f"de-{code}"


def test_the_name_of_a_file_is_such_a_language_only_with_its_script() -> None:
    assert find_language("bar") is None
    assert find_language("bar_Latn") == resolve("bar")


def test_a_key_that_reads_like_a_pair_is_a_language_with_a_region() -> None:
    assert str(find_language("fr-ca")) == "fr"
    with pytest.raises(UserError, match="unknown language 'fr-ca'"):
        resolve("fr-ca")


@pytest.mark.parametrize(
    "text", ["", "-", "xq", "en-ja", "en_ja", "fr-ca", "en-ja-ko", "xqq-Latn", "und", "x-foo", "zh-cht-x"]
)
def test_what_is_no_language_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="unknown language"):
        resolve(text)


def test_a_language_prints_as_its_code_and_cannot_change() -> None:
    french = resolve("fra")
    assert f"{french}" == "fr"
    with pytest.raises(FrozenInstanceError):
        french.code = "de"  # type: ignore[misc]


def test_importing_the_module_reads_no_file() -> None:
    program = "import bitext_bench.languages as m; print(m.languages.cache_info().currsize)"
    repository = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.stdout == "0\n", done.stderr


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("en-ja", "en-ja"),
        ("jpn-eng", "ja-en"),
        ("eng_Latn-kor_Hang", "en-ko"),
        ("eng_Latn-jpn", "en-ja"),
        ("jpn-Jpan-eng-Latn", "ja-en"),
        ("jpn-Jpan-eng", "ja-en"),
        ("jpn-eng-Latn", "ja-en"),
        ("max-Deva-eng-Latn", "max-en"),
        ("English-French", "en-fr"),
        ("en-Thai", "en-th"),
        ("Luba-Kasai-English", "lua-en"),
        ("en-zho_Hant", "en-zho_Hant"),
        ("zho-Hant-zho-Hans", "zho_Hant-zh"),
        (" EN - JA ", "en-ja"),
        ("en-no", "en-nb"),
        ("en-zh_cn", "en-zh"),
        ("en-zh-CN", "en-zh"),
        ("en-zh-tw", "en-zho_Hant"),
        ("zh-Hant-TW-en", "zho_Hant-en"),
        ("en-pt-br", "en-pt"),
        ("pt-BR-en", "pt-en"),
        ("pt-PT-fr", "pt-fr"),
        ("es-AR-fr", "es-fr"),
        ("en-fr-CA", "en-fr"),
        ("fr-FR-ca", "fr-ca"),
        ("en_US-ja_JP", "en-ja"),
        ("en-US-de-DE", "en-de"),
    ],
)
def test_a_pair_is_read_in_any_spelling(text: str, printed: str) -> None:
    assert str(LangPair.parse(text)) == printed


@pytest.mark.parametrize(
    "text", ["", "-", "en", "en-", "-ja", "en_ja", "en ja", "en-ja-ko", "en-ja-it", "en-fr-de", "ca-es-en", "a--b"]
)
def test_a_malformed_pair_says_what_is_expected(text: str) -> None:
    with pytest.raises(UserError) as raised:
        LangPair.parse(text)
    expected = "is not a language pair: give two languages joined by a hyphen, like en-ja"
    assert str(raised.value) == f"{text!r} {expected}"


@pytest.mark.parametrize("text", ["en-xq", "xq-en"])
def test_an_unknown_side_of_a_pair_is_named(text: str) -> None:
    with pytest.raises(UserError, match="^unknown language 'xq'"):
        LangPair.parse(text)


def test_a_pair_has_the_codes_of_each_data_set() -> None:
    pair = LangPair.parse("ja-en")
    assert (pair.tatoeba, pair.flores) == ("jpn-eng", "jpn_Jpan-eng_Latn")
    assert LangPair.parse("en-ko").flores == "eng_Latn-kor_Hang"
    assert LangPair.parse("zh-en").tatoeba == "cmn-eng"


@pytest.mark.parametrize("text", ["prs-en", "en-prs"])
def test_a_pair_that_tatoeba_lacks(text: str) -> None:
    with pytest.raises(ValueError, match=f"^Tatoeba has no code for a language of {text}$"):
        _ = LangPair.parse(text).tatoeba


@pytest.mark.parametrize("text", ["ang-en", "en-ang"])
def test_a_pair_that_flores_lacks(text: str) -> None:
    with pytest.raises(ValueError, match=f"^FLORES-200 has no code for a language of {text}$"):
        _ = LangPair.parse(text).flores


@given(st.sampled_from(ROWS), st.sampled_from(ROWS))
def test_a_pair_survives_printing_and_reading(source: Language, target: Language) -> None:
    pair = LangPair(source, target)
    assert LangPair.parse(str(pair)) == pair
    assert LangPair.parse(str(pair.reversed)).reversed == pair


@given(st.data())
def test_any_two_spellings_make_a_pair(data: st.DataObject) -> None:
    source, target = (data.draw(st.sampled_from(ROWS)) for _ in range(2))
    left, right = (data.draw(st.sampled_from(sorted(row.spellings))) for row in (source, target))
    assert LangPair.parse(f"{left}-{right}") == LangPair(source, target)


@given(st.text())
def test_any_text_is_a_language_or_a_user_error(text: str) -> None:
    for read in (resolve, LangPair.parse):
        try:
            read(text)
        except UserError as error:
            assert repr(text) in str(error) or "-" in text
