"""Which results a name on the command line stands for: one model's, or those of one training with several seeds."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from bitext_bench.errors import UserError
from bitext_bench.report import printable

from .layout.trained import Training, training_of
from .read import Entry, language_codes, read_results

Own = dict[str, Entry]  # one model's entries by task


def choose_models(arguments: argparse.Namespace) -> list[list[Own]]:
    """Return for each name its models by rising seed, with the subsets in the languages chosen.

    There is one, or as many as there are checkpoints of one training that differ in the seed and that the name is a
    part of.

    Raises:
        UserError: a name fits no model, or several that differ in more than the seed.
    """
    entries = read_results(arguments.results).entries
    if arguments.languages:
        codes = language_codes(arguments.languages)
        entries = [kept for entry in entries if (kept := replace(entry, languages=codes)).subsets]
    return [_models_of(name, entries) for name in arguments.models]


def _models_of(name: str, entries: Sequence[Entry]) -> list[Own]:
    models: dict[tuple[str, str, str], Own] = {}
    for entry in entries:
        models.setdefault(entry.model, {})[entry.task] = entry
    spelled = name.casefold()
    fitting = [own for own in models.values() if spelled in (label(own).casefold(), folder(own).casefold())]
    fitting = fitting or [own for own in models.values() if spelled in label(own).casefold()]
    if len(fitting) == 1 or _seeds_of_one(fitting):
        return sorted(fitting, key=seed)
    known = "; ".join(sorted(f"{label(own)} [{folder(own)}]" for own in fitting or models.values()))
    problem = "fits several models that are not seeds of one training" if fitting else "fits no model"
    raise UserError(f"{printable(name)} {problem}: expected a name or a folder of one of {known}")


def _seeds_of_one(models: Sequence[Own]) -> bool:
    trained = [training for own in models if (training := _training(own))]
    return (
        len(trained) == len(models) > 1
        and len({training.shared for training in trained}) == 1
        and len({training.seed for training in trained}) == len(models)
    )


def _training(own: Own) -> Training | None:
    return training_of(next(iter(own.values())).result.run)


def seed(own: Own) -> int:
    """Return the seed that a model was trained with; -1 of one that was not trained here."""
    training = _training(own)
    return training.seed if training else -1


def label(own: Own) -> str:
    """Return the name of the model whose entries these are."""
    return next(iter(own.values())).label


def folder(own: Own) -> str:
    """Return the folder of the model whose entries these are."""
    return str(next(iter(own.values())).file.parent)
