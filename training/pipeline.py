"""From a data directory to training rows: read, clean, decontaminate, weight, and report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bitext_bench.encoders import ContaminationAudit
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair

from .config import TrainConfig
from .data.cleaning import CleanedCorpus, DroppedLine, clean_rows
from .data.contamination import BenchmarkSentences, Match, find_contamination
from .data.corpora import Corpus, PairRows, SentencePair, find_corpora, read_corpus, sample_weighted
from .data.sources import Source, stated_license


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """Row counts of one corpus for one pair.

    Attributes:
        read: rows in the files.
        dropped: rows dropped in cleaning, by reason.
        contaminated: rows that contain a benchmark sentence.
        kept: remaining rows, before the weight is applied.
        license: the license stated in the corpus directory, else in the recipe; None if neither states one.
        source: where it is published, by the recipe.
    """

    name: str
    pair: str
    sha256: str
    weight: float
    read: int
    dropped: dict[str, int]
    contaminated: int
    kept: int
    license: str | None
    source: Source | None

    def __str__(self) -> str:
        """Return a one-line report."""
        reasons = {**self.dropped, "in a benchmark": self.contaminated}
        counts = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items() if count)
        return f"{self.name} {self.pair}: {self.read:,} rows read, {self.kept:,} kept" + (
            f" ({counts})" if counts else ""
        )


@dataclass(frozen=True, slots=True)
class ReadCorpus:
    """A corpus of a pair.

    Attributes:
        read: rows in the files.
        cleaned: the remaining rows and the dropped lines.
        license: the license stated in the corpus directory, else in the recipe; None if neither states one.
        source: where it is published, by the recipe.
    """

    corpus: Corpus
    read: int
    cleaned: CleanedCorpus
    license: str | None
    source: Source | None


@dataclass(frozen=True, slots=True)
class ReadData:
    """All corpora of each pair, the anchor language as the source.

    Attributes:
        roots: the data directories.
        notes: one line for each choice between variants of a language.
    """

    roots: Sequence[Path]
    corpora: dict[LangPair, list[ReadCorpus]]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class PreparedData:
    """Rows to train on, with a report.

    Attributes:
        data: the rows of each pair, the anchor language as the source.
        corpora: one report for each corpus and pair.
        dropped: every dropped row, by corpus and line.
        contaminated: the number of contaminated rows for each benchmark.
        contaminated_kept: whether training uses these rows.
        checked: the benchmarks that the rows were compared with.
        missing: the other benchmarks, with the reason.
        notes: one line for each choice between variants of a language.
    """

    data: list[PairRows]
    corpora: list[CorpusReport]
    dropped: list[DroppedLine]
    contaminated: dict[str, int]
    contaminated_kept: bool
    checked: ContaminationAudit
    missing: Mapping[str, str]
    notes: list[str]


def read_data(config: TrainConfig, *roots: Path, sources: Mapping[str, Source] | None = None) -> ReadData:
    """Find, read and clean the corpora of every pair in a config; `sources` are those of the recipe, by corpus.

    Raises:
        UserError: a pair has no corpus, or a file is damaged.
    """
    notes: list[str] = []
    pairs = [config.with_anchor_first(pair) for pair in config.lang_pairs]
    # Find all corpora before reading the first: reading may take minutes, and a missing corpus should fail at once.
    found = {pair: find_corpora(roots, pair, config.corpora, config.language_codes(pair), notes) for pair in pairs}
    corpora: dict[LangPair, list[ReadCorpus]] = {}
    for pair in pairs:
        seen: set[tuple[str, str]] = set()
        corpora[pair] = []
        for corpus in found[pair]:
            rows = read_corpus(corpus, notes)
            cleaned = clean_rows(corpus.name, rows, seen)
            root = next(root for root in roots if root in corpus.files[0].parents)
            source = (sources or {}).get(corpus.name)
            stated = stated_license(corpus.files[0], root) or (source.license if source else "")
            corpora[pair].append(ReadCorpus(corpus, len(rows), cleaned, stated or None, source))
    return ReadData(roots, corpora, notes)


def prepare(
    config: TrainConfig, data: ReadData, benchmarks: BenchmarkSentences, *, allow_contamination: bool
) -> PreparedData:
    """Drop contaminated rows, unless they are allowed, and apply the weights of the corpora.

    Raises:
        UserError: a pair has no row left.
    """
    prepared = PreparedData([], [], [], {}, allow_contamination, benchmarks.checked, benchmarks.missing, data.notes)
    found: Counter[str] = Counter()
    for pair, corpora in data.corpora.items():
        rows: list[SentencePair] = []
        for item in corpora:
            corpus, cleaned = item.corpus, item.cleaned
            matches = find_contamination(cleaned.rows, benchmarks)
            kept = cleaned.rows if allow_contamination else _drop_rows(cleaned.rows, matches)
            rows += sample_weighted(kept, corpus.weight, config.seed)
            found.update(_benchmark_of_row(matches).values())
            prepared.corpora.append(_report(item, matches, kept))
            prepared.dropped.extend(cleaned.lines)
            if not allow_contamination:
                prepared.dropped.extend(_lines(corpus.name, cleaned.rows, matches))
        prepared.data.append(_pair_rows(pair, rows, prepared.corpora))
    prepared.contaminated.update(found.most_common())
    return prepared


def _benchmark_of_row(matches: Iterable[Match]) -> dict[int, str]:
    """Return the first matching benchmark of each contaminated row, by row index."""
    found: dict[int, str] = {}
    for match in matches:
        found.setdefault(match.row, match.benchmark)
    return found


def _drop_rows(rows: Sequence[SentencePair], matches: Sequence[Match]) -> list[SentencePair]:
    bad = {match.row for match in matches}
    return [row for index, row in enumerate(rows) if index not in bad]


def _lines(corpus: str, rows: Sequence[SentencePair], matches: Sequence[Match]) -> list[DroppedLine]:
    return [
        DroppedLine(corpus, rows[index].line, f"in {benchmark}")
        for index, benchmark in _benchmark_of_row(matches).items()
    ]


def _report(item: ReadCorpus, matches: Sequence[Match], kept: Sequence[SentencePair]) -> CorpusReport:
    return CorpusReport(
        name=item.corpus.name,
        pair=str(item.corpus.pair),
        sha256=item.corpus.sha256,
        weight=item.corpus.weight,
        read=item.read,
        dropped={reason: count for reason, count in item.cleaned.dropped.items() if count},
        contaminated=len(_benchmark_of_row(matches)),
        kept=len(kept),
        license=item.license,
        source=item.source,
    )


def _pair_rows(pair: LangPair, rows: Sequence[SentencePair], reports: Sequence[CorpusReport]) -> PairRows:
    if not rows:
        said = "; ".join(str(report) for report in reports if report.pair == str(pair))
        raise UserError(f"nothing is left to train {pair} on: {said}; add data")
    return PairRows(pair, [row.source for row in rows], [row.target for row in rows])
