"""Transformer layers by OpenVINO, which fuses them and multiplies at the peak of an x86 CPU (README, performance)."""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from ..errors import UserError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_HINTS = {"fp32": "f32", "bf16": "bf16"}


def run_by_openvino(model: SentenceTransformer, dtype: str) -> int:
    """Replace the transformer of a float32 model on the CPU; it cannot be trained or saved any more.

    Returns how many batches are best computed at once, by threads of the caller: cores that work on batches of their
    own wait for each other less often than those that share one (README, performance).

    Args:
        model: its first module is a transformer.
        dtype: that the layers are computed in, "fp32" or "bf16"; the vectors stay float32.

    Raises:
        UserError: the package is missing, or cannot run this architecture.
    """
    body = model[0].model if hasattr(model[0], "model") else None
    if body is None or dtype not in _HINTS:
        raise UserError(
            f"OpenVINO runs transformers in {' or '.join(_HINTS)}, not this model in {dtype}: "
            "leave out --backend openvino"
        )
    given = model.preprocess(["a"])
    model[0].model = OpenVinoBody(body, dtype, tuple(name for name in _INPUTS if name in given))
    # The tokenizer's threads would take the cores from the streams; of a batch one is enough.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return int(model[0].model.streams)


class OpenVinoBody(nn.Module):
    """Stands in for a transformer: token ids and their mask, (B, T) each, to token vectors (B, T, D)."""

    def __init__(self, body: nn.Module, dtype: str, inputs: tuple[str, ...]) -> None:
        super().__init__()
        openvino = _package()
        self.config = body.config
        self._inputs = inputs
        example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in inputs)
        settings = {"INFERENCE_PRECISION_HINT": _HINTS[dtype], "PERFORMANCE_HINT": "THROUGHPUT"}
        try:
            with torch.inference_mode(), warnings.catch_warnings():
                # The tracer warns of every shape that it takes for a constant; the vectors are compared in the tests.
                warnings.simplefilter("ignore")
                converted = openvino.convert_model(_TokenVectors(body, self._inputs), example_input=example)
            self._compiled = _core().compile_model(converted, "CPU", settings)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise UserError(f"OpenVINO cannot run this model ({reason}): leave out --backend openvino") from error
        self.streams = self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._of_thread = threading.local()

    def forward(self, **features: Any) -> BaseModelOutput:
        """Return the token vectors; what the transformer does not take is passed over."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        given = {i: features[name].numpy() for i, name in enumerate(self._inputs)}
        found = self._of_thread.request.infer(given, share_inputs=True)[0]
        return BaseModelOutput(last_hidden_state=torch.from_numpy(found))


def _package() -> Any:  # noqa: ANN401 (an optional package)
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise UserError(
            f'--backend openvino needs its package ({error}): pip install "bitext-bench[openvino]"'
        ) from error


@cache
def _core() -> Any:  # noqa: ANN401
    """Return the one core of this process.

    Each core puts a stack for signal handlers of its own in place of the one before, and puts that back when it goes;
    of two that do not go in turn the second would leave one that is freed, on which Ctrl-C would crash.
    """
    return _package().Core()


class _TokenVectors(nn.Module):
    """A transformer as a function of tensors alone, to be traced."""

    def __init__(self, body: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self._body, self._names = body, names

    def forward(self, *tensors: Tensor) -> Tensor:
        vectors: Tensor = self._body(**dict(zip(self._names, tensors, strict=True))).last_hidden_state
        return vectors
