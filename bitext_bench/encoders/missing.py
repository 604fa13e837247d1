"""Detect weights that are missing from a checkpoint: transformers initializes them, mostly at random, and goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..io.memory_errors import out_of_memory_message

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

_FAILS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)
_WORDS = "The cat sat on 3 mats; le chat, ein Haus! 猫 дом 고양이 was there for 12 days".split()
TEXTS = (" ".join(_WORDS * 4), " ".join(_WORDS), "a")  # several lengths, so that padding counts


@dataclass(frozen=True, slots=True)
class IncompleteModel:
    """A model that was loaded without some of its weights.

    Attributes:
        missing: Names of the model's weights that are not in the files.
        unexpected: Names of weights in the files that the model does not have.
    """

    model: PreTrainedModel
    missing: set[str]
    unexpected: set[str]


@contextmanager
def collect_incomplete_models() -> Iterator[list[IncompleteModel]]:
    """Collect the models that transformers loads incompletely inside this context.

    Its own report, a table of all weights, is shown only if loading fails.
    """
    from transformers import PreTrainedModel

    found: list[IncompleteModel] = []
    original = PreTrainedModel.__dict__["from_pretrained"]

    def from_pretrained(cls: type[PreTrainedModel], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (transformers' own)
        asked = kwargs.pop("output_loading_info", False)
        model, info = original.__func__(cls, *args, output_loading_info=True, **kwargs)
        if info["missing_keys"]:
            found.append(IncompleteModel(model, set(info["missing_keys"]), set(info["unexpected_keys"])))
        return (model, info) if asked else model

    logger = logging.getLogger("transformers.modeling_utils")
    reports: list[logging.LogRecord] = []

    def is_other(record: logging.LogRecord) -> bool:
        is_report = "LOAD REPORT" in record.getMessage()
        if is_report:
            reports.append(record)
        return not is_report

    logger.addFilter(is_other)
    # sentence-transformers does not pass this information on, so `from_pretrained` is patched.
    setattr(PreTrainedModel, "from_pretrained", classmethod(from_pretrained))  # noqa: B010 (mypy)
    try:
        yield found
        reports.clear()
    finally:
        setattr(PreTrainedModel, "from_pretrained", original)  # noqa: B010
        logger.removeFilter(is_other)
        for report in reports:
            logger.handle(report)


def check_missing_weights(directory: Path, found: list[IncompleteModel], encode: Callable[[], Tensor]) -> None:
    """Refuse a model whose vectors depend on weights that are not in its files.

    Other missing weights do no harm: an unused pooler, or a table that is computed (sinusoidal positions).

    Args:
        directory: The model directory, for the message.
        found: The result of `collect_incomplete_models`.
        encode: Returns (N, D) vectors of some texts.

    Raises:
        UserError: The vectors depend on missing weights.
    """
    for incomplete in found:
        model, missing = incomplete.model, _not_shared(incomplete)
        if not _vectors_depend_on(model, missing, encode):
            continue
        missing = _not_computed(model, missing)
        if _vectors_depend_on(model, missing, encode):
            first = next((name for name in missing if _vectors_depend_on(model, [name], encode)), missing[0])
            raise _missing_weights_error(directory, incomplete, first, len(missing))


def _not_shared(incomplete: IncompleteModel) -> list[str]:
    """Return the missing weights that are not tied to a loaded one."""
    state = incomplete.model.state_dict()
    loaded = {weight.data_ptr() for name, weight in state.items() if name not in incomplete.missing}
    return sorted(name for name in incomplete.missing if name in state and state[name].data_ptr() not in loaded)


def _vectors_depend_on(model: PreTrainedModel, names: list[str], encode: Callable[[], Tensor]) -> bool:
    """Return whether vectors depend on these weights. Replacing them by NaN makes every dependent value NaN."""
    import torch

    state = model.state_dict()
    kept = {name: state[name].clone() for name in names}
    try:
        with torch.inference_mode():
            expected = encode()
            for name in names:
                _corrupt(state[name])
            found = encode()
    except _FAILS as error:
        if out_of_memory_message(error):
            raise
        return True
    finally:
        with torch.no_grad():
            for name, weight in kept.items():
                state[name].copy_(weight)
    return not torch.allclose(found, expected, rtol=1e-3, atol=1e-5)


def _corrupt(weight: Tensor) -> None:
    """Fill a floating-point weight with NaN; change the indices in any other."""
    if weight.is_floating_point():
        weight.fill_(float("nan"))
    else:
        weight.copy_(weight.flatten().roll(1).view_as(weight) if weight.numel() > 1 else weight + 1)


def _not_computed(model: PreTrainedModel, names: list[str]) -> list[str]:
    """Return the missing weights that are not determined by the configuration.

    A weight that is equal in a new model of the same configuration is computed by a formula, so its value is right.
    The exception is a constant weight (1 in a LayerNorm, 0 in a bias), which is an initial value.
    """
    import torch

    try:
        state, again = model.state_dict(), type(model)(model.config).state_dict()
    except _FAILS as error:  # custom code may need more than the configuration
        if out_of_memory_message(error):
            raise
        return names

    def learned(name: str) -> bool:
        one, other = state[name], again[name].to(state[name])
        constant = one.is_floating_point() and bool((one == one.flatten()[0]).all())
        return constant or not torch.equal(one, other)

    return [name for name in names if name not in again or learned(name)]


def _missing_weights_error(directory: Path, incomplete: IncompleteModel, first: str, count: int) -> UserError:
    kind = type(incomplete.model).__name__
    weights = f"the weight {first} of {kind}" if count == 1 else f"{count} weights of {kind} ({first} …)"
    invented = "transformers would initialize them at random"
    renamed = any(name.endswith(f".{lost}") for lost in incomplete.missing for name in incomplete.unexpected)
    if renamed and kind.endswith("Encoder"):
        return UserError(
            f"{directory} has {weights} under other names, and {invented}: save only the encoder, "
            "AutoModel.from_pretrained(…).get_encoder().save_pretrained(…), and the tokenizer's files with it"
        )
    return UserError(
        f"{directory} is missing {weights}, and {invented}: copy all weight files again, or pass a checkpoint that "
        f"was saved as {kind}"
    )
