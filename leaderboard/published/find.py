"""Find a model with published scores by a name on the command line."""

from __future__ import annotations

from bitext_bench.baselines import find_baseline
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable

from .records import Published, PublishedModel


def find_published(name: str, published: Published) -> PublishedModel | None:
    """Return the model of a name, or None.

    A name is mteb's name of the model, with or without the organization, a registered name (`labse`), or a part of one
    model's name. Case does not matter.

    Raises:
        UserError: the name is a part of several models' names.
    """
    baseline = find_baseline(name)
    wanted = {name.casefold(), *([baseline.checkpoint.casefold()] if baseline else [])}
    models = {model.name.casefold(): model for model in published.models.values()}
    found = [model for spelled, model in models.items() if spelled in wanted]
    found = found or [model for spelled, model in models.items() if spelled.rpartition("/")[2] in wanted]
    found = found or [model for spelled, model in models.items() if name.casefold() in spelled]
    if len(found) > 1:
        known = "; ".join(sorted(model.name for model in found))
        raise UserError(f"{printable(name)} matches several published models: expected one of {known}")
    return found[0] if found else None
