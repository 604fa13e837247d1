"""Official layouts: read right, and refused with file and line when they are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write

from bitext_bench.data import MissingData, open_source
from bitext_bench.data.files import read_sentences, read_table
from bitext_bench.data.local import LocalSource
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, resolve

EN, FR, JA = resolve("en"), resolve("fr"), resolve("ja")
FR_EN, EN_EN = LangPair(FR, EN), LangPair(EN, EN)
REAL = Path(__file__).parents[2] / "shared" / "data"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"\xef\xbb\xbfa\r\nb\r\n", ["a", "b"]),
        ("a\u2028b\nc\x85d\n".encode(), ["a\u2028b", "c\x85d"]),
        (b"a \n b\n", ["a ", " b"]),
    ],
)
def test_sentences_are_lines_and_nothing_else(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    (tmp_path / "x").write_bytes(content)
    assert list(read_sentences(tmp_path / "x")[0]) == lines


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "x:1: the file is empty"),
        (b"a\n\nb\n \n", r"x:2: empty line \(2 of 4 lines are empty\)"),
        (b"a\nb\0\n", "x:2: a NUL byte"),
        (b"abc\xff\n", "x:1: not UTF-8, byte 3 of the line is 0xff"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_sentences(tmp_path / "x")


def test_tables_need_their_header_and_columns(tmp_path: Path) -> None:
    write(tmp_path / "t", ["a\tb", "1\t2", "3"])
    with pytest.raises(UserError, match="t:3: 1 columns, expected 2: a, b"):
        read_table(tmp_path / "t", ("a", "b"))
    with pytest.raises(UserError, match="t:1: expected the header b TAB a, found"):
        read_table(tmp_path / "t", ("b", "a"))


def test_every_layout(data_root: Path) -> None:
    source = LocalSource(data_root)
    assert [str(x) for x in source.languages("tatoeba")] == ["fr"]
    assert [str(x) for x in source.languages("flores200")] == ["en", "fr"]
    assert [str(x) for x in source.languages("bucc2018")] == ["fr"]
    bitext = source.parallel("tatoeba", FR)
    assert (len(bitext.source), bitext.source[0]) == (20, f"le {bitext.target[0]} la")
    assert source.aligned("flores200", FR).sentences == bitext.source
    altered = source.augmented("flores200", EN)
    assert altered.origin[altered.sentences[3]] == (bitext.target[3], "negation")
    corpora = source.comparable("bucc2018", FR_EN, "training")
    assert corpora.gold == tuple((i, i) for i in range(0, 20, 2))
    assert source.parallel("bucc2018", FR).source == bitext.source[::2]
    assert len(source.scored("STSBenchmark", "default", EN_EN, "test").scores) == 20


def test_the_dev_splits_there_are_to_choose_by(data_root: Path) -> None:
    flores, sts = data_root / "flores200_dataset", data_root / "sts/STSBenchmark"
    source = LocalSource(data_root)
    with pytest.raises(MissingData, match="has no flores200_dataset/dev/"):
        source.languages("flores200-dev")
    write(flores / "dev_510/fra_Latn.dev", ["un", "deux"])
    assert [str(x) for x in source.languages("flores200-dev")] == ["fr"]
    assert source.aligned("flores200-dev", FR).data.version == "custom-flores200-dev_510"
    write(flores / "dev/fra_Latn.dev", ["un", "deux", "trois"])  # the official archive's goes first
    assert source.aligned("flores200-dev", FR).sentences == ("un", "deux", "trois")
    write(sts / "en.dev.tsv", ["score\tsentence1\tsentence2", "3\ta\tb"])
    assert source.scored("STSBenchmark", "default", EN_EN, "validation").scores == (3.0,)


def test_one_line_less_than_its_twin(data_root: Path) -> None:
    file = data_root / "tatoeba/v1/tatoeba.fra-eng.eng"
    write(file, file.read_text().splitlines()[:-1])
    with pytest.raises(UserError, match=r"tatoeba.fra-eng.fra has 20 lines and .*tatoeba.fra-eng.eng has 19"):
        LocalSource(data_root).parallel("tatoeba", FR)


def test_repeated_sentences_stand_once_and_gold_follows(data_root: Path) -> None:
    stem = data_root / "bucc2018/fr-en/fr-en.test"
    write(stem.with_name("fr-en.test.fr"), ["fr-0\tx", "fr-1\ty", "fr-2\tx"])
    write(stem.with_name("fr-en.test.en"), ["en-0\tp", "en-1\tq"])
    write(stem.with_name("fr-en.test.gold"), ["fr-2\ten-1", "fr-1\ten-0"])
    corpora = LocalSource(data_root).comparable("bucc2018", FR_EN, "test")
    assert (corpora.source, corpora.gold, corpora.dropped) == (("x", "y"), ((0, 1), (1, 0)), 1)


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        ("fr-en.test.gold", ["fr-0\ten-99"], r"gold:1: the gold id 'en-99' does not exist in .*fr-en.test.en"),
        ("fr-en.test.gold", ["fr-0 en-0"], "gold:1: expected fr-id TAB en-id"),
        ("fr-en.test.gold", [], "gold is empty"),
        ("fr-en.test.fr", ["fr-0\ta", "fr-0\tb"], "the id 'fr-0' occurs twice"),
        ("fr-en.test.fr", ["no tab here"], "fr:1: expected id TAB sentence"),
    ],
)
def test_damaged_bucc(data_root: Path, name: str, lines: list[str], words: str) -> None:
    write(data_root / "bucc2018/fr-en" / name, lines)
    with pytest.raises(UserError, match=words):
        LocalSource(data_root).comparable("bucc2018", FR_EN, "test")


def test_sts_files(data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = LocalSource(data_root)
    write(data_root / "sts/JSTS/ja.valid.tsv", ["score\tsentence1\tsentence2", "1.5\tあ\tい", "2\t\tう"])
    pairs = source.scored("JSTS", "default", LangPair(JA, JA), "validation")
    assert (pairs.scores, pairs.second) == ((1.5, 2.0), ("い", "う"))
    assert "ja.valid.tsv:3: empty sentence (1 of 2 pairs have one)" in capsys.readouterr().err
    for score in ("high", "nan", "inf", ""):
        write(data_root / "sts/STS12/en.test.tsv", ["score\tsentence1\tsentence2", f"{score}\ta\tb"])
        with pytest.raises(UserError, match=f"en.test.tsv:2: the score '{score}' is not a number"):
            source.scored("STS12", "default", EN_EN, "test")
    write(data_root / "sts/STS12/en.test.tsv", ["score\tsentence1\tsentence2"])
    with pytest.raises(UserError, match="en.test.tsv has a header and no rows"):
        source.scored("STS12", "default", EN_EN, "test")
    with pytest.raises(MissingData, match="no STS13 default: looked for sts/STS13/default.test.tsv"):
        source.scored("STS13", "default", EN_EN, "test")


def test_files_beside_the_official_ones_are_left_alone(data_root: Path) -> None:
    before = LocalSource(data_root).languages("tatoeba")
    for name in ("tatoeba.fra-eng.fra.orig", "tatoeba.jpn-eng.eng", "tatoeba.xx.gz"):
        write(data_root / "tatoeba/v1" / name, ["x"])
    assert LocalSource(data_root).languages("tatoeba") == before


def test_what_is_missing_is_named(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(MissingData, match=r"has no tatoeba/v1/"):
        LocalSource(tmp_path / "empty").languages("tatoeba")
    with pytest.raises(MissingData, match="has no flores200_dataset/devtest/jpn_Jpan.devtest"):
        LocalSource(data_root).aligned("flores200", JA)
    with pytest.raises(MissingData, match="is not one of the 204"):
        LocalSource(data_root).aligned("flores200", resolve("ber"))
    with pytest.raises(UserError, match="no such directory"):
        open_source(str(tmp_path / "nowhere"))


def test_damaged_error_types(data_root: Path) -> None:
    write(data_root / "flores200_dataset/devtest_augmented/eng_Latn_errtype.devtest.json", ['{"a": {"src": "b"}}'])
    with pytest.raises(UserError, match="errtype"):
        LocalSource(data_root).augmented("flores200", EN)


def test_one_byte_changes_the_name_of_the_data(data_root: Path) -> None:
    before = LocalSource(data_root).parallel("tatoeba", FR).data
    file = data_root / "tatoeba/v1/tatoeba.fra-eng.eng"
    file.write_bytes(file.read_bytes().replace(b"cat", b"bat", 1))
    after = LocalSource(data_root).parallel("tatoeba", FR).data
    assert before.version == after.version
    assert str(before) != str(after)


@pytest.mark.shared
def test_all_real_data_loads() -> None:
    source = LocalSource(REAL)
    tatoeba = {x: len(source.parallel("tatoeba", x).source) for x in source.languages("tatoeba")}
    assert (len(tatoeba), min(tatoeba.values()), sum(n == 1_000 for n in tatoeba.values())) == (112, 104, 72)
    flores = {len(source.aligned("flores200", x).sentences) for x in source.languages("flores200")}
    assert (len(source.languages("flores200")), flores) == (204, {1_012})
    for code, n in (("fr", 5_053), ("ru", 6_252)):
        corpora = source.comparable("bucc-style", LangPair(resolve(code), EN), "test")
        assert len(corpora.gold) == 400
        assert len(corpora.source) + len(corpora.target) + corpora.dropped == 2 * n
