"""SentenceTransformers in memory: one with own code is scored by its own `encode`, and its vectors are not cached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.evaluation import BaseEvaluator

import bitext_bench as bb
from bitext_bench.encoders.loaded import as_model, is_cacheable
from bitext_bench.encoders.loaded_digest import loaded_digest


class Reversed(SentenceTransformer):
    """Encodes each sentence backwards."""

    def encode(self, sentences: Any, *args: Any, **more: Any) -> Any:
        """Encode."""
        return super().encode([text[::-1] for text in sentences], *args, **more)


class FewDimensions(SentenceTransformer):
    """Keeps eight dimensions."""

    def forward(self, features: Any, **more: Any) -> Any:
        """Return the features."""
        return _cut(super().forward(features, **more))


class Cut(torch.nn.Module):
    """A module of the user's own."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.dimensions = dimensions

    def forward(self, features: Any) -> Any:
        """Return the features."""
        return _cut(features, self.dimensions)


def _cut(features: Any, dimensions: int = 8) -> Any:
    return {**features, "sentence_embedding": features["sentence_embedding"][:, :dimensions]}


def _hooked(model: SentenceTransformer) -> None:
    model[1].register_forward_hook(lambda module, given, found: _cut(found))


def _replaced(model: SentenceTransformer) -> None:
    own = model.encode
    model.encode = lambda sentences, *a, **more: own([text[::-1] for text in sentences], *a, **more)


def _appended(model: SentenceTransformer) -> None:
    model.append(Cut(8))


def _left(model: SentenceTransformer) -> None:
    model.tokenizer.truncation_side = "left"


def _lower(model: SentenceTransformer) -> None:
    model[0].do_lower_case = not model[0].do_lower_case


def _scaling(model: SentenceTransformer) -> None:
    model[0].model.encoder.layer[0].attention.self.scaling = 3.0


def _buffer(model: SentenceTransformer) -> None:
    model[0].model.embeddings.token_type_ids.add_(1)


CODE = [(Reversed, None), (FewDimensions, None), *((SentenceTransformer, f) for f in (_hooked, _replaced, _appended))]


def load(
    directory: Path, kind: type = SentenceTransformer, change: Callable[[Any], None] | None = None
) -> SentenceTransformer:
    model: SentenceTransformer = kind(str(directory), device="cpu")
    model.max_seq_length = 8
    if change:
        change(model)
    return model


def score(model: object, cache: Path | None = None) -> float:
    value = bb.evaluate(model, ["Mini-STS"], "en", "mini", cache=cache)["Mini-STS"]["en"].cosine_spearman.value
    assert value is not None
    return value


@pytest.mark.parametrize(("kind", "change"), CODE)
def test_own_code_is_called_and_not_cached(
    kind: type, change: Callable[[Any], None] | None, tiny_model: Path, tmp_path: Path
) -> None:
    plain, model = load(tiny_model), load(tiny_model, kind, change)
    ours = score(plain, tmp_path)
    files = sorted(tmp_path.rglob("*"))
    report = bb.evaluate(model, ["Mini-STS"], "en", "mini", cache=tmp_path)
    found = report["Mini-STS"]["en"].cosine_spearman
    assert found.value == pytest.approx(score(lambda sentences: model.encode(sentences)), abs=1e-6) != ours
    assert sorted(tmp_path.rglob("*")) == files
    assert as_model(plain).revision not in found.signature and "|model:in-memory-" in found.signature
    assert report.name.startswith(f"local/{kind.__name__}-")


def test_own_code_with_a_name_and_a_version_is_cached(tiny_model: Path, tmp_path: Path) -> None:
    model = load(tiny_model, Reversed)
    model.name, model.version = "reversed", "1"
    assert is_cacheable(as_model(model)) and as_model(model).name == "local/reversed"
    assert score(model, tmp_path) == score(model, tmp_path) and any(tmp_path.iterdir())


@pytest.mark.parametrize("change", [_left, _lower, _scaling, _buffer])
def test_each_setting_changes_the_digest(change: Callable[[Any], None], tiny_model: Path) -> None:
    plain, changed = load(tiny_model), load(tiny_model, change=change)
    assert None is not loaded_digest(plain) != loaded_digest(changed) is not None
    assert as_model(plain).name != as_model(changed).name


def test_use_does_not_change_the_digest(tiny_model: Path, tmp_path: Path) -> None:
    model, other = load(tiny_model), load(tiny_model)
    before = loaded_digest(model)
    assert before == loaded_digest(other) is not None
    score(model, tmp_path)
    model.encode(["a long sentence " * 99, "b"])
    assert loaded_digest(model) == before
    score(other, tmp_path)
    assert loaded_digest(other) == before


def test_stored_vectors_of_a_model_in_memory_are_checked(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = load(tiny_model)
    ours = score(model, tmp_path)
    inner = type(model[0].model).forward

    def halved(self: Any, *args: Any, **more: Any) -> Any:  # no digest can see this
        found = inner(self, *args, **more)
        found.last_hidden_state[..., ::2] = 0
        return found

    monkeypatch.setattr(type(model[0].model), "forward", halved)
    assert score(model, tmp_path) != ours
    assert "now have another vector" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "change"), CODE)
def test_the_evaluator_and_mine_call_own_code(
    kind: type, change: Callable[[Any], None] | None, tiny_model: Path
) -> None:
    pairs = ["the cat sat", "a red house", "two dogs"], ["le chat dort", "la maison", "deux chiens"]
    model = load(tiny_model, kind, change)
    evaluator: BaseEvaluator = bb.BitextEvaluator(tasks=["Mini-STS"], languages="en")
    assert evaluator(model)["bitext_Mini-STS_en_cosine_spearman"] == pytest.approx(score(model), abs=1e-6)
    mined, expected = bb.mine(*pairs, model), bb.mine(*pairs, lambda sentences: model.encode(sentences))
    assert [pair.cosine for pair in mined] == pytest.approx([pair.cosine for pair in expected], abs=1e-5)


class WithoutPrompt(SentenceTransformer):
    """Its encode takes no prompt, so it adds its own."""

    def encode(self, sentences: list[str]) -> Any:  # type: ignore[override]
        """Encode."""
        return super().encode(sentences)


@pytest.mark.parametrize("kind", [Reversed, WithoutPrompt])
def test_the_default_prompt_is_added_once(kind: type, tiny_model: Path) -> None:
    model = load(tiny_model, kind)
    model.prompts, model.default_prompt_name = {"red": "red house "}, "red"
    assert score(model) == pytest.approx(score(lambda sentences: model.encode(sentences)), abs=1e-6)


def test_functions_without_a_name_do_not_share_one() -> None:
    names = {as_model(lambda sentences: [[1.0] for _ in sentences]).name for _ in range(2)}
    assert len(names) == 2 and all(name.startswith("local/lambda-") for name in names)
