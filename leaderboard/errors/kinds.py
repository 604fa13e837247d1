"""Kinds of misses: how the chosen sentence differs from the right one, by simple rules that a reader can check."""

from __future__ import annotations

import unicodedata
from collections import Counter

from bitext_bench.languages import Language
from bitext_bench.scoring.metrics import normalize_text

from .wording import count_numbers, is_negated, names_differ

BELOW_THRESHOLD = "below threshold"
NOT_FOUND = "not found"
OTHER = "other meaning"

# In display order; one miss may have several kinds.
KINDS = {
    "number": "similar, but with different numbers",
    "negation": "similar, but only one of the two is negated (en, fr, ja, ko, ru)",
    "name": "similar, but with different names, as far as capitals, katakana, さん or 씨 show them",
    "near duplicate": "at least half of the character n-grams are the same",
    "length": "more than twice as long as the translation, or less than half",
    "hub": "chosen for 5 sentences or more of the subset and direction, including its own translation",
    BELOW_THRESHOLD: "the right pair was mined, but with a score below the threshold (mining)",
    NOT_FOUND: "neither sentence of the right pair was in any mined pair (mining)",
    OTHER: "none of these; paraphrases are included, because the rules compare characters only",
}

# The built-in near misses, which differ in one number, name or negation, overlap by at least 0.6 in every language;
# 99 % of random pairs from Tatoeba or FLORES-200 overlap by at most 0.2. Misses between 0.2 and 0.4 share a topic,
# and a different number is only one of many differences.
_SIMILAR = 0.4
_NEAR = 0.5
_LONGER = 2
# If sentences were chosen at random, once on average, 0.4 % would be chosen this often (Poisson).
_HUB = 5


def classify_error(
    gold: str, rival: str, language: Language, *, taken: int = 1, known: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Return the kinds of a miss, in the order of KINDS.

    Numbers, negation and names count only if the two sentences are otherwise similar: between unrelated sentences they
    do not explain the miss.

    Args:
        gold: the right sentence.
        rival: the chosen sentence, in the same language.
        language: the language of both.
        taken: the number of sentences for which the rival was chosen.
        known: words that count as names at the beginning of a sentence too; see `wording.capitalized_words`.
    """
    shared = overlap(gold, rival)
    similar = shared >= _SIMILAR
    shorter, longer = sorted((len(normalize_text(gold)), len(normalize_text(rival))))
    holds = {
        "number": similar and count_numbers(gold, language) != count_numbers(rival, language),
        "negation": similar and is_negated(gold, language) != is_negated(rival, language),
        "name": similar and names_differ(gold, rival, language, known),
        "near duplicate": shared >= _NEAR,
        "length": longer > _LONGER * shorter,
        "hub": taken >= _HUB,
    }
    return tuple(kind for kind in KINDS if holds.get(kind)) or (OTHER,)


def overlap(one: str, other: str) -> float:
    """Return the share of common character n-grams of two sentences (Dice), from 0 to 1.

    N-grams are of normalized letters and digits: trigrams, or bigrams in scripts with wide characters (Chinese,
    Japanese, Korean).
    """
    ours, theirs = _grams(normalize_text(one)), _grams(normalize_text(other))
    return 2 * (ours & theirs).total() / (ours.total() + theirs.total())


def _grams(text: str) -> Counter[str]:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    n = 2 if 2 * wide > len(text) else 3
    return Counter(text[i : i + n] for i in range(max(1, len(text) - n + 1)))
