"""Linear layers in oneDNN's layout give the same results as PyTorch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.packed import PackedLinear, pack_linear_layers, unpack_linear_layers
from bitext_bench.encoders.transformer import TransformerEncoder


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 8), (3, 8), (2, 5, 8), (1_500, 8)])
def test_the_product_is_the_same(shape: tuple[int, ...], bias: bool) -> None:
    linear = nn.Linear(8, 5, bias=bias)
    rows = torch.randn(*shape)
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(linear)(rows), linear(rows), rtol=1e-5, atol=1e-6)


def test_only_plain_float32_layers_are_packed() -> None:
    class Own(nn.Linear):
        pass

    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2)), Own(2, 2), nn.Linear(2, 2).bfloat16())
    pack_linear_layers(model)
    assert [type(layer) for layer in (model[0], model[1][0], model[2], model[3])] == [
        PackedLinear,
        PackedLinear,
        Own,
        nn.Linear,
    ]


def test_a_loaded_model_can_be_trained_until_it_encodes(tiny_model: Path) -> None:
    encoder = resolve_model(str(tiny_model), ModelOptions(device="cpu")).load()
    assert isinstance(encoder, TransformerEncoder)
    sentences = ["the cat sat", "two"]
    open_to_training = TransformerEncoder(encoder.model)
    expected = open_to_training.encode(sentences, "", None)
    assert not any(isinstance(layer, PackedLinear) for layer in encoder.model.modules())
    np.testing.assert_allclose(encoder.encode(sentences, "", None), expected, atol=1e-6)
    assert any(isinstance(layer, PackedLinear) for layer in encoder.model.modules())


@pytest.mark.parametrize("bias", [True, False])
def test_unpacking_gives_the_very_weights_back(bias: bool) -> None:
    model = nn.Sequential(nn.Linear(33, 17, bias=bias))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert pack_linear_layers(model) == 1
    unpack_linear_layers(model)
    assert model.state_dict().keys() == before.keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("bias", [True, False])
def test_model_code_can_read_of_a_layer_what_it_reads_of_pytorchs(bias: bool) -> None:
    linear = nn.Linear(33, 17, bias=bias).eval()
    packed = PackedLinear(linear)
    assert isinstance(packed, nn.Linear) and not packed.training
    for name in ("in_features", "out_features"):
        assert getattr(packed, name) == getattr(linear, name)
    for own, theirs in ((packed.weight, linear.weight), (packed.bias, linear.bias)):
        assert type(own) is type(theirs)
        if own is not None and theirs is not None:
            for name in ("shape", "dtype", "device", "ndim", "is_cuda"):
                assert getattr(own, name) == getattr(theirs, name)
            assert own.numel() == theirs.numel()
    assert [name for name, _ in packed.named_parameters()] == [name for name, _ in linear.named_parameters()]


def test_a_layer_with_a_hook_is_left_as_it_is() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].register_forward_hook(lambda module, inputs, out: -out)
    assert pack_linear_layers(model) == 1
    assert [type(layer) for layer in model] == [nn.Linear, PackedLinear]


def test_a_model_that_computes_with_its_weights_itself_is_left_as_it_is(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Mamba does, whose product in one kernel is not a call of the layer."""
    encoder = resolve_model(str(tiny_model), ModelOptions(device="cpu")).load()
    assert isinstance(encoder, TransformerEncoder)
    parent = encoder.model[0].model.encoder.layer[0].output
    parent.register_forward_hook(lambda module, inputs, out: out @ module.dense.weight[:32, :32])
    sentences = ["the cat sat", "two"]
    expected = encoder.model.encode(sentences)
    np.testing.assert_allclose(encoder.encode(sentences, "", None), expected, atol=1e-6)
    assert "runs with PyTorch's linear layers, which is slower" in capsys.readouterr().err


def test_layers_that_would_give_other_vectors_are_not_packed(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that takes another code path if its layer is not PyTorch's own."""
    encoder = resolve_model(str(tiny_model), ModelOptions(device="cpu")).load()
    assert isinstance(encoder, TransformerEncoder)
    parent = encoder.model[0].model.encoder.layer[0].output
    parent.register_forward_hook(lambda module, inputs, out: -out if type(module.dense) is nn.Linear else out)
    sentences = ["the cat sat", "two"]
    expected = encoder.model.encode(sentences)
    np.testing.assert_allclose(encoder.encode(sentences, "", None), expected, atol=1e-6)
    assert "the lowest cosine is" in capsys.readouterr().err
