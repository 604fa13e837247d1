"""The built-in set is what it says."""

from __future__ import annotations

from itertools import product

import pytest

from bitext_bench.data import MissingData
from bitext_bench.data.mini import MiniSource
from bitext_bench.languages import LangPair, resolve

CODES = ("en", "fr", "ja", "ko", "ru")
EN = resolve("en")


def test_sentences_are_parallel_and_different() -> None:
    source = MiniSource()
    for code in CODES:
        base = source.aligned("mini", resolve(code)).sentences
        altered = source.augmented("mini", resolve(code))
        assert len(base) >= 200
        assert len(set(base) | set(altered.sentences)) == len(base) + len(altered.sentences)
        assert {kind for _, kind in altered.origin.values()} == {"number", "name", "negation"}
        assert {origin for origin, _ in altered.origin.values()} <= set(base)


def test_graded_pairs() -> None:
    source = MiniSource()
    for first, second in [*((c, c) for c in CODES), ("en", "fr")]:
        pairs = source.scored("mini", "x", LangPair(resolve(first), resolve(second)), "test")
        assert len(pairs.scores) >= 60
        assert all(0 <= score <= 5 for score in pairs.scores)
        assert len(set(pairs.scores)) > 20


@pytest.mark.parametrize(("code", "split"), product(CODES[1:], ("training", "test")))
def test_gold_pairs_translate_each_other_among_sentences_that_do_not(code: str, split: str) -> None:
    source = MiniSource()
    bitext = source.parallel("mini", resolve(code))
    translation = dict(zip(bitext.source, bitext.target, strict=True))
    corpora = source.comparable("mini", LangPair(resolve(code), EN), split)
    for i, j in corpora.gold:
        assert translation[corpora.source[i]] == corpora.target[j]
    paired = {(corpora.source[i], corpora.target[j]) for i, j in corpora.gold}
    both = {(s, translation[s]) for s in corpora.source if translation[s] in set(corpora.target)}
    assert both == paired  # every translation that is there is gold
    assert len(corpora.source) > 1.5 * len(corpora.gold)
    assert len(corpora.target) > 1.5 * len(corpora.gold)


def test_the_splits_share_nothing() -> None:
    pair = LangPair(resolve("fr"), EN)
    training, test = (MiniSource().comparable("mini", pair, split) for split in ("training", "test"))
    assert not set(training.source) & set(test.source)
    assert not set(training.target) & set(test.target)


def test_it_has_nothing_else() -> None:
    with pytest.raises(MissingData, match="has no tatoeba"):
        MiniSource().languages("tatoeba")
    with pytest.raises(MissingData, match="has no German"):
        MiniSource().aligned("mini", resolve("de"))
