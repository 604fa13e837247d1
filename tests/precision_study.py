"""How well `mine --target-precision` keeps its promise: real sentences, of which a known share has a translation.

Three kinds of text: the BUCC-like corpus, FLORES-200 and everyday sentences. In each trial some pairs go into both
files, of others one side only, and some are planted; so every mined pair is known to be right or wrong.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np

from bitext_bench.cli.main import main
from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.io.cache import cache_folder

KINDS = ("bucc-style", "flores", "everyday")
DENSITIES = (0.1, 0.25, 0.6)
TARGETS = (0.8, 0.9, 0.95, 0.99)
LINES = 1_500  # a side; twice as many of the BUCC-like corpus
PROMPT = "query: "
Pair = tuple[str, str]


@dataclass(frozen=True)
class Trial:
    """One call of `mine`: `low` and `high` are None where it refused to choose a threshold."""

    kind: str
    density: float
    target: float
    true: float | None
    low: float | None
    high: float | None

    @property
    def holds(self) -> bool:
        return self.low is None or self.low - 1e-9 <= self.true <= self.high + 1e-9


class Pool:
    """Pairs of one kind of text and, for BUCC, sentences that have no translation."""

    def __init__(self, data: Path, kind: str) -> None:
        self.kind = kind
        self.alone: list[Pair] | None = None
        if kind == "flores":
            self.pairs = list(_flores(data))
        elif kind == "everyday":
            rows = _lines(data / "train/manythings-tatoeba/en-fr.tsv")
            self.pairs = _different([(b, a) for a, b in (row.split("\t") for row in rows)])
            random.Random(0).shuffle(self.pairs)
            del self.pairs[3_500:]
        else:
            self.pairs, self.alone = _bucc(data)

    def texts(self) -> list[str]:
        return [text for pair in [*self.pairs, *(self.alone or [])] for text in pair]

    def draw(self, density: float, known: int, seed: int) -> tuple[list[str], list[str], list[Pair], set[Pair]]:
        """Return both files, the pairs to plant, and the pairs that are in both files."""
        draw = random.Random(seed)
        pairs = draw.sample(self.pairs, len(self.pairs))
        planted, pairs = pairs[:known], pairs[known:]
        if self.alone is None:
            n = min(LINES, int(len(pairs) / (2 - density)))
            n_right = int(density * n)
            alone = [pairs[n_right:n], pairs[n : 2 * n - n_right]]
        else:
            n_right = min(len(pairs), int(density * LINES * 2))
            n = int(n_right / density)
            alone = [draw.sample(self.alone, n - n_right)] * 2
        right = pairs[:n_right]
        source = [a for a, _ in [*right, *alone[0]]]
        target = [b for _, b in [*right, *alone[1]]]
        draw.shuffle(source)
        draw.shuffle(target)
        return source, target, planted, set(right)


def encode(texts: Iterable[str], model: Path, folder: Path) -> str:
    """Encode sentences, through the cache, into a folder of vectors; returns it as --model takes it."""
    group = TextGroup(tuple(dict.fromkeys(texts)), None, PROMPT)
    embedder = Embedder(resolve_model(str(model), ModelOptions(prompt=PROMPT)), cache_folder(None))
    embedder.encode([group])
    folder.mkdir()
    (folder / "all.txt").write_text("".join(f"{text}\n" for text in group.sentences), encoding="utf-8")
    np.save(folder / "all.npy", embedder.vectors(group))
    return str(folder)


def trials(pool: Pool, density: float, known: int, seed: int, model: str, folder: Path) -> Iterator[Trial]:
    """Mine one draw with each target."""
    folder.mkdir()
    source, target, planted, right = pool.draw(density, known, seed)
    for name, rows in (("s", source), ("t", target), ("known", ["\t".join(pair) for pair in planted])):
        (folder / name).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    for wanted in TARGETS:
        out = folder / "out.tsv"
        files = [str(folder / "s"), str(folder / "t"), "-o", str(out), "--planted-pairs", str(folder / "known")]
        with redirect_stderr(StringIO()) as said:
            status = main(["mine", *files, "--target-precision", str(wanted), "--model", model])
        if status:
            if "are too few for" not in said.getvalue() and "no threshold reaches" not in said.getvalue():
                print(said.getvalue(), file=sys.stderr)
                raise AssertionError("mine stopped for another reason")
            yield Trial(pool.kind, density, wanted, None, None, None)
            continue
        rows = [line.split("\t") for line in out.read_text(encoding="utf-8").split("\n")[1:] if line]
        found = [(row[-2], row[-1]) in right for row in rows]
        precision = json.loads(out.with_name("out.tsv.report.json").read_text())["judged"]["precision"]
        yield Trial(pool.kind, density, wanted, float(np.mean(found)), precision["low"], precision["high"])


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _different(pairs: list[Pair]) -> list[Pair]:
    """Return the pairs of which neither side came before."""
    seen: tuple[set[str], set[str]] = (set(), set())
    kept = []
    for pair in pairs:
        if all(text.strip() and text not in texts for text, texts in zip(pair, seen, strict=True)):
            kept.append(pair)
            for text, texts in zip(pair, seen, strict=True):
                texts.add(text)
    return kept


def _flores(data: Path) -> Iterator[Pair]:
    for split, folder in (("devtest", "devtest"), ("dev", "dev_510")):
        files = (data / f"flores200_dataset/{folder}/{code}.{split}" for code in ("fra_Latn", "eng_Latn"))
        yield from zip(*map(_lines, files), strict=True)


def _bucc(data: Path) -> tuple[list[Pair], list[Pair]]:
    """Return the gold pairs of both splits, and lines without a translation, side by side in no order."""
    pairs: list[Pair] = []
    alone: tuple[list[str], list[str]] = ([], [])
    for split in ("training", "test"):
        stem = data / f"bucc-style/fr-en/fr-en.{split}"
        sides = [dict(row.split("\t") for row in _lines(stem.with_name(f"{stem.name}.{x}"))) for x in ("fr", "en")]
        gold = [row.split("\t") for row in _lines(stem.with_name(f"{stem.name}.gold"))]
        pairs += [(sides[0][i], sides[1][j]) for i, j in gold]
        for side, texts, used in zip(sides, alone, map(set, zip(*gold, strict=True)), strict=True):
            texts += [text for identifier, text in side.items() if identifier not in used]
    draw = random.Random(0)
    for texts in alone:
        draw.shuffle(texts)
    n = min(3_000, *map(len, alone))
    return _different(pairs), _different(list(zip(alone[0][:n], alone[1][:n], strict=True)))
