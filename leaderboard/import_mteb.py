"""`bitext-bench import-mteb`: import mteb's result files as published scores, never as measured ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bitext_bench.baselines import PublishedScore
from bitext_bench.embedding.store import check_writable, make_folder, write_atomic
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable, say
from bitext_bench.results.mteb_results import META, MtebResult, read_mteb_result
from bitext_bench.results.tables import group_by_reason

from .tables.published import FILE, read_imported, render_rows

# mteb's scores -> our names. Classification has accuracy and F1 too; for a task that the installed mteb does not know,
# they are imported only if the file also has precision and recall.
_BITEXT = {"accuracy": "mteb_accuracy", "f1": "mteb_f1"}
_STS = {"cosine_spearman": "cosine_spearman"}
_MOST_NAMED = 5

Key = tuple[str, ...]  # model, task, subset, metric, source
Row = tuple[str, PublishedScore]  # model, figure


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A score to import; of two with the same key, the newer file wins, then the later path."""

    age: tuple[str, tuple[int, ...], str]
    row: Row
    file: Path


@dataclass(slots=True)
class _Collected:
    """The scores found so far, and the reasons for those left out."""

    figures: dict[Key, _Candidate] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)  # reason -> files
    unread: list[str] = field(default_factory=list)

    def add(self, file: Path) -> None:
        try:
            result = read_mteb_result(file)
        except UserError as error:
            self.unread.append(str(error))
            return
        split = _split(result)
        for other in sorted(result.scores.keys() - {split}):
            self._leave(f"the split {other} of {result.task}, because {split} is used", file)
        age = (result.date, _version(result.version), str(file))
        rows = list(_rows(result, split))
        without = len({_plain(name) for name in result.scores.get(split, {})} - {figure.subset for _, figure in rows})
        if without or not rows:
            self._leave(f"subsets of {result.task} without a score of bitext mining or STS: {without:,}", file)
        for name, figure in rows:
            if math.isfinite(figure.value) and abs(figure.value) <= 1:
                self._choose(_Candidate(age, (name, figure), file))
            else:
                self._leave(f"{figure.task} {figure.subset}: {figure.metric} is {figure.value}, not from -1 to 1", file)

    def _choose(self, new: _Candidate) -> None:
        key = _key(new.row)
        old = self.figures.get(key)
        if old and old.row != new.row:
            loser = min(old, new, key=lambda candidate: candidate.age)
            winner = new if loser is old else old
            self._leave(f"same model, revision and data as in {winner.file}, which is newer", loser.file)
        if old is None or new.age > old.age:
            self.figures[key] = new

    def _leave(self, reason: str, file: Path) -> None:
        self.left_out.setdefault(reason, []).append(str(file))


def run_import(path: Path, results: Path) -> int:
    """Add the scores in mteb's files to reported.tsv in the results folder, separately for each revision of a model.

    If two files have the same model, revision and data, the newer is used, by its date, then by mteb's version. New
    scores replace those of an earlier import. Every score that is left out is reported.

    Args:
        path: a result file of mteb, or a directory of them.
        results: the folder of our results.

    Raises:
        UserError: the path does not exist, or has no scores by mteb.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist: expected a result file of mteb, or a directory of them")
    check_writable(results)
    found = _Collected()
    for file in [path] if path.is_file() else sorted(path.rglob("*.json")):
        if file.name != META and file.is_file():
            found.add(file)
    for line in (*found.unread, *group_by_reason(found.left_out)):
        say(f"left out: {line}")
    if not found.figures:
        raise UserError(
            f"{path} has no bitext mining or STS score by mteb: expected <org>__<model>/<revision>/<Task>.json"
        )
    before = {_key(row): row for row in read_imported(results)}
    new = {key: candidate.row for key, candidate in found.figures.items()}
    if changed := sum(before.get(key, row) != row for key, row in new.items()):
        say(f"replaced scores of an earlier import: {changed:,}")
    make_folder(results)
    output = results / FILE
    write_atomic(output, render_rows([row for _, row in sorted({**before, **new}.items())]).encode())
    models = sorted({name for name, _ in new.values()})
    named = ", ".join(models[:_MOST_NAMED]) + (", …" if len(models) > _MOST_NAMED else "")
    say(f"wrote {len(new):,} published scores of {len(models):,} models to {output}: {named}")
    return 0


def _key(row: Row) -> Key:
    name, figure = row
    return name, figure.task, figure.subset, figure.metric, figure.source


def _split(result: MtebResult) -> str:
    """Return the split to import: test, devtest, or the first in the file."""
    return next((name for name in ("test", "devtest", *result.scores) if name in result.scores), "")


def _rows(result: MtebResult, split: str) -> Iterator[Row]:
    model = _plain(result.model)
    source = _plain(f"mteb result file, {result.model}, revision {result.revision}, data {result.data}")
    note = _plain(f"mteb {result.version}; the prompt is not recorded")
    for subset, scores in result.scores.get(split, {}).items():
        bitext = result.kind == "BitextMining" or (not result.kind and {"precision", "recall"} <= scores.keys())
        names = {**_STS, **(_BITEXT if bitext else {})}
        for theirs, ours in names.items():
            value = scores.get(theirs)
            if isinstance(value, float | int):
                figure = PublishedScore(_plain(result.task), _plain(subset), ours, float(value), source, note)
                yield model, figure


def _plain(text: str) -> str:
    """Return text for reported.tsv: printable, on one line, with single spaces."""
    return printable(" ".join(text.split()))


def _version(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    return tuple(int(part) for part in parts[:3] if part.isdigit())
