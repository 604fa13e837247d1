"""Transformer layers in OpenVINO, at the peak speed of an x86 CPU (tests/benchmarks/README.md)."""

from __future__ import annotations

import importlib
import sys
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from torch import Tensor, nn

from ..errors import UserError, install_hint
from .overlap import FastForward
from .probe import Probe

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_PROBE_WORDS = 200  # long texts, because a trace may have fixed a length as a constant
_LAYERS = "all_layer_embeddings"  # sentence-transformers' key for the hidden states of all layers
_HINTS = {"fp32": "f32", "bf16": "bf16"}


def run_by_openvino(model: SentenceTransformer, dtype: str) -> FastForward:
    """Convert a float32 model on the CPU. The result computes several batches at once, in the caller's threads.

    One batch for each core is faster than one batch that all cores share (tests/benchmarks/README.md). The vectors are
    compared with PyTorch's. If they differ with fused attention (left padding, local attention), plain attention is
    tried.

    Args:
        model: A model whose first module is a transformer.
        dtype: The number format of the layers, "fp32" or "bf16"; the vectors stay float32.

    Raises:
        UserError: The package is missing, cannot run this architecture, or gives other vectors than PyTorch.
    """
    if not isinstance(model[0], Transformer) or dtype not in _HINTS:
        raise UserError(
            f"OpenVINO runs transformers in {' or '.join(_HINTS)}, not this model in {dtype}: "
            "leave out --backend openvino"
        )
    _require_openvino()
    probe = Probe.from_model(model, _PROBE_WORDS)
    quick, reason = _convert_and_compare(model, dtype, probe)
    if reason and _use_plain_attention(model):
        quick, reason = _convert_and_compare(model, dtype, probe)
    if reason:
        raise UserError(
            f"OpenVINO gives other vectors than PyTorch for this model (on test sentences, {reason}): "
            "leave out --backend openvino"
        )
    return quick


def _convert_and_compare(model: SentenceTransformer, dtype: str, probe: Probe) -> tuple[FastForward, str]:
    """Return the converted model, and a description of how its vectors differ from PyTorch's, or "".

    A graph for bf16 is first compared in float32, because rounding in bf16 could hide a wrong conversion.
    """
    graph = _Graph(model)
    converted = _convert_graph(graph)
    vectors = OpenVinoVectors(graph, converted, "fp32")
    reason = probe.difference(vectors)
    if dtype != "fp32" and not reason:
        vectors = OpenVinoVectors(graph, converted, dtype)
        reason = probe.difference(vectors, dtype)
    return FastForward(vectors, vectors.streams), reason


def _use_plain_attention(model: SentenceTransformer) -> bool:
    """Switch a model to unfused attention, if possible, and return whether that changed anything.

    OpenVINO's fused attention divides by zero for a token that attends to nothing, such as padding. Unfused attention
    masks tokens with large numbers instead of infinity.
    """
    body = model[0].model
    if getattr(body.config, "_attn_implementation", "eager") == "eager":
        return False
    try:
        body.set_attn_implementation("eager")
    except (AttributeError, ValueError):
        return False
    return True


class OpenVinoVectors:
    """Turns the features of a batch, (B, T) each, into vectors, (B, D), with the first modules in OpenVINO."""

    def __init__(self, graph: _Graph, converted: Any, dtype: str) -> None:  # noqa: ANN401 (OpenVINO is untyped)
        self._inputs, self._gives, self._left = graph.names, graph.gives, graph.left
        settings = {"INFERENCE_PRECISION_HINT": _HINTS[dtype], "PERFORMANCE_HINT": "THROUGHPUT"}
        try:
            self._compiled = _core().compile_model(converted, "CPU", settings)
        except RuntimeError as error:
            raise _cannot_run(error) from error
        self.streams = int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._of_thread = threading.local()

    def __call__(self, features: dict[str, Any]) -> Tensor:
        """Return (B, D) float32. Thread-safe."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        given = {i: features[name].numpy() for i, name in enumerate(self._inputs)}
        found = self._of_thread.request.infer(given, share_inputs=True)
        tensors = [torch.from_numpy(found[i]) for i in range(len(found))]
        layers = {_LAYERS: tuple(tensors[1:])} if len(tensors) > 1 else {}
        features = {**features, self._gives: tensors[0], **layers}
        for module in self._left:
            features = module(features)
        vectors: Tensor = features["sentence_embedding"]
        return vectors


def _convert_graph(graph: _Graph) -> Any:  # noqa: ANN401 (OpenVINO is untyped)
    """Convert a graph to an OpenVINO model.

    Raises:
        UserError: The graph has an operation that OpenVINO does not support, or that cannot be traced.
    """
    example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in graph.names)
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            # The tracer warns about every shape that it makes a constant; the vectors are compared afterwards.
            warnings.simplefilter("ignore")
            return _require_openvino().convert_model(graph, example_input=example)
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise _cannot_run(error) from error


def _cannot_run(error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:300]
    return UserError(f"OpenVINO cannot run this model ({reason}): leave out --backend openvino")


def _require_openvino() -> Any:  # noqa: ANN401 (an optional package)
    # This disables OpenVINO's telemetry, which reports every conversion over the network, from child processes.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise UserError(f"--backend openvino needs its package ({error}): {install_hint('openvino')}") from error


@cache
def _core() -> Any:  # noqa: ANN401
    """Return the only OpenVINO core of this process.

    Each core installs a stack for signal handlers, and restores the previous stack when it is deleted. If the older of
    two cores is deleted first, the other one restores a freed stack, and Ctrl-C crashes.
    """
    return _require_openvino().Core()


class _Graph(nn.Module):
    """The first modules of a model as a function of tensors only, for tracing.

    Mean and cls pooling are part of the graph, which then returns no token vectors. Other poolings read features that a
    trace would make constant, so they stay outside. The hidden states of all layers are returned if a later module
    needs them.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        given = model.preprocess(["a"])
        self.names = tuple(name for name, value in given.items() if isinstance(value, Tensor))
        # "modality" selects the transformer's code path; the other values describe one batch, for the pooling.
        self._said = {"modality": given["modality"]} if "modality" in given else {}
        self._transformer = model[0]
        second = model[1] if len(model) > 1 else None
        simple = isinstance(second, Pooling) and second.include_prompt and second.pooling_mode in ("mean", "cls")
        self._pooling = second if simple else None
        self.left = list(model)[2 if simple else 1 :]
        self.gives = "sentence_embedding" if simple else str(self._transformer.module_output_name)

    def forward(self, *tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
        features = {**self._said, **dict(zip(self.names, tensors, strict=True))}
        features = self._transformer(features)
        if self._pooling is not None:
            vectors: Tensor = self._pooling(features)["sentence_embedding"]
            return vectors
        return (features[self._transformer.module_output_name], *features.get(_LAYERS, ()))
