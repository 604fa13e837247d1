"""The OpenVINO backend beside PyTorch, on the same weights and sentences."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from builders import MODERN_BERT, QWEN3, Architecture, make_checkpoint, make_saved

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.device import automatic_dtype
from bitext_bench.encoders.transformer import TransformerEncoder
from bitext_bench.errors import UserError
from bitext_bench.scoring.neighbors import normalize

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # Not importorskip: who imports it decides whether it has its telemetry.
    pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="needs openvino"),
]
BACKENDS = ("openvino", "torch")
BATCHES = [["the cat sat"], ["dog", "le chat not under the blue tree " * 6, "a"], ["house"] * 9]


def vectors(folder: Path, batch: list[str], **options: str) -> np.ndarray:
    return normalize(
        resolve_model(str(folder), ModelOptions(device="cpu", **options)).load().encode(batch, "the ", None)
    )


def test_its_vectors_are_pytorchs_for_batches_of_every_shape(tiny_model: Path) -> None:
    """A length that the tracer took for a constant would show."""
    encoder = resolve_model(str(tiny_model), ModelOptions(device="cpu", backend="openvino")).load()
    for batch in (*BATCHES, *reversed(BATCHES)):
        np.testing.assert_allclose(
            normalize(encoder.encode(batch, "the ", None)), vectors(tiny_model, batch), atol=2e-6
        )


def test_nothing_is_reported_to_openvinos_maker(tiny_model: Path) -> None:
    """Its telemetry sends every conversion over the network, unless its package is missing."""
    assert vectors(tiny_model, ["dog"], backend="openvino").shape == (1, 32)
    telemetry = importlib.import_module("openvino.tools.ovc.telemetry_utils").tm
    assert telemetry.__name__ == "openvino.tools.ovc.telemetry_stub"


@pytest.mark.parametrize("pooling", ["cls", "last"])
def test_other_poolings_within_the_graph_and_after_it(tiny_model: Path, pooling: str) -> None:
    options = {"device": "cpu", "pooling": pooling}
    found, expected = (resolve_model(str(tiny_model), ModelOptions(backend=b, **options)).load() for b in BACKENDS)
    for batch in BATCHES:
        encoded, other = (normalize(encoder.encode(batch, "the ", None)) for encoder in (found, expected))
        np.testing.assert_allclose(encoded, other, atol=2e-6)


def test_bf16_is_near(tiny_model: Path) -> None:
    near = vectors(tiny_model, BATCHES[1], backend="openvino", dtype="bf16")
    assert np.einsum("nd,nd->n", near, vectors(tiny_model, BATCHES[1])).min() > 0.999


def test_the_backend_is_a_space_and_a_signature_of_its_own(tiny_model: Path) -> None:
    one, other = (resolve_model(str(tiny_model), ModelOptions(backend=b)) for b in ("torch", "openvino"))
    assert one.space != other.space
    assert (one.name, one.revision) == (other.name, other.revision)
    assert (one.overrides, other.overrides) == ((), (("backend", "openvino"),))  # or it would replace the other's


def test_what_it_cannot_run_is_one_line(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="does not accept --backend"):
        resolve_model("toys:hashing", ModelOptions(backend="openvino"))
    half = resolve_model(str(tiny_model), ModelOptions(device="cpu", backend="openvino", dtype="fp16")).load()
    with pytest.raises(UserError, match="in fp32 or bf16, not this model in fp16: leave out --backend openvino"):
        half.encode(["dog"], "", None)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match=r"pip install \"\.\[openvino\]\""):
        vectors(tiny_model, ["dog"], backend="openvino")


def test_auto_is_what_the_machine_has_hardware_for(tiny_model: Path, tmp_path: Path) -> None:
    assert automatic_dtype("cpu") in ("fp32", "bf16")
    assert automatic_dtype("mps") == "fp32"
    model = resolve_model(str(tiny_model), ModelOptions(device="cpu", dtype="auto"))
    assert model.dtype == automatic_dtype("cpu")
    assert model.overrides == (() if model.dtype == "fp32" else (("dtype", "bf16"),))
    assert resolve_model("muse", ModelOptions(dtype="auto")).dtype == "fp32"
    shutil.copytree(tiny_model, tmp_path / "copy")
    assert resolve_model(str(tmp_path / "copy"), ModelOptions(dtype="auto")).load().encode(["dog"], "", None).shape


def test_signals_are_handled_after_several_encoders_have_gone(tiny_model: Path) -> None:
    """Each of OpenVINO's cores brings a stack for signal handlers; with several, Ctrl-C used to end in a crash."""
    encoders = [resolve_model(str(tiny_model), ModelOptions(device="cpu", backend="openvino")).load() for _ in range(2)]
    for encoder in encoders:
        encoder.encode(["dog"], "", None)
    while encoders:
        encoders.pop(0)
        gc.collect()
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)
    assert heard == [signal.SIGUSR1]


# --- Models that OpenVINO once gave other vectors for, and models that it still does

LONG = [["the cat sat " * 12, "dog", "le chat not under the tree " * 4], ["house"], ["one two " * 25, "a red cat"]]


def check_against_sentence_transformers(folder: Path, cosine: float = 0.999999, **options: str) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = resolve_model(str(folder), ModelOptions(device="cpu", backend="openvino", **options)).load()
    reference = SentenceTransformer(str(folder), device="cpu")
    for batch in LONG:
        found, expected = normalize(encoder.encode(batch, "", None)), normalize(reference.encode(batch))
        assert np.einsum("nd,nd->n", found, expected).min() >= cosine


def test_hidden_states_of_all_layers_reach_the_module_that_weighs_them(plain: Path, tmp_path: Path) -> None:
    """It used to get the last layer alone, and to pass that on without a word."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer, WeightedLayerPooling

    transformer = Transformer(str(plain), config_kwargs={"output_hidden_states": True})
    layers = WeightedLayerPooling(32, num_hidden_layers=2, layer_start=0)
    with torch.no_grad():
        layers.layer_weights.copy_(torch.tensor([3.0, 1.0, 0.0]))
    SentenceTransformer(modules=[transformer, layers, Pooling(32)], device="cpu").save(str(tmp_path / "model"))
    check_against_sentence_transformers(tmp_path / "model")


@pytest.mark.parametrize(
    ("architecture", "pooling", "padding_side"), [(QWEN3, "lasttoken", "left"), (MODERN_BERT, "mean", "right")]
)
def test_padding_that_attends_to_nothing(
    tmp_path: Path, architecture: Architecture, pooling: str, padding_side: str
) -> None:
    """Padding on the left, and local attention: NaN by OpenVINO's fused attention."""
    check_against_sentence_transformers(
        make_saved(tmp_path / "model", architecture, pooling, padding_side=padding_side)
    )


@pytest.mark.slow
def test_a_graph_that_passes_in_float32_runs_in_bf16(tmp_path: Path) -> None:
    check_against_sentence_transformers(make_saved(tmp_path / "model", MODERN_BERT), cosine=0.99, dtype="bf16")


@pytest.mark.parametrize("dtype", ["fp32", pytest.param("bf16", marks=pytest.mark.slow)])
def test_a_model_that_a_trace_does_not_catch_is_refused(tiny_model: Path, dtype: str) -> None:
    """What depends on the length in Python is a constant in the graph: nothing of it may be scored."""
    encoder = resolve_model(str(tiny_model), ModelOptions(device="cpu", backend="openvino", dtype=dtype)).load()
    assert isinstance(encoder, TransformerEncoder)

    def turn_long_texts(module: object, inputs: object, features: dict[str, object]) -> dict[str, object]:
        tokens = features["token_embeddings"]
        return {**features, "token_embeddings": tokens.flip(-1) if tokens.shape[1] > 20 else tokens}

    encoder.model[0].register_forward_hook(turn_long_texts)
    with pytest.raises(
        UserError,
        match=r"gives other vectors than PyTorch .*\(on test sentences, the lowest cosine is .*: leave out --back",
    ):
        encoder.encode(["dog"], "", None)


def test_a_model_that_cannot_be_converted_is_one_line(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from transformers import AutoTokenizer

    plain = make_checkpoint(tmp_path / "plain", MODERN_BERT)
    static = StaticEmbedding(AutoTokenizer.from_pretrained(str(plain)).backend_tokenizer, embedding_dim=32)
    SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path / "static"))
    encoder = resolve_model(str(tmp_path / "static"), ModelOptions(device="cpu", backend="openvino")).load()
    with pytest.raises(UserError, match="OpenVINO runs transformers in fp32 or bf16, not this model in fp32"):
        encoder.encode(["dog"], "", None)
