"""Models that mteb loads and runs: `--model mteb:NAME`, and ids whose loader in mteb is not plain."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..baselines import find_baseline
from ..errors import UserError
from ..io.hub import fetch
from ..io.hub_errors import NotFetched, Repository, as_not_fetched
from ..io.hub_requests import limit_requests, quiet_client, use_cache_only
from ..io.memory_errors import out_of_memory_message
from ..io.terminal import quiet_mteb
from ..languages import Language
from .extras import FAILURES, FOREIGN_BATCH_TOKENS, check_matrix, estimate_token_counts
from .fingerprint import TRANSFORMERS, software
from .foreign import library_errors
from .hub import loadable_files
from .model import Model, ModelOptions, Prompts
from .mteb_registry import MTEB, MtebRecord, prompt_source, prompt_texts, task_prompts
from .packages import package_model

# The environment variables with the keys of the services behind mteb's loaders; any one of several is enough.
_KEYS = {
    "CohereTextEmbeddingModel": ("CO_API_KEY",),
    "cohere_v_loader": ("COHERE_API_KEY",),
    "ConanWrapper": ("CONAN_AK",),
    "GeeVecAPIModel": ("GEEVEC_API_KEY", "GEEKNOW_API_KEY"),
    "GoogleGeminiEmbeddingModel": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "HakimModelWrapper": ("MCINEXT_API_KEY",),
    "OctenVLEmbeddingModel": ("OCTEN_API_KEY",),
    "OpenAIModel": ("OPENAI_API_KEY",),
    "Seed16EmbeddingWrapper": ("VOLCES_AUTH_TOKEN",),
    "SeedTextEmbeddingModel": ("ARK_API_KEY",),
    "VoyageModel": ("VOYAGE_API_KEY",),
    "voyage_v_loader": ("VOYAGE_API_KEY",),
}
_BATCH = 32  # sentences, mteb's default


def load_with_mteb(record: MtebRecord, options: ModelOptions) -> tuple[Model, Prompts]:
    """Describe a model that mteb loads and runs, and its prompts.

    Raises:
        UserError: The model needs a key, or `--trust-remote-code`; or the user set a prompt or a revision.
    """
    _check_options(record, options)
    if (keys := keys_of(record)) and not any(map(os.environ.get, keys)):
        extras = ",".join(record.meta.extra_requirements_groups or [])
        package = f' (its package: pip install "mteb[{extras}]")' if extras else ""
        raise UserError(f"{record.name} needs a key: set the environment variable {' or '.join(keys)}{package}")
    revision = str(record.meta.revision or "")
    digest = hashlib.sha256(f"{MTEB}\0{record.name}\0{revision}".encode()).hexdigest()
    model = package_model(record.name, digest, partial(MtebEncoder, record, options.device))
    # If our engine runs the model too, its results must not be replaced by those of mteb, in the same directory.
    baseline = find_baseline(record.name)
    ours = record.is_plain or (baseline is not None and baseline.loader != "mteb")
    described = replace(
        model,
        revision=revision or digest[:12],
        dtype=record.dtype,
        unhashed="files and services that mteb's loader reads",
        software=software([*TRANSFORMERS, "mteb"]),
        parameters=record.parameters,
        similarity=record.similarity,
        prompt_source=prompt_source(),
        prompt_texts=prompt_texts(record),
        registered=f"{MTEB}{record.name}",
        overrides=(("loader", "mteb"),) if ours else (),
    )
    return described, task_prompts()


def keys_of(record: MtebRecord) -> tuple[str, ...]:
    """Return the environment variables that can hold the key of a model's service; none if there is no service."""
    return _KEYS.get(record.loader, ())


class MtebEncoder:
    """mteb's own encoder of a model. A prompt is the name of a task, "mteb:Tatoeba"."""

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "unknown"

    def __init__(self, record: MtebRecord, device: str | None) -> None:
        self._name = record.name
        repository = Repository(record.name, "model", record.meta.revision)
        with quiet_mteb(), _hub_errors(repository), _package_errors(f"mteb cannot load {record.name}"):
            self._model = _load(record, repository, device)
        if not callable(getattr(self._model, "encode", None)):
            raise UserError(f"{record.name} cannot be scored: it searches texts and has no sentence vectors")
        self._tasks: dict[str, Any] = {}

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return estimate_token_counts(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch for the task in the prompt.

        Raises:
            UserError: mteb's encoder fails, or returns no matrix.
        """
        from datasets import Dataset
        from torch.utils.data import DataLoader

        texts = DataLoader(Dataset.from_dict({"text": list(sentences)}), batch_size=_BATCH)
        with quiet_mteb(), _package_errors(f"{self._name}: mteb's encoder fails"):
            task = self._task(prompt.removeprefix(MTEB))
            found = self._model.encode(
                texts,
                task_metadata=task,
                hf_split=task.eval_splits[0],
                hf_subset=language.mteb_flores if language else "default",
                prompt_type=None,
                batch_size=_BATCH,
                show_progress_bar=False,
            )
        return check_matrix(_as_float(found), len(sentences), f"{self._name}: mteb's encoder")

    def _task(self, name: str) -> Any:  # noqa: ANN401 (mteb's TaskMetadata)
        import mteb

        if name not in self._tasks:
            self._tasks[name] = mteb.get_task(name).metadata
        return self._tasks[name]


def _load(record: MtebRecord, repository: Repository, device: str | None) -> Any:  # noqa: ANN401 (mteb's encoder)
    """Load a model with mteb's loader, from files that are downloaded first.

    Without that, sentence-transformers takes a file that the hub does not deliver for one that does not exist, and
    loads another model: without modules.json, one with mean pooling.
    """
    if not repository.is_pinned or not record.meta.open_weights or keys_of(record):
        return record.meta.load_model(device=device)
    fetch(repository, loadable_files)
    try:
        with use_cache_only():
            return record.meta.load_model(device=device)
    except FAILURES:  # It needs another repository, such as that of a tokenizer, or this one at another revision.
        with limit_requests(), quiet_client():
            return record.meta.load_model(device=device)


def _check_options(record: MtebRecord, options: ModelOptions) -> None:
    if options.prompt is not None and not options.prompt.startswith(MTEB):
        raise UserError(
            f"{record.name} does not accept --prompt: mteb's loader chooses the prompt of each task (--prompt "
            f"{MTEB}TASK selects the one of another task)"
        )
    if options.revision not in (None, record.meta.revision):
        raise UserError(f"{record.name} does not accept --model-revision: mteb loads {record.meta.revision}")
    if record.may_run_code and not options.trust_remote_code:
        raise UserError(
            f"mteb's loader of {record.name} runs code from the model's repository: pass --trust-remote-code if you "
            "trust it"
        )


def _as_float(found: Any) -> Any:  # noqa: ANN401 (mteb's Array)
    """Return a tensor as a dense float32 array on the CPU, and anything else unchanged."""
    import torch

    if not isinstance(found, torch.Tensor):
        return found
    dense = found.to_dense() if found.is_sparse else found
    return dense.detach().float().cpu().numpy()


@contextmanager
def _hub_errors(repository: Repository) -> Iterator[None]:
    """Replace an error that the hub's answer about a repository caused by the message for that answer."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except NotFetched:
        raise
    except UserError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, (HfHubHTTPError, OfflineModeIsEnabled)) and repository.name in str(error):
                raise as_not_fetched(cause, repository) from error
            cause = cause.__cause__ or cause.__context__
        raise


@contextmanager
def _package_errors(what: str) -> Iterator[None]:
    """Raise a UserError that starts with `what` for errors of mteb's loaders, or MemoryError."""
    try:
        with library_errors(what, of_packages=True):
            yield
    except UserError as error:
        if message := out_of_memory_message(error.__cause__):
            raise MemoryError(message) from error
        raise
