"""Transformer checkpoints: sentence-transformers directories, and plain ones with a stated pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..languages import Language
from .files import module_folders, read_config, weight_files
from .model import ModelOptions
from .overlap import Quick, overlapped, pinned, start_in_thread, start_on_device
from .tokens import TokenIds

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

POOLINGS = {"mean": "mean", "cls": "cls", "last": "lasttoken"}

# RoBERTa's children number their positions from the padding token's id on, and have so many fewer.
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet"}

# Between 1,000 and 2,000 tokens a batch, a CPU's caches and matrix units are both full (README, performance); a GPU
# wants more to do at once.
CPU_BATCH_TOKENS = 1_024
OPENVINO_BATCH_TOKENS = 640  # for each core
GPU_BATCH_TOKENS = 16_384


@dataclass(frozen=True, slots=True)
class Layout:
    """What a checkpoint directory says of itself without being loaded.

    Attributes:
        max_length: after which a sentence is cut, in tokens.
        own_length: the same where the user sets none.
        whole: sentence-transformers' modules are used as they are; if not, the transformer with a pooling.
    """

    pooling: str
    max_length: int | None
    own_length: int | None
    whole: bool


def read_layout(directory: Path, options: ModelOptions) -> Layout:
    """Read pooling and maximum length from a checkpoint's configuration files.

    Raises:
        UserError: a plain transformers checkpoint without `--pooling`, pickled weights without `--allow-pickle`, or
            a `--max-length` that the model has no positions for.
    """
    pickled = [f.name for f in weight_files(directory) if f.suffix != ".safetensors"]
    if pickled and not options.allow_pickle:
        raise UserError(
            f"{directory} has weights as {pickled[0]}, which can run code when it is loaded: expected "
            "safetensors; convert it, or pass --allow-pickle if you trust where it comes from"
        )
    modules = module_folders(directory)
    saved = _saved_pooling(modules)
    pooling = options.pooling or saved
    if pooling is None:
        raise UserError(
            f"{directory} is a plain transformers checkpoint and does not say how token vectors become a "
            "sentence vector: pass --pooling mean, cls or last"
        )
    config = read_config((modules[0] if modules else directory) / "config.json")
    positions = config.get("max_position_embeddings")
    if positions and config.get("model_type") in _OFFSET_POSITIONS:
        positions -= config.get("pad_token_id", 1) + 1
    if options.max_length and positions and options.max_length > positions:
        raise UserError(f"--max-length {options.max_length}: {directory} has positions for {positions} tokens only")
    own_length = _max_length(directory, modules)
    return Layout(pooling, options.max_length or own_length, own_length, whole=pooling == saved)


def _saved_pooling(modules: list[Path]) -> str | None:
    for folder in modules:
        config = read_config(folder / "config.json")
        if mode := config.get("pooling_mode"):
            return "last" if mode == "lasttoken" else str(mode)
        for key in ("mean_tokens", "cls_token", "lasttoken", "max_tokens"):
            if config.get(f"pooling_mode_{key}"):
                return key.partition("token")[0].rstrip("_")
    return "model" if modules else None


def _max_length(directory: Path, modules: list[Path]) -> int | None:
    first = modules[0] if modules else directory
    stated = read_config(first / "sentence_bert_config.json").get("max_seq_length")
    if stated:
        return int(stated)
    lengths = [
        read_config(first / "tokenizer_config.json").get("model_max_length"),
        read_config(first / "config.json").get("max_position_embeddings"),
    ]
    # Some tokenizers save 10^30 for "no limit".
    finite = [int(n) for n in lengths if n and n < 1_000_000]
    return min(finite) if finite else None


class TransformerEncoder:
    """An encoder over sentence-transformers' modules, without its batching.

    `model` is open to be trained, before anything is encoded or unless there is a `finish`: what is done, on the first
    use, to make it one that is quicker and can only encode.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        finish: Callable[[SentenceTransformer], Quick] | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        self.model = model.eval()
        self._finish = finish
        self._tokens = TokenIds(model)
        self._quick = Quick(lambda features: model(features)["sentence_embedding"])
        self.device = model.device.type
        self.batch_tokens = batch_tokens or (CPU_BATCH_TOKENS if self.device == "cpu" else GPU_BATCH_TOKENS)

    def sizes(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return the token counts, special tokens included, before truncation."""
        return self._tokens.sizes(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; the language is not used."""
        import torch

        self._make_quick()
        features = self._tokens.features(sentences, prompt)
        on_device = {k: v.to(self.model.device) if isinstance(v, torch.Tensor) else v for k, v in features.items()}
        with torch.inference_mode():
            vectors = self._quick.vectors(on_device)
        result: NDArray[np.float32] = vectors.float().cpu().numpy()
        return result

    def encode_each(
        self, batches: Iterable[Sequence[str]], prompt: str, language: Language | None
    ) -> Iterator[NDArray[np.float32]]:
        """Encode batch after batch; OpenVINO computes some at once, and a CUDA device has the next one ready."""
        self._make_quick()
        if self.device != "cuda" and self._quick.at_once == 1:
            yield from (self.encode(batch, prompt, language) for batch in batches)
            return
        tokenise = partial(self._tokens.features, prompt=prompt)
        with ThreadPoolExecutor(self._quick.at_once) as threads:
            if self.device == "cuda":
                ready, start = (lambda batch: pinned(tokenise(batch))), partial(start_on_device, self.model)
            else:
                ready, start = tokenise, partial(start_in_thread, threads, self._quick)
            yield from (vectors.numpy() for vectors in overlapped(batches, ready, start, self._quick.at_once))

    def _make_quick(self) -> None:
        if self._finish:
            self._quick = self._finish(self.model)
            self._finish = None


def load_transformer(
    directory: Path, layout: Layout, options: ModelOptions, tokenizer: Path | None = None
) -> TransformerEncoder:
    """Load a checkpoint directory of either layout, with its own tokenizer unless another one is given.

    Raises:
        UserError: the libraries cannot make a model of it (damaged weights, missing tokenizer, unknown architecture).
    """
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    # Whatever foreign code raises over files that it did not expect; torch asserts that it was built with CUDA.
    fails = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ImportError, AssertionError)
    # OpenVINO converts the weights itself.
    stored = "fp32" if options.backend == "openvino" else options.dtype
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    modules = module_folders(directory)
    first = modules[0] if modules else directory
    if tokenizer is None and not any(_of_tokenizer(file) for file in (*_entries(first), *_entries(directory))):
        # transformers would make up one that knows no word.
        raise UserError(f"{directory} holds no tokenizer: expected tokenizer.json or the like beside the weights")
    # Of weights in both formats, those of the fingerprint are loaded.
    safe = any(f.parent == first and f.suffix == ".safetensors" for f in weight_files(directory))
    model_kwargs = {"dtype": dtypes[stored], "use_safetensors": safe or not options.allow_pickle}
    try:
        if layout.whole and tokenizer is None:
            model = SentenceTransformer(
                str(directory),
                device=options.device,
                model_kwargs=model_kwargs,
                trust_remote_code=options.trust_remote_code,
                local_files_only=True,
            )
        else:
            model = _pooled(directory, layout, options, model_kwargs, tokenizer)
    except (*fails, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"cannot load the model in {directory}: {reason[:400]}") from error
    if layout.max_length is not None:
        model.max_seq_length = layout.max_length
    batch_tokens = OPENVINO_BATCH_TOKENS if options.backend == "openvino" else None
    return TransformerEncoder(model, partial(_finish, options), batch_tokens)


def _finish(options: ModelOptions, model: SentenceTransformer) -> Quick:
    """Make a model quicker, and fit for encoding alone."""
    if options.backend == "openvino":
        from .openvino import run_by_openvino

        return run_by_openvino(model, options.dtype)
    from .packed import pack_linear_layers

    pack_linear_layers(model)
    return Quick(lambda features: model(features)["sentence_embedding"])


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _of_tokenizer(file: Path) -> bool:
    return file.name.startswith(("tokenizer", "vocab", "merges")) or file.suffix in (".model", ".spm")


def _pooled(
    directory: Path,
    layout: Layout,
    options: ModelOptions,
    model_kwargs: dict[str, Any],
    tokenizer: Path | None,
) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    modules = module_folders(directory)
    transformer = Transformer(
        str(modules[0] if modules else directory),
        model_kwargs=model_kwargs,
        config_kwargs={"trust_remote_code": options.trust_remote_code},
        tokenizer_name_or_path=str(tokenizer) if tokenizer else None,
    )
    pooling = Pooling(transformer.get_embedding_dimension(), POOLINGS[layout.pooling])
    return SentenceTransformer(modules=[transformer, pooling], device=options.device)
