"""Clean the rows of a corpus; report the dropped rows in one line and in a file."""

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

Reason = Literal["too long", "empty", "identical", "length ratio", "duplicate"]
REASONS: tuple[Reason, ...] = get_args(Reason)

# One kanji, kana or Hangul character counts as two letters. In training rows, the median length ratio of English to
# Japanese and Korean is 1.7 to 2.5 characters; of English to French and Russian, 0.8 to 1.1.
DENSE = re.compile("[\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")

MAX_CHARS = 1_000
MAX_RATIO = 2.5
# Added to both lengths: short sentences have extreme ratios ("Hi." may translate to a long greeting).
_SLACK = 15


@dataclass(frozen=True, slots=True)
class DroppedLine:
    """A dropped row: its corpus, its line in the file, and the reason."""

    corpus: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class CleanedCorpus:
    """The remaining rows of a corpus, stripped of surrounding white space, and the dropped lines."""

    corpus: str
    rows: list[SentencePair]
    lines: list[DroppedLine]

    @property
    def dropped(self) -> dict[Reason, int]:
        """The number of rows dropped for each reason, in the order of the checks, including zeros."""
        counts = Counter(line.reason for line in self.lines)
        return {reason: counts[reason] for reason in REASONS}

    def __str__(self) -> str:
        """Return a one-line report."""
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.dropped.items() if count)
        read = len(self.rows) + len(self.lines)
        return f"{self.corpus}: {read:,} rows read, {len(self.rows):,} kept" + (f" ({reasons})" if reasons else "")


def clean_rows(corpus: str, rows: Sequence[SentencePair], seen: set[tuple[str, str]]) -> CleanedCorpus:
    """Drop useless rows; each counts under the first reason that applies.

    Args:
        corpus: the name for the report.
        rows: the rows as read.
        seen: the normalized pairs kept so far; updated in place. Pass the same set for every corpus of a language
            pair, so that a row in two corpora stays in the first only.
    """
    kept: list[SentencePair] = []
    lines: list[DroppedLine] = []
    for row in rows:
        stripped = SentencePair(row.line, row.source.strip(), row.target.strip())
        # Before the text is normalized, because a text may have megabytes.
        if max(len(stripped.source), len(stripped.target)) > MAX_CHARS:
            lines.append(DroppedLine(corpus, row.line, "too long"))
            continue
        folded = (normalize_text(stripped.source), normalize_text(stripped.target))
        reason = _fault(stripped, folded, seen)
        if reason is None:
            seen.add(folded)
            kept.append(stripped)
        else:
            lines.append(DroppedLine(corpus, row.line, reason))
    return CleanedCorpus(corpus, kept, lines)


def write_report(file: Path, lines: Iterable[DroppedLine]) -> None:
    """Write each dropped row as corpus TAB line TAB reason, with a header and without the text.

    Raises:
        UserError: the file cannot be written.
    """
    table = "".join(f"{' '.join(x.corpus.split())}\t{x.line}\t{x.reason}\n" for x in lines)
    write_atomic(file, f"corpus\tline\treason\n{table}".encode())


def _fault(row: SentencePair, folded: tuple[str, str], seen: set[tuple[str, str]]) -> Reason | None:
    # A side of punctuation only counts as empty: it has nothing to translate.
    if not (folded[0] and folded[1]):
        return "empty"
    if folded[0] == folded[1]:
        return "identical"
    shorter, longer = sorted((_length(row.source), _length(row.target)))
    if longer + _SLACK > MAX_RATIO * (shorter + _SLACK):
        return "length ratio"
    return "duplicate" if folded in seen else None


def _length(text: str) -> int:
    """Return the length in letters; a character in `DENSE` counts as two."""
    return 2 * len(text) - len(DENSE.sub("", text))
