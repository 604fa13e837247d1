"""Select results by a name on the command line: one model, or several seeds of one training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from operator import itemgetter
from pathlib import Path

from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable

from .read import Entry, filter_languages, read_results, say_skipped
from .training_runs import Training, parse_training

_MOST_NAMED = 8  # in a message


class NoSuchModel(UserError):
    """A name matches no model with results.

    Attributes:
        given: the name.
        known: the names of the models with results.
    """

    def __init__(self, given: str, known: Collection[str], message: str) -> None:
        super().__init__(message)
        self.given, self.known = given, known


def close_names(given: str, known: Iterable[str]) -> list[str]:
    """Return known names that resemble a misspelled one, the closest first; the part before the slash may lack."""
    spelled = given.casefold()
    parts = {part: name for name in known for part in (name.casefold().rpartition("/")[2], name.casefold())}
    found = get_close_matches(spelled, parts, n=_MOST_NAMED, cutoff=0.6)
    return list(dict.fromkeys(parts[part] for part in found))


Own = dict[tuple[str, str], Entry]  # one model's entries by task and data


@dataclass(frozen=True, slots=True)
class ModelSelection:
    """The results that a name selects: one model, or runs of one training that differ only in the seed.

    Attributes:
        runs: seed -> entries of the run, in ascending order; the seed is -1 for a model not trained here.
    """

    runs: Mapping[int, Own]

    def paired_runs(self, other: ModelSelection) -> Iterator[tuple[Own, Own]]:
        """Yield pairs of runs with the same seed; a single model is paired with every run of the other."""
        if len(self.runs) == 1 or len(other.runs) == 1:
            yield from product(self.runs.values(), other.runs.values())
        else:
            yield from ((own, other.runs[number]) for number, own in self.runs.items() if number in other.runs)


def choose_models(results: Path, names: Sequence[str], languages: Sequence[str] | None = None) -> list[ModelSelection]:
    """Return the model or the training runs that each name selects, restricted to some languages.

    A full name or folder selects one model. A part of several names selects all of them if they are seeds of one
    training.

    Args:
        results: a folder of result files.
        names: names of models, parts of names, or folders below `results`.
        languages: as in `run --languages`; None keeps all.

    Raises:
        UserError: a name matches no model, or several that differ in more than the seed.
    """
    entries = read_entries(results, languages)
    return [select_model(name, entries) for name in names]


def read_entries(results: Path, languages: Sequence[str] | None = None, *, optional: bool = False) -> list[Entry]:
    """Read the results in some languages, and report the files that cannot be used; `optional` as in `read_results`."""
    found = read_results(results, optional=optional)
    say_skipped(found.skipped)
    return filter_languages(found.entries, languages)


def select_model(name: str, entries: Sequence[Entry]) -> ModelSelection:
    """Return the model or the training runs that a name selects; see `choose_models`.

    Raises:
        NoSuchModel: the name matches no model.
        UserError: the name matches several models that differ in more than the seed.
    """
    models: dict[tuple[str, str, str], Own] = {}
    for entry in entries:
        models.setdefault(entry.model, {})[entry.task_and_data] = entry
    spelled = name.casefold()
    fitting = [own for own in models.values() if spelled in (model_label(own).casefold(), model_folder(own).casefold())]
    fitting = fitting or [own for own in models.values() if spelled in model_label(own).casefold()]
    if len(fitting) == 1 or _seeds_of_one(fitting):
        return ModelSelection(dict(sorted(((seed(_first_entry(own)), own) for own in fitting), key=itemgetter(0))))
    if not models:
        raise NoSuchModel(name, [], "no result is in these languages: run them, or leave out --languages")
    if not fitting:
        labels = sorted({model_label(own) for own in models.values()})
        expected = name_some(close_names(name, labels) or labels)
        raise NoSuchModel(name, labels, f"{printable(name)} matches no model: expected one of {expected}")
    known = name_some(sorted(f"{model_label(own)} [{model_folder(own)}]" for own in fitting))
    raise UserError(
        f"{printable(name)} matches several models that are not seeds of one training: expected the name or directory "
        f"of one of {known}"
    )


def name_some(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    others = len(names) - _MOST_NAMED
    return "; ".join(names[:_MOST_NAMED]) + (f"; and {others:,} more" if others > 0 else "")


def _seeds_of_one(models: Sequence[Own]) -> bool:
    trained = [training for own in models if (training := _training(_first_entry(own)))]
    return (
        len(trained) == len(models) > 1
        and len({training.shared for training in trained}) == 1
        and len({training.seed for training in trained}) == len(models)
    )


def _first_entry(own: Own) -> Entry:
    return next(iter(own.values()))


def _training(entry: Entry) -> Training | None:
    return parse_training(entry.result.training)


def seed(entry: Entry) -> int:
    """Return the training seed of an entry's model; -1 if it was not trained here."""
    training = _training(entry)
    return training.seed if training else -1


def seeds_label(entries: Iterable[Entry]) -> str:
    """Return a model's name; for several runs, the first run's name and the other seeds."""
    runs = {entry.label: seed(entry) for entry in entries}
    first, *others = runs
    if not others:
        return first
    numbers = ", ".join(str(runs[name]) for name in others)
    return f"{first} and seed{'s' if len(others) > 1 else ''} {numbers}"


def model_label(own: Own) -> str:
    """Return the name of the model in some entries of it."""
    return _first_entry(own).label


def model_folder(own: Own) -> str:
    """Return the results folder of the model in some entries of it."""
    return str(_first_entry(own).file.parent)
