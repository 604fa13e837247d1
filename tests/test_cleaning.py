"""Cleaning: each reason by hand-known rows, the report of one line, and the file of dropped lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from training.data.cleaning import MAX_CHARS, REASONS, DroppedLine, clean_rows, write_report
from training.data.corpora import SentencePair, find_corpora, read_corpus

REAL = Path(__file__).parents[2] / "shared" / "data" / "train"


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("Good morning.", "Bonjour.", None),
        ("Hi.", "こんにちは。お元気ですか。", None),
        ("Yes.", "Oui.", None),
        ("The committee will meet again on the third of May.", "委員会は五月三日に再び開かれる。", None),
        ("It rains a lot here in June.", "이곳은 6월에 비가 많이 온다.", None),
        ("", "Bonjour.", "empty"),
        ("Hello.", " \t\u3000", "empty"),
        ("Hello.", "...", "empty"),
        ("Paris, Texas", "PARIS  TEXAS!", "identical"),
        ("Windows 95", "Ｗｉｎｄｏｗｓ 95", "identical"),
        ("a" * MAX_CHARS, "b" * MAX_CHARS, None),
        ("a" * MAX_CHARS, "b" * (MAX_CHARS + 1), "too long"),
        ("a" * (MAX_CHARS + 1), "a" * (MAX_CHARS + 1), "too long"),  # before the texts are normalized and compared
        ("Hello.", "Bonjour, et maintenant une tout autre phrase qui n'a rien à voir.", "length ratio"),
        ("This sentence has been aligned with the wrong one, as happens.", "はい。", "length ratio"),
        # 60 letters and 30 kanji are as long as each other, 60 letters and 20 not yet too different.
        ("x" * 60, "字" * 30, None),
        ("x" * 60, "字" * 6, "length ratio"),
    ],
)
def test_reasons(source: str, target: str, reason: str | None) -> None:
    for row in (SentencePair(1, source, target), SentencePair(1, target, source)):
        cleaned = clean_rows("c", [row], set())
        assert [x.reason for x in cleaned.lines] == ([reason] if reason else [])


def test_duplicates_within_and_across_corpora_and_the_report() -> None:
    seen: set[tuple[str, str]] = set()
    first = clean_rows(
        "a",
        [
            SentencePair(1, " Hello. ", "Bonjour."),
            SentencePair(2, "hello", "BONJOUR!"),
            SentencePair(3, "Hello.", "Salut."),
        ],
        seen,
    )
    second = clean_rows(
        "b", [SentencePair(7, "Hello!", "Salut"), SentencePair(8, "", "x"), SentencePair(9, "New.", "Neuf.")], seen
    )
    assert first.rows == [SentencePair(1, "Hello.", "Bonjour."), SentencePair(3, "Hello.", "Salut.")]
    assert second.rows == [SentencePair(9, "New.", "Neuf.")]
    assert second.lines == [DroppedLine("b", 7, "duplicate"), DroppedLine("b", 8, "empty")]
    assert second.dropped == {"empty": 1, "identical": 0, "too long": 0, "length ratio": 0, "duplicate": 1}
    assert str(first) == "a: 3 rows read, 2 kept (duplicate 1)"
    assert str(second) == "b: 3 rows read, 1 kept (empty 1, duplicate 1)"
    assert str(clean_rows("c", [SentencePair(1, "One.", "Un.")], seen)) == "c: 1 rows read, 1 kept"


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12))))
def test_every_row_is_kept_or_reported_and_cleaning_again_changes_nothing(pairs: list[tuple[str, str]]) -> None:
    rows = [SentencePair(i, a, b) for i, (a, b) in enumerate(pairs, start=1)]
    cleaned = clean_rows("c", rows, set())
    assert sorted([r.line for r in cleaned.rows] + [x.line for x in cleaned.lines]) == [r.line for r in rows]
    assert sum(cleaned.dropped.values()) == len(cleaned.lines)
    assert tuple(cleaned.dropped) == REASONS
    again = clean_rows("c", cleaned.rows, set())
    assert (again.rows, again.lines) == (cleaned.rows, [])


def test_the_report_file_has_a_line_for_every_dropped_row(tmp_path: Path) -> None:
    file = tmp_path / "dropped.tsv"
    write_report(file, [DroppedLine("tico19", 3, "empty"), DroppedLine("odd\tna\nme", 12, "length ratio")])
    assert file.read_text() == "corpus\tline\treason\ntico19\t3\tempty\nodd na me\t12\tlength ratio\n"
    with pytest.raises(UserError, match="cannot write"):
        write_report(tmp_path / "none" / "x.tsv", [])


@pytest.mark.shared
@pytest.mark.parametrize("language", ["fr", "ja", "ko", "ru"])
def test_the_real_corpora_lose_next_to_nothing(language: str) -> None:
    seen: set[tuple[str, str]] = set()
    for corpus in find_corpora(REAL, LangPair.parse(f"en-{language}")):
        cleaned = clean_rows(corpus.name, read_corpus(corpus), seen)
        assert len(cleaned.lines) <= 0.002 * len(cleaned.rows), str(cleaned)
        assert set(x.reason for x in cleaned.lines) <= {"length ratio"}
