"""Which rows of a corpus are not trained on, and why: counted in one line, listed in a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from bitext_bench.embedding.store import write_atomic
from bitext_bench.scoring.metrics import normalize_text

from .corpora import SentencePair

Reason = Literal["empty", "identical", "too long", "length ratio", "duplicate"]
REASONS: tuple[Reason, ...] = get_args(Reason)

# Kanji, kana and Hangul say in one character what an alphabet says in about two: the medians of English over
# Japanese and Korean training rows are 1.7 to 2.5 characters, of English over French and Russian 0.8 to 1.1.
DENSE = re.compile("[\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")

MAX_CHARS = 1_000
MAX_RATIO = 2.5
# Added to both lengths, so that "Hi." may be a long greeting: a short sentence says little about the ratio.
_SLACK = 15


@dataclass(frozen=True, slots=True)
class DroppedLine:
    """A row that is not trained on: the corpus, the line in its file, and the reason."""

    corpus: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class CleanedCorpus:
    """What is left of one corpus, stripped of outer white space, and what is not."""

    corpus: str
    rows: list[SentencePair]
    lines: list[DroppedLine]

    @property
    def dropped(self) -> dict[Reason, int]:
        """How many rows went for each reason, in the order in which the reasons are tried; zeros too."""
        counts = Counter(line.reason for line in self.lines)
        return {reason: counts[reason] for reason in REASONS}

    def __str__(self) -> str:
        """Return the report, one line."""
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.dropped.items() if count)
        read = len(self.rows) + len(self.lines)
        return f"{self.corpus}: {read:,} rows read, {len(self.rows):,} kept" + (f" ({reasons})" if reasons else "")


def clean_rows(corpus: str, rows: Sequence[SentencePair], seen: set[tuple[str, str]]) -> CleanedCorpus:
    """Drop the rows that teach nothing; each is dropped for the first reason that holds.

    Args:
        corpus: the name that the report has.
        rows: as they were read.
        seen: the folded pairs that are kept already; it grows. Hand the same set to every corpus of a language pair
            and a row that two of them have stays in the first.
    """
    kept: list[SentencePair] = []
    lines: list[DroppedLine] = []
    for row in rows:
        stripped = SentencePair(row.line, row.source.strip(), row.target.strip())
        folded = (normalize_text(stripped.source), normalize_text(stripped.target))
        reason = _fault(stripped, folded, seen)
        if reason is None:
            seen.add(folded)
            kept.append(stripped)
        else:
            lines.append(DroppedLine(corpus, row.line, reason))
    return CleanedCorpus(corpus, kept, lines)


def write_report(file: Path, lines: Iterable[DroppedLine]) -> None:
    """Write every dropped row as corpus TAB line TAB reason, below a header; no text of the row.

    Raises:
        UserError: the file cannot be written.
    """
    table = "".join(f"{' '.join(x.corpus.split())}\t{x.line}\t{x.reason}\n" for x in lines)
    write_atomic(file, f"corpus\tline\treason\n{table}".encode())


def _fault(row: SentencePair, folded: tuple[str, str], seen: set[tuple[str, str]]) -> Reason | None:
    # A side of punctuation alone is as empty as a blank one: it says nothing that could be translated.
    if not (folded[0] and folded[1]):
        return "empty"
    if folded[0] == folded[1]:
        return "identical"
    if max(len(row.source), len(row.target)) > MAX_CHARS:
        return "too long"
    shorter, longer = sorted((_length(row.source), _length(row.target)))
    if longer + _SLACK > MAX_RATIO * (shorter + _SLACK):
        return "length ratio"
    return "duplicate" if folded in seen else None


def _length(text: str) -> int:
    """Return the length in letters of an alphabet; a dense character is two."""
    return 2 * len(text) - len(DENSE.sub("", text))
