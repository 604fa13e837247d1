"""Read a folder of result files as entries; report the files that cannot be used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from bitext_bench.baselines import Baseline, find_baseline
from bitext_bench.encoders import MTEB
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable, say
from bitext_bench.results.files import read_result, settings_folder
from bitext_bench.results.outcomes import check_outcomes, read_outcomes
from bitext_bench.results.records import Outcomes, SubsetResult, TaskResult, signature_fields
from bitext_bench.tasks import find_own_task
from bitext_bench.tasks.choices import parse_languages

DEFAULT = Path("results")  # the default of --results
_EXPERIMENTS = "experiments"  # a directory of a results folder


@dataclass(frozen=True)
class Entry:
    """One model, in one setting, on one task.

    Attributes:
        file: the result file.
        result: its content.
        languages: codes of the languages to keep subsets of; None keeps all.
        scored: the outcomes, if the result is not in a file; None reads them from the file next to `file`.
    """

    file: Path
    result: TaskResult
    languages: frozenset[str] | None = None
    scored: Outcomes | None = field(default=None, repr=False)

    @cached_property
    def label(self) -> str:
        """The model's name, with its settings if they are not the defaults."""
        settings, name = self.settings, self.result.model.name
        return printable(f"{name} ({settings})" if settings else name)

    @cached_property
    def settings(self) -> str:
        """The settings if a user changed any; "" for the model's defaults."""
        folder = settings_folder(self.file)
        if not folder:
            return ""
        model = self.result.model
        chosen = self.result.chosen_settings
        if (model.registered or "").startswith(MTEB) and not chosen:
            return "loaded by mteb"
        said = [f"prompt {json.dumps(model.prompt, ensure_ascii=False)}", model.dtype, model.pooling]
        said += [chosen["backend"]] if "backend" in chosen else []
        said += [f"{chosen['max_length']} tokens"] if "max_length" in chosen else []
        return ", ".join(map(str, said))

    @cached_property
    def model(self) -> tuple[str, str, str]:
        """The identity of the model: name, revision, folder of its settings."""
        model = self.result.model
        return model.name, model.revision, settings_folder(self.file)

    def threshold(self, subset: str) -> float:
        """Return the mining threshold of a subset; pairs with this score or higher are mined."""
        threshold = self.subsets[subset].scores["threshold"]
        return float("inf") if threshold is None else threshold

    @property
    def task(self) -> str:
        """The task's name."""
        return self.result.task

    @property
    def task_and_data(self) -> tuple[str, str]:
        """The task and the name of the data; a model has one entry for each."""
        return self.result.task, self.result.data

    def size(self, what: str) -> int | None:
        """Return the number of "parameters" or "dimensions"; None if unknown. The registry completes older files."""
        found: int | None = getattr(self.result.model, what) or getattr(self.baseline, what, None)
        return found or None

    @property
    def baseline(self) -> Baseline | None:
        """The model's record in our registry; None if it was not run by a registered name."""
        registered = self.result.model.registered
        return find_baseline(registered) if registered else None

    @property
    def score(self) -> str:
        """The name of the main score."""
        return self.result.main_score

    @cached_property
    def subsets(self) -> dict[str, SubsetResult]:
        """The scores of the subsets by name."""
        return {
            subset.subset: subset
            for subset in self.result.subsets
            if self.languages is None or self.result.is_chosen(subset, self.languages)
        }

    @cached_property
    def contamination(self) -> str:
        """Contamination according to the signatures: "12 training rows", "unchecked", or "" for none."""
        said = (signature_fields(subset.signature).get("contamination", "") for subset in self.subsets.values())
        return ", ".join(dict.fromkeys(filter(None, said)))

    def data(self, subset: str) -> str:
        """Return the subset's data and n; scores on different data are not compared."""
        own = self.subsets[subset]
        return f"{signature_fields(own.signature).get('data', '')} n={own.n}"

    def sentences(self, subset: str) -> str:
        """Return an identifier of the subset's texts: their hash, which does not depend on the task's name."""
        texts = self.data(subset).partition("@")[2]
        if not texts or find_own_task(self.task):  # a user's file may have several pairs
            return f"{self.task} {subset} {texts}"
        return texts

    @cached_property
    def outcomes(self) -> Outcomes:
        """The per-sentence outcomes; raises UserError if they are missing or damaged."""
        return self.columns()

    def check_outcomes(self) -> None:
        """Raise UserError if the outcomes are missing, or not those of the result."""
        if self.scored is None:
            check_outcomes(self.file, self.result)

    def columns(self, only: Collection[str] | None = None) -> Outcomes:
        """Return the outcomes, or some of their columns; raise UserError if they are missing or damaged."""
        return read_outcomes(self.file, self.result, only) if self.scored is None else self.scored


@dataclass(frozen=True)
class ResultSet:
    """The content of a results folder.

    Attributes:
        entries: one for each model, task and data, sorted by task and model.
        skipped: (file, reason) for files that cannot be used.
    """

    entries: list[Entry]
    skipped: list[tuple[Path, str]]


def read_results(root: Path, *, experiments: bool = True, optional: bool = False) -> ResultSet:
    """Read every result file below a folder; of several files for one model, task and data, use the newest.

    Without `experiments`, the files in the directory of this name are not read. With `optional`, the default folder
    need not exist.

    The date in the file decides; files without a date are older than all others and are ordered by modification time.
    Files with the same weights and settings count as one model, even under different names (`_unify_names`).

    Raises:
        UserError: the folder does not exist.
    """
    if not root.is_dir():
        if optional and root == DEFAULT and not root.exists():
            return ResultSet([], [])
        raise UserError(f"no directory {root}: expected one that bitext-bench run wrote results to")
    entries, skipped = [], []
    left_out = None if experiments else root / _EXPERIMENTS
    for file in sorted(root.rglob("*.json")):
        if left_out in file.parents:
            continue
        try:
            entries.append(Entry(file, read_result(file)))
        except UserError as error:
            skipped.append((file, str(error).removeprefix(f"{file} ")))
    newest: dict[tuple[str, ...], Entry] = {}
    for entry in sorted(_unify_names(entries), key=_newest_key):
        key = (*entry.model, *entry.task_and_data)
        if key in newest:
            skipped.append((newest[key].file, f"older than {entry.file}"))
        newest[key] = entry
    return ResultSet(
        sorted(newest.values(), key=lambda entry: (entry.task, *entry.model, entry.task_and_data)), sorted(skipped)
    )


def _unify_names(entries: Sequence[Entry]) -> list[Entry]:
    """Give all entries of a model the same name, for example if a checkpoint is on the hub and in a local directory.

    Two models are the same if their fingerprint and all settings are equal; a hub id is preferred as the name.
    """
    names: dict[tuple[str, ...], set[tuple[bool, str, str]]] = {}
    for entry in entries:
        name, revision, _ = entry.model
        names.setdefault(_weights(entry), set()).add((name.startswith("local/"), name, revision))
    shown = []
    for entry in entries:
        _, name, revision = min(names[_weights(entry)])
        model = entry.result.model.model_copy(update={"name": name, "revision": revision})
        shown.append(replace(entry, result=replace(entry.result, model=model)))
    return shown


def _weights(entry: Entry) -> tuple[str, ...]:
    model = entry.result.model
    settings = (settings_folder(entry.file), model.prompt, str(model.registered))
    if model.fingerprint:
        return model.fingerprint, *settings
    return *entry.model[:2], *settings


def _newest_key(entry: Entry) -> tuple[str, float, Path]:
    return entry.result.date, entry.file.stat().st_mtime, entry.file


def select_comparable(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries on official data and on the most frequent BUCC-style corpus, one for each model and task.

    If a model has several entries on a task, the one with the most subsets is used.
    """
    corpora = Counter(entry.result.data for entry in entries if _is_own_corpus(entry))
    # The most frequent corpus of each task; ties are broken by name.
    usual: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: (-corpora[entry.result.data], entry.result.data)):
        if _is_own_corpus(entry):
            usual.setdefault(entry.task, entry.result.data)
    most: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        if not entry.result.official and entry.result.data != usual.get(entry.task):
            continue
        key = (*entry.model, entry.task)
        if key not in most or len(entry.subsets) > len(most[key].subsets):
            most[key] = entry
    return list(most.values())


def _is_own_corpus(entry: Entry) -> bool:
    """Return whether an entry is on a custom corpus: neither a benchmark nor a copy of one."""
    return entry.result.has_own_name and not entry.result.official


def say_skipped(skipped: Sequence[tuple[Path, str]]) -> None:
    """Report on stderr each skipped file and the reason."""
    for file, reason in skipped:
        say(f"left out: {file}: {reason}")


def filter_languages(entries: Sequence[Entry], given: Sequence[str] | None) -> list[Entry]:
    """Restrict entries to the subsets that `run` scores with these --languages.

    Raises:
        UserError: a language is unknown.
    """
    codes = chosen_languages(given)
    if codes is None:
        return list(entries)
    return [kept for entry in entries if (kept := replace(entry, languages=codes)).subsets]


def chosen_languages(given: Sequence[str] | None) -> frozenset[str] | None:
    """Return our codes of the languages in --languages; None for all.

    Raises:
        UserError: a language is unknown.
    """
    languages = parse_languages(given) if given else None
    return None if languages is None else frozenset(map(str, languages))
