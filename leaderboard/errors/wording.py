"""Detect numbers, negation and names in a sentence by rules, without a parser or a dictionary."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bitext_bench.languages import Language

# Number words without another meaning. "One" is left out: it is an article in most languages.
_TEENS = range(2, 20)
_TENS = range(20, 100, 10)
_ENGLISH = "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
_ENGLISH += " eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
_RUSSIAN = "два|две|двух|двум|двумя|двое три|трёх|трех|трём|трем|тремя|трое четыре|четырёх|четырех|четырём|четырьмя"
_RUSSIAN += " пять|пяти|пятью шесть|шести|шестью семь|семи восемь|восьми девять|девяти десять|десяти"


def _values(words: str, numbers: Iterable[int]) -> Mapping[str, str]:
    pairs = zip(words.split(), numbers, strict=True)
    return MappingProxyType({form: str(number) for forms, number in pairs for form in forms.split("|")})


_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": _values(_ENGLISH, [*_TEENS, *_TENS]),
    # "neuf" also means "new".
    "fr": _values("deux trois quatre cinq six sept huit dix onze douze vingt", [*range(2, 9), 10, 11, 12, 20]),
    "ru": _values(_RUSSIAN, range(2, 11)),
}
_KOREAN = _values("두 세 네 다섯 여섯 일곱 여덟 아홉 열", range(2, 11))
_KOREAN_COUNTED = re.compile(
    rf"(?<![가-힣])({'|'.join(_KOREAN)})\s?(?:명|사람|시|개|살|번|마리|권|잔|달|대|장|가지|배)"
)
# 十分 usually means "enough", rarely "ten minutes".
_KANJI_COUNTED = re.compile(
    r"(?!十分)([一二三四五六七八九十百千万]+)(?=[人つ個本枚匹台冊回度倍歳才年月日時分秒週円階杯名])"
)
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[,. ’']\d{3})+(?!\d)")
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")


def count_numbers(text: str, language: Language) -> Counter[str]:
    """Return the numbers in a sentence with their counts; 1 is left out.

    Recognizes digits of any script, with or without grouped thousands. Also recognizes simple number words ("two",
    "thirty"; not "thirty-two" or "two hundred") in English, French and Russian, and before a counter in Japanese and
    Korean.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _GROUPED.sub(lambda found: re.sub(r"\D", "", found[0]), plain)
    found = [_in_digits(number) for number in _DIGITS.findall(plain)]
    code = str(language)
    if code in _WORDS:
        words = re.findall(r"(?<![\w-])[^\W\d_]+(?![\w-])", plain)
        found += [_WORDS[code][word] for word in words if word in _WORDS[code]]
    elif code == "ko":
        found += [_KOREAN[word] for word in _KOREAN_COUNTED.findall(plain)]
    elif code == "ja":
        found += [_from_kanji(run) for run in _KANJI_COUNTED.findall(plain)]
    return Counter(number for number in found if number != "1")


def _in_digits(number: str) -> str:
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in number)
    return plain.lstrip("0") or "0"


def _from_kanji(run: str) -> str:
    """Return 325 for 三百二十五."""
    total = part = digit = 0
    for value in (int(unicodedata.numeric(c)) for c in run):
        if value == 10_000:
            total, part, digit = total + (part + digit or 1) * value, 0, 0
        elif value >= 10:
            part, digit = part + (digit or 1) * value, 0
        else:
            digit = value
    return str(total + part + digit)


# (idioms without negative meaning, which are removed first; negation markers)
_NEGATION: Mapping[str, tuple[str, str]] = {
    "en": (
        r"why do(?:n['’]t| not) (?:we|you)\b|,\s*\w+n['’]t\s\w+\s*\?|\bno\.\s?\d",
        r"\b(?:not|no|never|nothing|nobody|none|neither|nor|nowhere|cannot)\b|n['’]t\b",
    ),
    "fr": (
        r"\bn['’]importe\b|\bn['’]est[- ]ce pas\b",
        r"\b(?:ne|pas|jamais|rien|aucune?|ni|non)\b|\bn['’]",
    ),
    "ru": (
        r"\bне (?:так|правда) ли\b|\bне могл?[аи]? бы\b|\bбы ни\b",
        r"\b(?:не|нет|ни|нельзя|никогда|никто|никого|никому|никем|ничто|ничего|ничему|ничем|нигде|никуда|никак\w*"
        r"|невозможно)\b",
    ),
    "ja": (
        r"す[みい]ません|申し訳(?:あり|ござい)ません|か(?:も|もし)(?:しれ|知れ)(?:ない|ません|なかった)"
        r"|(?:なければ|なけりゃ|なきゃ|なくては|なくちゃ|ないと)(?:(?:なら|いけ)(?:ない|ません|なかった)|だめ|ダメ)?"
        r"|(?:違い|ちがい)(?:ない|ありません|なかった)|ません?か(?=[。?\s]|$)|ないか(?=[。?\s]|$)"
        r"|(?:じゃ|では)(?:ない|ありません)(?:の|です)?か?\?|少な[いく]|危ない|つまらない|もったいない|とんでもない",
        r"ない|なかった|なく(?:て|は|、)|ません|無い|無かった|無く(?![しすさな])|(?<![はま必])ずに",
    ),
    "ko": (
        r"틀림\s?없|수밖에\s?없|끊임\s?없|뿐만 아니라",
        r"않|없|(?<![가-힣])못(?!생)|지\s?못|아니(?!면)|아닌|아닙|아냐|지\s?마(?=[라세시요.!?]|$)|지\s?말[고아라자]"
        r"|(?<![가-힣])안(?:\s|돼|되|해|했|가|봐)",
    ),
}


def is_negated(text: str, language: Language) -> bool | None:
    """Return whether a sentence has a negation; None outside English, French, Japanese, Korean and Russian.

    Uses lists of words and endings, and ignores idioms without negative meaning ("why don't we", かもしれない).
    Negation by a prefix or by a word's meaning (unhappy, refuse) and double negation are not recognized.
    """
    if str(language) not in _NEGATION:
        return None
    idioms, markers = _NEGATION[str(language)]
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.search(markers, re.sub(idioms, " ", plain)) is not None


_CAPITAL_NOUNS = {"de", "lb"}  # every noun has a capital
_RUSSIAN_YOU = re.compile("вы|вас|вам|вами|ваш.*")  # capitalized out of politeness
_RUSSIAN_ENDING = re.compile(r"(?<=\w\w\w)(?:ом|ем|ой|ей|ым|им|ами|ями|ах|ях|[аеёиоуыэюяйь]{1,2})$")
_WORD = re.compile(r"[^\W\d_]{2,}")
# A sentence begins at the start of the text, after an end mark (not after "Mr." or an initial) or a quotation mark.
_BEGINNING = re.compile(
    r"(?:^|(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\b\w)[.]|[!?…:\"“”«»„‘])[\s\"“”«»„‘'’()\[\]¿¡—–-]*"
)
_KATAKANA = re.compile("[ァ-ヺー]{2,}")
_BEFORE_SAN = re.compile("(?<!お)(?!皆|奥|娘|息子)[一-鿿々]{1,4}(?=さん|氏|君|くん|ちゃん|様)")
_BEFORE_SSI = re.compile(r"[가-힣]+(?=\s씨(?![가-힣]{2}))")
_LATIN = re.compile("[A-Z][A-Za-z]*[a-z]")


def capitalized_words(sentences: Iterable[str]) -> frozenset[str]:
    """Return the words that are capitalized inside a sentence and never lower-case: usually names."""
    inside: set[str] = set()
    small: set[str] = set()
    for sentence in sentences:
        for word, begins in _words(sentence):
            if not word[0].isupper():
                small.add(word)
            elif _is_name(word) and not begins:
                inside.add(word)
    return frozenset(word for word in inside if word.lower() not in small)


def names_differ(one: str, other: str, language: Language, known: frozenset[str] = frozenset()) -> bool | None:
    """Return whether two sentences in one language have different names; None if names cannot be recognized.

    In scripts with case, a name is a capitalized word inside a sentence, or a word in `known` at its beginning. Other
    words that a language capitalizes count too (Monday, French); words in capitals only (OK, NATO) do not. Russian
    names are compared without endings. German capitalizes all nouns, so the result is None.

    In scripts without case, capitalized Latin words are names. So are Japanese words in katakana or before さん and
    similar titles, and Korean words before 씨. Other languages give None. As katakana also writes loan words, Japanese
    names differ only if each sentence has one that the other does not have.
    """
    ours, theirs = _names(one, language, known), _names(other, language, known)
    if ours is None or theirs is None:
        return None
    if str(language) == "ja":
        return bool(ours - theirs) and bool(theirs - ours)
    return ours != theirs


def _names(text: str, language: Language, known: frozenset[str]) -> set[str] | None:
    code = str(language)
    plain = unicodedata.normalize("NFKC", text)
    if code in ("ja", "ko"):
        patterns = (_LATIN, _KATAKANA, _BEFORE_SAN) if code == "ja" else (_LATIN, _BEFORE_SSI)
        return {word for pattern in patterns for word in pattern.findall(plain)}
    if code in _CAPITAL_NOUNS or plain.lower() == plain.upper():
        return None
    found = {word for word, begins in _words(plain) if _is_name(word) and (not begins or word in known)}
    if code == "ru":
        found = {_RUSSIAN_ENDING.sub("", word) for word in found if not _RUSSIAN_YOU.fullmatch(word.lower())}
    return found


def _is_name(word: str) -> bool:
    return word[0].isupper() and not word.isupper()


def _words(text: str) -> list[tuple[str, bool]]:
    """Return each word of at least two letters, and whether it begins a sentence."""
    beginnings = {found.end() for found in _BEGINNING.finditer(text)}
    return [(found[0], found.start() in beginnings) for found in _WORD.finditer(text)]
