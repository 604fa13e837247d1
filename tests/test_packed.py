"""Linear layers in oneDNN's order give what PyTorch's give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.packed import PackedLinear, pack_linear_layers
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
