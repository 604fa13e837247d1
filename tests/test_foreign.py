"""Damaged configurations of models: one line says what cannot be loaded, whatever the libraries raise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from builders import edit

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.foreign import library_errors
from bitext_bench.errors import UserError


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


@pytest.mark.parametrize(
    ("file", "changes", "words"),
    [
        ("config.json", {"num_hidden_layers": 10**9}, "num_hidden_layers 1,000,000,000: expected at most 1,000"),
        ("config.json", {"text_config": {"n_layer": 10**6}}, "n_layer 1,000,000: expected at most 1,000"),
        ("config.json", {"hidden_size": "32"}, "cannot load the model in .*'hidden_size' expected int, got str"),
        (
            "1_Pooling/config.json",
            {"pooling_mode": 0.5},
            "pooling_mode 0.5 of a module is invalid: expected a name or a list",
        ),
    ],
)
def test_a_damaged_configuration(model: Path, file: str, changes: dict[str, Any], words: str) -> None:
    edit(model / file, **changes)
    with pytest.raises(UserError, match=words):
        resolve_model(str(model), ModelOptions()).load()


def test_a_module_whose_folder_is_not_there(model: Path) -> None:
    modules = json.loads((model / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (model / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UserError, match="is missing the directory '0_Transformer' of its modules.json"):
        resolve_model(str(model), ModelOptions())


def test_a_tokenizer_that_fails_on_an_unknown_word(model: Path) -> None:
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    del tokenizer["model"]["vocab"]["[UNK]"]
    tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if token["content"] != "[UNK]"]
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    edit(model / "tokenizer_config.json", unk_token=None)
    with pytest.raises(UserError, match="Missing .UNK. token"):
        resolve_model(str(model), ModelOptions()).load().token_counts(["unheard of"])


def test_a_default_prompt_that_is_no_name(model: Path) -> None:
    edit(model / "config_sentence_transformers.json", default_prompt_name=["query"])
    assert resolve_model(str(model), ModelOptions()).prompts.bitext == ""


@pytest.mark.parametrize("error", [MemoryError("all"), KeyboardInterrupt(), UserError("said already")])
def test_what_no_damaged_file_leads_to_is_passed_on(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, library_errors("the model"):
        raise error
    assert caught.value is error
