"""From a data directory to the rows that are trained on: read, cleaned, audited, weighed; and the report of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bitext_bench.encoders import Checked
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair

from .audit import Benchmarks, Leak, audit
from .cleaning import Cleaned, Dropped, clean
from .config import TrainConfig
from .corpora import Corpus, Row, find_corpora, read_corpus, sample_weighted
from .licenses import stated_license
from .teacher import PairRows


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """What became of one corpus of one pair.

    Attributes:
        dropped: how many rows were dropped in cleaning, by reason.
        leaks: how many rows hold a sentence of a benchmark.
        kept: the rows left, before the weight.
        license: as the files beside the corpus state it; None where they do not.
    """

    name: str
    pair: str
    sha256: str
    weight: float
    read: int
    dropped: dict[str, int]
    leaks: int
    kept: int
    license: str | None

    def __str__(self) -> str:
        """Return it as one line."""
        reasons = {**self.dropped, "in a benchmark": self.leaks}
        counts = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items() if count)
        return f"{self.name} {self.pair}: {self.read:,} rows read, {self.kept:,} kept" + (
            f" ({counts})" if counts else ""
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows to train on, and how they came about.

    Attributes:
        data: the rows of each pair, the anchor language as the source.
        corpora: one report a corpus and pair.
        dropped: every row that is left out, by corpus and line.
        leaks: rows with a benchmark's sentence, by benchmark; left out, or kept where that was asked for.
        leaks_kept: whether they were kept.
        checked: the benchmarks that were compared with.
        missing: those that were not, and why.
        notes: a line for each choice among variants of a language.
    """

    data: list[PairRows]
    corpora: list[CorpusReport]
    dropped: list[Dropped]
    leaks: dict[str, int]
    leaks_kept: bool
    checked: Checked
    missing: Mapping[str, str]
    notes: list[str] = field(default_factory=list)


def prepare(config: TrainConfig, root: Path, benchmarks: Benchmarks, *, allow_leaks: bool) -> Prepared:
    """Read and clean every pair of a config and leave out the rows that a benchmark would test on.

    Raises:
        UserError: no corpus has a pair, a file is damaged, or nothing is left of a pair.
    """
    prepared = Prepared([], [], [], {}, allow_leaks, benchmarks.checked, benchmarks.missing)
    found: Counter[str] = Counter()
    for pair in map(config.anchored, config.lang_pairs):
        rows: list[Row] = []
        seen: set[tuple[str, str]] = set()
        for corpus in find_corpora(root, pair, config.corpora, config.codes(pair), prepared.notes):
            given = read_corpus(corpus, prepared.notes)
            cleaned = clean(corpus.name, given, seen)
            leaks = audit(cleaned.rows, benchmarks)
            kept = cleaned.rows if allow_leaks else _without(cleaned.rows, leaks)
            rows += sample_weighted(kept, corpus.weight, config.seed)
            found.update(_first(leaks).values())
            stated = stated_license(corpus.files[0], root)
            prepared.corpora.append(_report(corpus, given, cleaned, leaks, kept, stated))
            prepared.dropped.extend(cleaned.lines)
            if not allow_leaks:
                prepared.dropped.extend(_lines(corpus.name, cleaned.rows, leaks))
        prepared.data.append(_pair_rows(pair, rows, prepared.corpora))
    prepared.leaks.update(found.most_common())
    return prepared


def _first(leaks: Iterable[Leak]) -> dict[int, str]:
    """Return the benchmark that each leaking row is counted under."""
    tests: dict[int, str] = {}
    for leak in leaks:
        tests.setdefault(leak.row, leak.test)
    return tests


def _without(rows: Sequence[Row], leaks: Sequence[Leak]) -> list[Row]:
    bad = {leak.row for leak in leaks}
    return [row for index, row in enumerate(rows) if index not in bad]


def _lines(corpus: str, rows: Sequence[Row], leaks: Sequence[Leak]) -> list[Dropped]:
    return [Dropped(corpus, rows[index].line, f"in {test}") for index, test in _first(leaks).items()]


def _report(
    corpus: Corpus,
    given: Sequence[Row],
    cleaned: Cleaned,
    leaks: Sequence[Leak],
    kept: Sequence[Row],
    license_stated: str | None,
) -> CorpusReport:
    return CorpusReport(
        name=corpus.name,
        pair=str(corpus.pair),
        sha256=corpus.sha256,
        weight=corpus.weight,
        read=len(given),
        dropped={reason: count for reason, count in cleaned.dropped.items() if count},
        leaks=len(_first(leaks)),
        kept=len(kept),
        license=license_stated,
    )


def _pair_rows(pair: LangPair, rows: Sequence[Row], reports: Sequence[CorpusReport]) -> PairRows:
    if not rows:
        said = "; ".join(str(report) for report in reports if report.pair == str(pair))
        raise UserError(f"nothing is left to train {pair} on: {said}; add data")
    return PairRows(pair, [row.source for row in rows], [row.target for row in rows])
