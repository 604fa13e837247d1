"""Compare the vectors of registered models with those of a reference; test_layouts.py runs it with a hub.

Usage: python layout_vectors.py '{"labse": ["sentence_transformers", "first_token_and_dense"]}'
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bitext_bench.baselines import BASELINES, Baseline
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.mteb_encoder import MtebEncoder
from bitext_bench.languages import Language, resolve

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str], str], Vectors]  # takes the texts of a batch and a prompt

LANGUAGE: Language = resolve("fr")  # not SONAR's default

# Batches of several lengths. The long text has more tokens than most models take.
LONG = "We painted the bedroom pale green; nous avons peint la chambre. " * 30
BATCHES = (
    ("The washing machine has been leaking since Tuesday.", "A dog", LONG, "Le lave-linge fuit depuis mardi."),
    ("火曜日から洗濯機が水漏れしています。", "Стиральная машина протекает со вторника."),
    ("cat",),
)


def sentence_transformers(record: Baseline) -> Encode:
    """Load the model's hub id with sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    settings = {"device": "cpu", "model_kwargs": {"dtype": torch.float32}, "trust_remote_code": runs_code(record)}
    model = SentenceTransformer(record.checkpoint, revision=record.revision, **settings)
    return lambda texts, prompt: model.encode(list(texts), prompt=prompt or None, batch_size=4)


def _load_tokens(record: Baseline, **tokenizer: str) -> Callable[[Sequence[str]], tuple[torch.Tensor, torch.Tensor]]:
    """Load a model with transformers; the function returns token vectors and their mask."""
    from transformers import AutoModel, AutoTokenizer

    own = {"revision": record.revision} if record.tokenizer is None else {}
    reader = AutoTokenizer.from_pretrained(record.tokenizer or record.checkpoint, **own, **tokenizer)
    model = AutoModel.from_pretrained(record.checkpoint, revision=record.revision, dtype=torch.float32).eval()

    def run(texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        batch = reader(list(texts), padding=True, truncation=True, max_length=record.max_length, return_tensors="pt")
        with torch.inference_mode():
            return model(**batch).last_hidden_state, batch["attention_mask"]

    return run


def _mean(tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(-1).float()
    return (tokens * weights).sum(1) / weights.sum(1)


def _load_dense(record: Baseline, number: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the weight and the bias of a Dense module."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError
    from safetensors.torch import load_file

    def download(name: str) -> str:
        return str(hf_hub_download(record.checkpoint, f"{number}_Dense/{name}", revision=record.revision))

    try:
        state = load_file(download("model.safetensors"))
    except EntryNotFoundError:
        state = torch.load(download("pytorch_model.bin"), weights_only=True)
    return state["linear.weight"], state.get("linear.bias")


def first_token_and_dense(record: Baseline) -> Encode:
    """Encode as LaBSE: the vector of [CLS], a layer with tanh, length 1."""
    run, (weight, bias) = _load_tokens(record), _load_dense(record, 2)

    def encode(texts: Sequence[str], prompt: str) -> Vectors:
        tokens, _ = run([prompt + text for text in texts])
        vectors = torch.tanh(torch.nn.functional.linear(tokens[:, 0], weight, bias))
        return torch.nn.functional.normalize(vectors).numpy()

    return encode


def mean_and_two_layers(record: Baseline) -> Encode:
    """Encode as EmbeddingGemma: the mean of all tokens, the prompt's included, two linear layers, length 1."""
    run, layers = _load_tokens(record), [_load_dense(record, number) for number in (2, 3)]

    def encode(texts: Sequence[str], prompt: str) -> Vectors:
        vectors = _mean(*run([prompt + text for text in texts]))
        for weight, bias in layers:
            vectors = torch.nn.functional.linear(vectors, weight, bias)
        return torch.nn.functional.normalize(vectors).numpy()

    return encode


def last_token(record: Baseline) -> Encode:
    """Encode as in Qwen3-Embedding's model card: padding on the left, the vector of the last token, length 1."""
    run = _load_tokens(record, padding_side="left")

    def encode(texts: Sequence[str], prompt: str) -> Vectors:
        tokens, mask = run([prompt + text for text in texts])
        assert mask[:, -1].all()
        return torch.nn.functional.normalize(tokens[:, -1]).numpy()

    return encode


def mean(record: Baseline) -> Encode:
    """Encode with transformers and the mean of all tokens."""
    run = _load_tokens(record)
    return lambda texts, prompt: _mean(*run([prompt + text for text in texts])).numpy()


def first_token(record: Baseline) -> Encode:
    """Encode as in MEXMA's model card: the vector of the first token of the last layer."""
    run = _load_tokens(record)
    return lambda texts, prompt: run([prompt + text for text in texts])[0][:, 0].numpy()


def end_token(record: Baseline) -> Encode:
    """Load the model's hub id as mteb does: sentence-transformers in bf16, with an end token after each text."""
    from sentence_transformers import SentenceTransformer

    formats, ends = {"dtype": torch.bfloat16}, {"add_eos_token": True}
    model = SentenceTransformer(
        record.checkpoint, revision=record.revision, device="cpu", model_kwargs=formats, processor_kwargs=ends
    )
    model.max_seq_length = record.max_length
    assert model.preprocess(["a"])["input_ids"][0, -1] == model.tokenizer.eos_token_id
    return lambda texts, prompt: model.encode(list(texts), prompt=prompt or None)


def sonar(record: Baseline) -> Encode:
    """Encode as in the model card of SONAR's port: NLLB's tokenizer with the language, the mean of all tokens."""
    from transformers import AutoTokenizer
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

    reader = AutoTokenizer.from_pretrained(record.checkpoint, src_lang=LANGUAGE.flores)
    model = M2M100Encoder.from_pretrained(record.checkpoint).eval()
    language = reader.convert_tokens_to_ids(LANGUAGE.flores)

    def encode(texts: Sequence[str], prompt: str) -> Vectors:
        given = [prompt + text for text in texts]
        batch = reader(given, padding=True, truncation=True, max_length=record.max_length, return_tensors="pt")
        assert (batch["input_ids"][:, 0] == language).all()
        with torch.inference_mode():
            return _mean(model(**batch).last_hidden_state, batch["attention_mask"]).numpy()

    return encode


def model2vec(record: Baseline) -> Encode:
    """Load the model's hub id with model2vec."""
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(record.checkpoint)
    return lambda texts, prompt: model.encode([prompt + text for text in texts])


REFERENCES = {
    reference.__name__: reference
    for reference in (
        sentence_transformers,
        first_token_and_dense,
        mean_and_two_layers,
        last_token,
        mean,
        first_token,
        end_token,
        sonar,
        model2vec,
    )
}


def runs_code(record: Baseline) -> bool:
    """Return whether a model runs code from the hub."""
    return record.checkpoint == "Alibaba-NLP/gte-multilingual-base"


def compare(name: str, references: Sequence[str]) -> dict[str, Any]:
    """Return the largest differences from each reference, with each prompt, and what our resolver says of the model."""
    record = BASELINES[name]
    model = resolve_model(name, ModelOptions(device="cpu", trust_remote_code=runs_code(record)))
    encoder = model.load()
    by_mteb = isinstance(encoder, MtebEncoder)
    encoders = {reference: REFERENCES[reference](record) for reference in references}
    # A model that mteb runs takes the name of a task instead of a prompt, and cannot do without.
    given = {} if by_mteb else {"": ""}
    given |= {record.prompt: model.prompts.bitext, record.sts_prompt: model.prompts.sts}
    vectors, differences = dict[str, Vectors](), dict[str, float]()
    for prompt, asked in given.items():
        vectors[prompt] = np.concatenate([encoder.encode(batch, asked, LANGUAGE) for batch in BATCHES])
        for reference, encode in encoders.items():
            expected = np.concatenate([encode(batch, prompt) for batch in BATCHES])
            differences[f"{reference}, {prompt!r}"] = float(np.abs(vectors[prompt] - expected).max())
    if by_mteb:
        vectors[""] = np.concatenate([encoders[references[0]](batch, "") for batch in BATCHES])
    plain = vectors.pop("")
    return {
        "differences": differences,
        "effects": {prompt: float(np.abs(prompted - plain).max()) for prompt, prompted in vectors.items()},
        "rank": int(np.linalg.matrix_rank(plain)),
        "dimensions": int(plain.shape[1]),
        "revision": model.revision,
        "pooling": model.pooling,
        "max_length": model.max_length,
        "overrides": list(model.overrides),
        "prompts": [model.prompts.bitext, model.prompts.sts],
        "by_mteb": by_mteb,
    }


def main() -> None:
    """Print the comparisons as the last line."""
    torch.set_num_threads(1)
    print("\nRESULT" + json.dumps({name: compare(name, refs) for name, refs in json.loads(sys.argv[1]).items()}))


if __name__ == "__main__":
    main()
