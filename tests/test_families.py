"""Every text encoder that transformers can build gives sentence-transformers' own vectors, with its layers packed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import SENTENCES, SMALL, save_with_tokenizer

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.transformer import TransformerEncoder
from bitext_bench.errors import UserError

_MOST_PARAMETERS = 10_000_000

# What makes a configuration tiny, under all the names that architectures have for it.
_SIZES = {
    SMALL["vocab_size"]: "vocab_size",
    32: "hidden_size d_model n_embd dim emb_dim embedding_size embed_dim model_dim word_embed_proj_dim",
    2: "num_hidden_layers num_layers n_layer n_layers encoder_layers decoder_layers num_decoder_layers "
    "num_encoder_layers num_attention_heads n_head n_heads num_heads encoder_attention_heads decoder_attention_heads "
    "num_encoder_attention_heads num_decoder_attention_heads num_key_value_heads num_experts_per_tok bos_token_id "
    "cls_token_id",
    16: "head_dim d_kv attention_head_size",
    64: "intermediate_size d_ff ffn_dim encoder_ffn_dim decoder_ffn_dim n_inner hidden_dim d_inner "
    "moe_intermediate_size shared_expert_intermediate_size ffn_hidden_size",
    128: "max_position_embeddings n_positions max_sequence_length n_ctx",
    4: "num_experts num_local_experts n_routed_experts",
    0: "pad_token_id",
    3: "eos_token_id sep_token_id",
}
_TINY = {name: size for size, names in _SIZES.items() for name in names.split()}
_MROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]}}
_HALF_MROPE = {
    "head_dim": 16,
    "rope_parameters": {**_MROPE["rope_parameters"], "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 2]},
}
_ROTARY = {"rotary_dim": 8}
_MAMBA = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_expand": 2, "mamba_d_state": 16}
_LATENT = {"qk_rope_head_dim": 16, "qk_nope_head_dim": 16, "v_head_dim": 16, "q_lora_rank": 16, "kv_lora_rank": 16}
_OF_FAMILY: dict[str, dict[str, Any]] = {
    **dict.fromkeys(["deepseek_v3", "deepseek_v32", "youtu"], _LATENT),
    "mistral4": {**_LATENT, "head_dim": 32},
    "axk1": {**_LATENT, "num_key_value_heads": 2, "n_group": 1, "topk_group": 1},
    **dict.fromkeys(["codegen", "gptj"], _ROTARY),
    **dict.fromkeys(["qwen2_vl_text", "qwen2_5_vl_text"], _MROPE),
    **dict.fromkeys(["glm4v_text", "glm4v_moe_text", "glm_image_text", "glm_ocr_text"], _HALF_MROPE),
    "cosmos3_edge_text": _MROPE,
    **dict.fromkeys(["bamba", "granitemoehybrid"], _MAMBA),
    "dots1": {"n_shared_experts": 1},
    "funnel": {"architectures": ["FunnelModel"], "block_sizes": [1, 1], "block_repeats": [1, 1], "d_head": 16},
    "gemma4_text": {"vocab_size_per_layer_input": 30, "hidden_size_per_layer_input": 8},
    "gemma3n_text": {"num_hidden_layers": 4, "num_kv_shared_layers": 0, "vocab_size_per_layer_input": 30},
    "glm_moe_dsa": _LATENT,
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "longcat_flash": _LATENT,
    "kimi_linear": _LATENT,
    "lilt": {"hidden_size": 48, "num_attention_heads": 2, "channel_shrink_ratio": 2},
    "t5gemma": {"encoder": _TINY, "decoder": _TINY},
    "zamba2": {"num_hidden_layers": 2, "layers_block_type": ["mamba", "hybrid"]},
    "falcon_h1": {**_MAMBA, "mamba_d_ssm": 64},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "luke": {"entity_vocab_size": 8, "entity_emb_size": 16},
    "mamba2": {"num_heads": 4, "head_dim": 16, "n_groups": 1},
    "reformer": {"axial_pos_shape": [8, 16], "axial_pos_embds_dim": [16, 16], "attn_layers": ["local", "lsh"]},
    "roc_bert": {"pronunciation_vocab_size": 8, "shape_vocab_size": 8},
    "xmod": {"default_language": "en_XX"},
    "zaya": {"num_experts_per_tok": 1},
}


def build(family: str, folder: Path) -> str:
    """Write a tiny checkpoint with random weights; returns why there is none, "" where there is."""
    import torch
    from transformers import CONFIG_MAPPING, MODEL_MAPPING, AutoModel

    kind = CONFIG_MAPPING[family]
    if others := {name.partition("_")[0] for name in kind.sub_configs} & {"vision", "audio", "backbone", "codec"}:
        return f"has a part for {', '.join(others)}"
    named = {**kind().to_dict(), **kind.attribute_map}
    config = kind(**{name: size for name, size in _TINY.items() if name in named} | _OF_FAMILY.get(family, {}))
    classes = MODEL_MAPPING[kind]  # several where a configuration says which
    if (given := (classes[0] if isinstance(classes, tuple) else classes).main_input_name) != "input_ids":
        return f"takes {given}"
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    if (parameters := sum(p.numel() for p in model.parameters())) > _MOST_PARAMETERS:
        return f"{parameters:,} parameters"
    save_with_tokenizer(folder, type(model), config)
    return ""


def pooled(plain: Path) -> list[Any]:
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(str(plain))
    return [transformer, Pooling(transformer.get_embedding_dimension(), "mean")]


def vectors_of(folder: Path, **options: Any) -> tuple[np.ndarray, bool]:
    """Return the vectors of the default path, and whether the layers are packed."""
    encoder = resolve_model(str(folder), ModelOptions(device="cpu", **options)).load()
    assert isinstance(encoder, TransformerEncoder)
    found = encoder.encode(SENTENCES, "", None)
    kinds = {type(layer) for layer in encoder.model[0].modules() if isinstance(layer, torch.nn.Linear)}
    return found, torch.nn.Linear not in kinds


@pytest.mark.parametrize("family", ["t5", "mt5", "umt5", "longt5", "switch_transformers", "nomic_bert", "gemma3_text"])
def test_a_family_gives_its_own_vectors_with_packed_layers(family: str, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize

    assert build(family, tmp_path / "plain") == ""
    modules = [*pooled(tmp_path / "plain"), Dense(32, 16, bias=False), Normalize()]
    model = SentenceTransformer(modules=modules, device="cpu")
    model.save(str(tmp_path / family))
    found, packed = vectors_of(tmp_path / family)
    np.testing.assert_allclose(found, model.encode(SENTENCES), atol=1e-5)
    assert packed


# They compute with their layers' weights themselves.
UNPACKED = {"falcon_mamba", "jamba", "longcat_flash", "mamba"}
# Called text encoders by transformers, as they have one in them; their tiny form needs images.
WITH_IMAGES = {"emu3", "llama4", "mllama"}


@pytest.mark.families
def test_every_text_encoder_gives_its_own_vectors(tmp_path: Path) -> None:
    """All families that sentence-transformers encodes a text with; -rP lists the others with the reason."""
    from sentence_transformers import SentenceTransformer
    from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES, MODEL_MAPPING_NAMES

    faults: dict[str, str] = {}
    compared: set[str] = set()
    made_up: set[str] = set()
    for family in MODEL_MAPPING_NAMES:
        folder = tmp_path / family
        try:
            if reason := build(family, folder):
                print(f"{family}: {reason}")
                continue
            expected, again = (
                SentenceTransformer(modules=pooled(folder), device="cpu").encode(SENTENCES) for _ in range(2)
            )
            if not np.allclose(expected, again):
                print(f"{family}: sentence-transformers makes up weights each time that it is loaded")
                made_up.add(family)
                continue
        except Exception as error:  # noqa: BLE001 (600 architectures, none of which is under test here)
            print(f"{family}: {' '.join(str(error).split())[:200]}")
            continue
        try:
            found, packed = vectors_of(folder, pooling="mean")
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * float(np.abs(expected).max()))
            assert packed != (family in UNPACKED), "packed" if packed else "not packed"
        except (AssertionError, UserError) as error:
            faults[family] = str(error)
        compared.add(family)
        shutil.rmtree(folder)
    assert not faults
    for family in made_up:
        with pytest.raises(UserError, match="transformers would initialize them"):
            vectors_of(tmp_path / family, pooling="mean")
    assert made_up <= {"blenderbot", "blenderbot-small", "m2m_100", "marian", "pegasus", "pegasus_x", "prophetnet"}
    assert len(compared) >= 200
    assert set(MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES) - WITH_IMAGES <= compared
