"""Kinds of misses: examples that a reader can check, and the bounds of each rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitext_bench.languages import languages, resolve
from leaderboard.errors.kinds import KINDS, OTHER, classify_error, overlap


@pytest.mark.parametrize(
    ("code", "gold", "rival", "expected"),
    [
        ("en", "There are 14 steps to the garden.", "There are 18 steps to the garden.", ("number", "near duplicate")),
        ("fr", "Il y a 14 marches ici.", "Il y a 18 marches ici.", ("number", "near duplicate")),
        ("ja", "庭までは14段の階段があります。", "庭までは18段の階段があります。", ("number", "near duplicate")),
        ("ko", "정원까지 계단이 14개 있어요.", "정원까지 계단이 18개 있어요.", ("number", "near duplicate")),
        ("ru", "До сада 14 ступенек.", "До сада 18 ступенек.", ("number", "near duplicate")),
        ("en", "The lift is working today.", "The lift is not working today.", ("negation", "near duplicate")),
        ("fr", "Ce gâteau contient des noix.", "Ce gâteau ne contient pas de noix.", ("negation", "near duplicate")),
        ("ja", "今日は動いています。", "今日は動いていません。", ("negation", "near duplicate")),
        ("ko", "오늘은 엘리베이터가 작동해요.", "오늘은 엘리베이터가 작동하지 않아요.", ("negation", "near duplicate")),
        ("ru", "Сегодня лифт работает.", "Сегодня лифт не работает.", ("negation", "near duplicate")),
        ("en", "She lives in Naples now.", "She lives in Genoa now.", ("name", "near duplicate")),
        ("fr", "Elle vit à Naples.", "Elle vit à Gênes.", ("name", "near duplicate")),
        ("ja", "友達はナポリに住んでいます。", "友達はジェノバに住んでいます。", ("name", "near duplicate")),
        ("ko", "카림 씨는 계피를 넣어요.", "파블로 씨는 계피를 넣어요.", ("name", "near duplicate")),
        ("ru", "Она живёт в Неаполе.", "Она живёт в Генуе.", ("name", "near duplicate")),
        ("en", "With whom do you live?", "Who do you live with?", ("near duplicate",)),
        ("fr", "Tu aurais dû la fermer.", "Vous auriez dû la fermer.", ("near duplicate",)),
        ("ja", "彼女は箱のふたを閉めた。", "彼女は箱のふたを開けた。", ("near duplicate",)),
        ("ko", "맛있게 드십시오!", "맛있게 드세요!", ("near duplicate",)),
        ("ru", "Что ты смотришь?", "Что вы смотрите?", ("near duplicate",)),
        # Unrelated sentences: a different number or name is not the reason for the miss.
        ("en", "Please limit it to 30 minutes.", "Are you freaking kidding me?!", (OTHER,)),
        ("fr", "Il a la poisse.", "Je ne veux pas y aller.", (OTHER,)),
        ("ja", "急いで！", "何も知らない。", (OTHER,)),
        ("ko", "정말 섭섭해요.", "물이 없다.", (OTHER,)),
        ("ru", "Мопсы не милашки.", "Та собака кусается.", (OTHER,)),
        ("en", "I miss you.", "I might have eaten a bit too much.", ("length",)),
        ("ja", "急いで！", "それをあなたに説明することは無理です。", ("length",)),
        ("de", "Ich sah den Hund von Tom.", "Ich sah den Hund von Eva nicht.", ("near duplicate",)),
    ],
)
def test_kinds_in_five_languages(code: str, gold: str, rival: str, expected: tuple[str, ...]) -> None:
    assert classify_error(gold, rival, resolve(code)) == expected
    assert classify_error(rival, gold, resolve(code)) == expected


def test_all_kinds_are_listed_in_display_order() -> None:
    gold, rival = "In the summer we saw 3 cats in Rome.", "In the summer we never saw 4 cats in Oslo."
    found = classify_error(gold, rival, resolve("en"), taken=5)
    assert found == ("number", "negation", "name", "near duplicate", "hub")
    assert classify_error("A cat.", "A cat. A cat. A cat.", resolve("en")) == ("length",)


@pytest.mark.parametrize(("taken", "expected"), [(4, (OTHER,)), (5, ("hub",)), (900, ("hub",))])
def test_a_hub_is_chosen_five_times(taken: int, expected: tuple[str, ...]) -> None:
    assert classify_error("abcd", "wxyz", resolve("en"), taken=taken) == expected


@pytest.mark.parametrize(("n", "expected"), [(1, ("length",)), (2, (OTHER,)), (8, (OTHER,)), (9, ("length",))])
def test_length_is_more_than_twofold_in_letters_and_digits(n: int, expected: tuple[str, ...]) -> None:
    assert classify_error("abcd", " ".join("z" * n), resolve("en")) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("abcd", "ABCD!", 1),
        ("abcde", "abcxy", 1 / 3),  # abc of abc bcd cde, abc bcx cxy
        ("あいう", "あいえ", 1 / 2),  # あい of あい いう, あい いえ
        ("aaaa", "aaa", 2 / 3),  # each occurrence counts
        ("ab", "abc", 0),
        ("?", "…", 1),
    ],
)
def test_overlap(one: str, other: str, expected: float) -> None:
    assert overlap(one, other) == pytest.approx(expected)


@given(st.text(), st.text(), st.sampled_from(["en", "fr", "ja", "ko", "ru", "de", "th"]), st.integers(1, 9))
def test_any_two_texts_have_kinds_in_order(gold: str, rival: str, code: str, taken: int) -> None:
    assert 0 <= overlap(gold, rival) == overlap(rival, gold) <= 1 == overlap(gold, gold)
    found = classify_error(gold, rival, resolve(code), taken=taken)
    assert found == tuple(kind for kind in KINDS if kind in found) != ()
    assert (OTHER in found) == (found == (OTHER,))
    assert ("hub" in found) == (taken >= 5)
    assert "number" not in classify_error(gold, gold, languages()[code])
