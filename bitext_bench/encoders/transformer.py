"""Load and run transformer checkpoints: sentence-transformers directories, and plain ones with a given pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..languages import Language
from .files import input_modules, model_files, module_folders, weight_files
from .fingerprint import code_repositories
from .foreign import library_errors
from .layout import POOLINGS, CheckpointLayout
from .lengths import as_limit, max_positions_loaded
from .missing import TEXTS, check_missing_weights, collect_incomplete_models
from .model import ModelOptions
from .overlap import FastForward, pin_features, run_overlapped, start_in_thread, start_on_device
from .tokens import TokenIds

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# With 1,000 to 2,000 tokens in a batch, a CPU uses its caches and matrix units fully; a GPU
# needs larger batches.
CPU_BATCH_TOKENS = 1_024
OPENVINO_BATCH_TOKENS = 640  # for each core
GPU_BATCH_TOKENS = 16_384


class TransformerEncoder:
    """An encoder that calls sentence-transformers' modules directly, without its batching.

    `model` can be trained until the first call of `encode`: then `finish` converts it to a faster form for inference
    only. Without `finish` it can be trained at any time.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        finish: Callable[[SentenceTransformer], FastForward] | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        self.model = model.eval()
        self._finish = finish
        self._tokens = TokenIds(model)
        self._quick = FastForward(lambda features: model(features)["sentence_embedding"])
        self.device = model.device.type
        self.batch_tokens = batch_tokens or (CPU_BATCH_TOKENS if self.device == "cpu" else GPU_BATCH_TOKENS)

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return (N,) token counts before truncation, with special tokens.

        Raises:
            UserError: The tokenizer cannot read a text.
        """
        with library_errors("the model's tokenizer cannot read a text"):
            return self._tokens.token_counts(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; the language is not used.

        Raises:
            UserError: The tokenizer or the maximum length does not fit the model.
        """
        import torch
        from sentence_transformers.util import batch_to_device

        features = batch_to_device(self._tokens.features(sentences, prompt), self.model.device)
        try:
            self._make_fast()
            with torch.inference_mode():
                vectors = self._quick.vectors(features)
        except IndexError as error:
            raise UserError(
                f"the model has no embedding for a token or a position ({error}): check that the tokenizer is the "
                "model's own, or pass a smaller --max-length"
            ) from error
        result: NDArray[np.float32] = self._truncate_dimensions(vectors.float().cpu().numpy())
        return result

    def encode_each(
        self, batches: Iterable[Sequence[str]], prompt: str, language: Language | None
    ) -> Iterator[NDArray[np.float32]]:
        """Encode batches: with OpenVINO several at once, on a CUDA device with the next one always ready."""
        self._make_fast()
        if self.device != "cuda" and self._quick.at_once == 1:
            yield from (self.encode(batch, prompt, language) for batch in batches)
            return
        tokenize = partial(self._tokens.features, prompt=prompt)
        with ThreadPoolExecutor(self._quick.at_once) as threads:
            if self.device == "cuda":
                ready, start = (lambda batch: pin_features(tokenize(batch))), partial(start_on_device, self.model)
            else:
                ready, start = tokenize, partial(start_in_thread, threads, self._quick)
            for vectors in run_overlapped(batches, ready, start, self._quick.at_once):
                yield self._truncate_dimensions(vectors.numpy())

    def _truncate_dimensions(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Truncate vectors to the dimensions in the model's configuration (`truncate_dim`), if set."""
        return vectors[:, : self.model.truncate_dim]

    def _make_fast(self) -> None:
        if self._finish:
            self._quick = self._finish(self.model)
            self._finish = None


def load_transformer(
    directory: Path, layout: CheckpointLayout, options: ModelOptions, tokenizer: Path | None = None
) -> TransformerEncoder:
    """Load a checkpoint directory of either layout, with its own tokenizer unless another one is given.

    Raises:
        UserError: The libraries cannot load it (damaged weights, missing tokenizer, unknown architecture).
    """
    import torch
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    # OpenVINO converts the dtype itself.
    stored = "fp32" if options.backend == "openvino" else options.dtype
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    modules = module_folders(directory)
    first = modules[0] if modules else directory
    if tokenizer is None:
        _check_tokenizers(directory)
    # If weights exist in both formats, load those that the fingerprint covers.
    of_first = [f for f in weight_files(directory) if f.parent == first or (first != directory and first in f.parents)]
    safe = any(f.suffix == ".safetensors" for f in of_first)
    model_kwargs = {"dtype": dtypes[stored], "use_safetensors": safe or not options.allow_pickle}
    try:
        with library_errors(f"cannot load the model in {directory}"), collect_incomplete_models() as incomplete:
            model = _load_modules(directory, layout, options, model_kwargs, tokenizer)
    except UserError as error:
        for file in model_files(directory):
            file.open("rb").close()  # The libraries report an unreadable file as a missing one.
        if "trust_remote_code=True" in str(error):
            code = " and ".join(code_repositories(directory)) or "its own directory"
            raise UserError(
                f"the model in {directory} runs code from {code}: pass --trust-remote-code if you trust it"
            ) from error
        raise
    with library_errors(f"the model in {directory} loads, but cannot encode a text"):
        _set_length(directory, model, layout, options)
        _check_encodes(directory, model)
        check_missing_weights(directory, incomplete, lambda: _features(model, TEXTS)["sentence_embedding"])
    batch_tokens = OPENVINO_BATCH_TOKENS if options.backend == "openvino" else None
    return TransformerEncoder(model, partial(_make_fast_forward, options), batch_tokens)


def _load_modules(
    directory: Path,
    layout: CheckpointLayout,
    options: ModelOptions,
    model_kwargs: dict[str, Any],
    tokenizer: Path | None,
) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    if tokenizer is None:
        model = SentenceTransformer(
            str(directory),
            device=options.device,
            model_kwargs=model_kwargs,
            trust_remote_code=options.trust_remote_code,
            local_files_only=True,
        )
        if layout.uses_saved_modules:
            return model
        first, cut = model[0], model.truncate_dim
    else:
        cut = None
        first = Transformer(
            str(directory),
            model_kwargs=model_kwargs,
            config_kwargs={"trust_remote_code": options.trust_remote_code},
            tokenizer_name_or_path=str(tokenizer),
        )
    if not isinstance(first, Transformer):
        raise UserError(
            f"--pooling {layout.pooling}: expected a transformer as the first module of {directory}, found "
            f"{type(first).__name__}"
        )
    pooling = Pooling(first.get_embedding_dimension(), POOLINGS[layout.pooling])
    return SentenceTransformer(modules=[first, pooling], device=options.device, truncate_dim=cut)


def _set_length(directory: Path, model: SentenceTransformer, layout: CheckpointLayout, options: ModelOptions) -> None:
    """Set a model's maximum length to that of its layout, after checking that both agree.

    Raises:
        UserError: The model reports another length than its files, or has fewer positions.
    """
    given = model.max_seq_length
    if options.max_length is None and as_limit(given) != layout.stated_length:
        raise UserError(
            f"{directory}: sentence-transformers reports a maximum length of {given} tokens, its files say "
            f"{layout.stated_length or 'none'}: pass the right one as --max-length"
        )
    if hasattr(model[0], "sub_modules"):
        _limit_routes(model[0])
    elif (limit := max_positions_loaded(model[0])) is not None and (layout.max_length or limit + 1) > limit:
        raise UserError(
            f"{directory} has positions for {limit} tokens, but its maximum length is {layout.max_length or 'none'}: "
            f"pass --max-length {limit} or less"
        )
    if layout.max_length == layout.own_length == layout.stated_length:
        return  # Setting it would overwrite different lengths of a router's routes.
    model.max_seq_length = layout.max_length
    for settings in getattr(model[0], "processing_kwargs", {}).values():
        settings.pop("max_length", None)  # It would take precedence.


def _check_encodes(directory: Path, model: SentenceTransformer) -> None:
    """Encode two texts, because some models load but cannot encode: no padding token, no route for text.

    Raises:
        UserError: No module returns a sentence vector. Errors of sentence-transformers are passed on.
    """
    import torch

    model.eval()
    with torch.inference_mode():
        features = _features(model, ["a", "a b"])
    if "sentence_embedding" not in features:
        raise UserError(f"{directory} has no module that returns a sentence vector: pass --pooling mean, cls or last")


def _features(model: SentenceTransformer, texts: Sequence[str]) -> dict[str, Any]:
    """Return all output features of a model for a batch of texts."""
    from sentence_transformers.util import batch_to_device

    features: dict[str, Any] = model(batch_to_device(dict(model.preprocess(list(texts))), model.device))
    return features


def _limit_routes(router: Any) -> None:  # noqa: ANN401 (sentence-transformers is untyped)
    """Limit the maximum length of each route of a router to its number of positions."""
    for first in (route[0] for route in router.sub_modules.values()):
        limit = max_positions_loaded(first)
        if limit is not None and (as_limit(first.max_seq_length) or limit + 1) > limit:
            first.max_seq_length = limit


def _make_fast_forward(options: ModelOptions, model: SentenceTransformer) -> FastForward:
    """Convert a model to a faster form, for inference only.

    Raises:
        UserError: OpenVINO gives other vectors, or cannot run the model.
    """
    if options.backend == "openvino":
        from .openvino import run_by_openvino

        return run_by_openvino(model, options.dtype)
    quick = FastForward(lambda features: model(features)["sentence_embedding"])
    if options.dtype == "fp32" and model.device.type == "cpu":
        from .packed import pack_where_equal

        pack_where_equal(model, quick.vectors)
    return quick


def _check_tokenizers(directory: Path) -> None:
    """Refuse a transformer without a tokenizer: transformers would create one with an empty vocabulary."""
    for folder, kind in input_modules(directory):
        if kind in ("", "Transformer") and not any(map(_is_tokenizer_file, folder.iterdir())):
            raise UserError(f"{folder} has no tokenizer: expected tokenizer.json or similar next to the weights")


def _is_tokenizer_file(file: Path) -> bool:
    return file.name.startswith(("tokenizer", "vocab", "merges")) or file.suffix in (".model", ".spm")
