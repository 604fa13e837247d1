"""A corpus of 20,000 pairs with five kinds of planted noise, to measure filters and thresholds of `mine --score`."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitext_bench.cli.main import main

Pair = tuple[str, str]
KINDS = ("misaligned", "wrong language", "copied", "truncated", "number changed")
SIZE, EACH = 20_000, 400
_EVERYDAY = ("train/manythings-tatoeba", "train/tatoeba-test-v2021", "train-more/tatoeba-indirect")
_WITH_NUMBERS = (*_EVERYDAY, "train-more/xnli", "train/tico19")
_OTHER_LANGUAGES = ("deu", "ita", "por", "spa")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class NoisyPair:
    """A pair, with the kind of noise in it; "" for none."""

    source: str
    target: str
    kind: str


def noisy_corpus(data: Path, size: int = SIZE, each: int = EACH, seed: int = 0) -> list[NoisyPair]:
    """Return English and French pairs in random order, `each` of every kind of noise, without repeated sides."""
    draw = random.Random(seed)
    used: tuple[set[str], set[str]] = (set(), set())
    pools = {
        "number changed": _rows(data, _WITH_NUMBERS, draw),
        "truncated": _rows(data, _EVERYDAY, draw),
        "wrong language": list(_other_languages(data, draw)),
        "copied": _rows(data, _EVERYDAY, draw),
        "misaligned": _rows(data, _EVERYDAY, draw),
        "": _rows(data, _EVERYDAY, draw),
    }
    found: list[NoisyPair] = []
    for kind, pool in pools.items():
        fits = [pair for pair in pool if _fits(kind, *pair)]
        pairs = list(_unused(fits, used, each if kind else size - each * len(KINDS)))
        found += [NoisyPair(source, target, kind) for source, target in _spoil(kind, pairs, draw)]
    draw.shuffle(found)
    return found


def _rows(data: Path, corpora: tuple[str, ...], draw: random.Random) -> list[Pair]:
    rows: list[Pair] = []
    for corpus in corpora:
        for line in (data / corpus / "en-fr.tsv").read_text(encoding="utf-8").splitlines():
            source, target = line.split("\t")[:2]
            rows.append((source, target))
    draw.shuffle(rows)
    return rows


def _other_languages(data: Path, draw: random.Random) -> Iterator[Pair]:
    """Yield English sentences of Tatoeba with their translations into four languages other than French."""
    rows: list[Pair] = []
    for code in _OTHER_LANGUAGES:
        files = [data / f"tatoeba/v1/tatoeba.{code}-eng.{side}" for side in ("eng", code)]
        rows += zip(*(file.read_text(encoding="utf-8").splitlines() for file in files), strict=True)
    draw.shuffle(rows)
    yield from rows


def _fits(kind: str, source: str, target: str) -> bool:
    if kind == "truncated":
        return len(target.split()) >= 8
    if kind == "number changed":
        return bool(_NUMBER.search(source)) and _NUMBER.findall(source) == _NUMBER.findall(target)
    return True


def _unused(pairs: list[Pair], used: tuple[set[str], set[str]], n: int) -> Iterator[Pair]:
    for source, target in pairs:
        if n and source not in used[0] and target not in used[1]:
            used[0].add(source)
            used[1].add(target)
            n -= 1
            yield source, target


def _spoil(kind: str, pairs: list[Pair], draw: random.Random) -> list[Pair]:
    """Plant the noise in pairs that are translations."""
    if kind == "misaligned":
        return [(source, target) for (source, _), (_, target) in zip(pairs, [*pairs[1:], pairs[0]], strict=True)]
    if kind == "copied":
        return [(source, source) for source, _ in pairs]
    if kind == "truncated":
        return [(source, _cut(target, draw.uniform(0.2, 0.5))) for source, target in pairs]
    if kind == "number changed":
        return [(source, _change_number(target, draw)) for source, target in pairs]
    return pairs


def _cut(text: str, share: float) -> str:
    words = text.split()
    return " ".join(words[: max(1, round(share * len(words)))])


def _change_number(text: str, draw: random.Random) -> str:
    """Change one number of a text into another one with as many digits."""
    found = draw.choice(list(_NUMBER.finditer(text)))
    n = len(found[0])
    low = 10 ** (n - 1) if n > 1 else 2
    number = next(str(value) for value in iter(lambda: draw.randrange(low, 10**n), None) if str(value) != found[0])
    return f"{text[: found.start()]}{number}{text[found.end() :]}"


@dataclass(frozen=True)
class Outcome:
    """What happened to the pairs of one kind.

    Attributes:
        n: number of pairs.
        filters: number of pairs that each filter drops.
        below: number of other pairs below the threshold.
    """

    n: int
    filters: Counter[str]
    below: int

    @property
    def gone(self) -> float:
        """Share of the pairs that are dropped."""
        return (sum(self.filters.values()) + self.below) / self.n


@dataclass(frozen=True)
class Cleaning:
    """The outcome for each kind of noise ("" for none), the report, and the kinds of the pairs in the output."""

    outcomes: dict[str, Outcome]
    report: dict[str, Any]
    kept: Counter[str]

    @property
    def precision(self) -> float:
        """Share of pairs without noise in the output."""
        return self.kept[""] / sum(self.kept.values())


def clean(corpus: list[NoisyPair], model: str, folder: Path, names: str = "all") -> Cleaning:
    """Score a corpus with filters, then apply the threshold that is suggested."""
    folder.mkdir(exist_ok=True)
    file, output = folder / "pairs.tsv", folder / "out.tsv"
    file.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in corpus), encoding="utf-8")
    call = ["mine", str(file), "--score", "-o", str(output), "--model", model, "--pair", "en-fr", "--filters", names]
    about = _run(call, output)
    threshold = [] if about["suggested"] is None else ["--threshold", str(about["suggested"]["threshold"])]
    final = _run([*call, *threshold], output) if threshold else about
    kinds = {(pair.source, pair.target): pair.kind for pair in corpus}
    dropped = output.with_name("out.tsv.dropped.tsv")
    filters: dict[str, Counter[str]] = {kind: Counter() for kind in ("", *KINDS)}
    for row in _table(dropped):
        filters[kinds[row["source"], row["target"]]][row["filter"]] += 1
    kept = Counter(kinds[row["source"], row["target"]] for row in _table(output))
    total = Counter(pair.kind for pair in corpus)
    outcomes = {
        kind: Outcome(total[kind], filters[kind], total[kind] - filters[kind].total() - kept[kind]) for kind in filters
    }
    return Cleaning(outcomes, {**final, "suggested": about["suggested"]}, kept)


def _run(call: list[str], output: Path) -> dict[str, Any]:
    if main(call):
        raise AssertionError(f"failed: {' '.join(call)}")
    content: dict[str, Any] = json.loads(output.with_name(f"{output.name}.report.json").read_text())
    return content


def _table(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)


def opusfilter_outcomes(corpus: list[NoisyPair]) -> dict[str, Outcome]:
    """Return what OpusFilter's filters of the same purposes drop, with their default thresholds."""
    from opusfilter import filters, lid  # type: ignore[import-not-found]

    chosen = {
        "HtmlTagFilter": filters.HtmlTagFilter(),
        "SimilarityFilter": filters.SimilarityFilter(),
        "LengthRatioFilter": filters.LengthRatioFilter(unit="char"),
        "NonZeroNumeralsFilter": filters.NonZeroNumeralsFilter(),
        "LangidFilter": lid.LangidFilter(languages=["en", "fr"]),
    }
    dropped: dict[str, Counter[str]] = {kind: Counter() for kind in ("", *KINDS)}
    pairs = [(pair.source, pair.target) for pair in corpus]
    left = range(len(pairs))
    for name, one in chosen.items():
        scores = one.score([pairs[at] for at in left])
        bad = {at for at, score in zip(left, scores, strict=True) if not one.accept(score)}
        for at in bad:
            dropped[corpus[at].kind][name] += 1
        left = [at for at in left if at not in bad]
    total = Counter(pair.kind for pair in corpus)
    return {kind: Outcome(total[kind], found, 0) for kind, found in dropped.items()}
