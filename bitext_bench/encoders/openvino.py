"""Transformer layers by OpenVINO, which fuses them and multiplies at the peak of an x86 CPU (README, performance)."""

from __future__ import annotations

import importlib
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor, nn

from ..errors import UserError
from .overlap import Quick

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_HINTS = {"fp32": "f32", "bf16": "bf16"}


def run_by_openvino(model: SentenceTransformer, dtype: str) -> Quick:
    """Convert a float32 model on the CPU; what comes back computes several batches at once, in threads of the caller.

    Cores that work on batches of their own wait for each other less often than those that share one (README,
    performance).

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
    vectors = OpenVinoVectors(model, dtype)
    return Quick(vectors, vectors.streams)


class OpenVinoVectors:
    """Features of a batch, (B, T) each, to its vectors (B, D); the first modules are run by OpenVINO."""

    def __init__(self, model: SentenceTransformer, dtype: str) -> None:
        openvino = _package()
        given = model.preprocess(["a"])
        self._inputs = tuple(name for name in _INPUTS if name in given)
        graph = _Graph(model, self._inputs)
        self._gives, self._left = graph.gives, list(model)[graph.modules_in :]
        example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in self._inputs)
        settings = {"INFERENCE_PRECISION_HINT": _HINTS[dtype], "PERFORMANCE_HINT": "THROUGHPUT"}
        try:
            with torch.inference_mode(), warnings.catch_warnings():
                # The tracer warns of every shape that it takes for a constant; the vectors are compared in the tests.
                warnings.simplefilter("ignore")
                converted = openvino.convert_model(graph, example_input=example)
            self._compiled = _core().compile_model(converted, "CPU", settings)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise UserError(f"OpenVINO cannot run this model ({reason}): leave out --backend openvino") from error
        self.streams = int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._of_thread = threading.local()

    def __call__(self, features: dict[str, Any]) -> Tensor:
        """Return (B, D) float32; safe in several threads."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        given = {i: features[name].numpy() for i, name in enumerate(self._inputs)}
        found = self._of_thread.request.infer(given, share_inputs=True)[0]
        features = {**features, self._gives: torch.from_numpy(found)}
        for module in self._left:
            features = module(features)
        vectors: Tensor = features["sentence_embedding"]
        return vectors


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


class _Graph(nn.Module):
    """The first modules of a model as a function of tensors alone, to be traced.

    Means and first tokens are taken in the graph as well, which then has no token vectors to hand out. Other poolings
    look into the features, which a trace would take for constants.
    """

    def __init__(self, model: SentenceTransformer, names: tuple[str, ...]) -> None:
        super().__init__()
        self._body, self._names = model[0].model, names
        second = model[1] if len(model) > 1 else None
        simple = isinstance(second, Pooling) and second.include_prompt and second.pooling_mode in ("mean", "cls")
        self._pooling = second if simple else None
        self.modules_in = 2 if simple else 1
        self.gives = "sentence_embedding" if simple else "token_embeddings"

    def forward(self, *tensors: Tensor) -> Tensor:
        features = dict(zip(self._names, tensors, strict=True))
        vectors: Tensor = self._body(**features).last_hidden_state
        if self._pooling is not None:
            vectors = self._pooling({**features, "token_embeddings": vectors})["sentence_embedding"]
        return vectors
