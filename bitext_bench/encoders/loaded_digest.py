"""The digest of a SentenceTransformer in memory: everything that its vectors depend on, or None.

A digest cannot cover code: a subclass, a module of the user's own, a hook, a replaced method. A model with any of these
has no digest, so its vectors are not cached.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

_LIBRARIES = {"builtins", "collections", "pathlib", "sentence_transformers", "tokenizers", "torch", "transformers"}

# Attributes that do not change the vectors, or that change when a model is used. Prompts are stored with each text.
_IGNORED = {
    "_chat_template_suffix_cache",
    "_method_signature_cache",
    "_model_card_text",
    "_model_card_vars",
    "_name_or_path",
    "_prompt_length_mapping",
    "_similarity",
    "_similarity_fn_name",
    "_similarity_pairwise",
    "default_prompt_name",
    "model_card_data",
    "name_or_path",
    "prompts",
}
_IGNORED_OF_TOKENIZERS = {
    "_in_target_context_manager",
    "_tokenizer",
    "_vocab",
    "deprecation_warnings",
    "files_loaded",
    "init_inputs",
    "init_kwargs",
    "name_or_path",
    "verbose",
}


class _NotCovered(Exception):
    """The vectors depend on something that cannot be hashed."""


def loaded_digest(model: SentenceTransformer) -> str | None:
    """Return a sha256 of all weights, settings and the tokenizer; None if the vectors depend on anything else."""
    from sentence_transformers import SentenceTransformer

    if type(model) is not SentenceTransformer:
        return None
    total = hashlib.sha256()
    try:
        for part in _parts(model):
            total.update(part)
    except _NotCovered:
        return None
    return total.hexdigest()


def _parts(model: SentenceTransformer) -> Iterator[bytes]:
    # The settings come first: they are quick to read, and usually what a model without a digest fails on.
    _refuse_global_hooks()
    for name, module in model.named_modules():
        yield json.dumps([name, *_module_settings(module)]).encode()
    yield json.dumps([_tokenizer_settings(model.tokenizer), model.max_seq_length, model.truncate_dim]).encode()
    # Some buffers are not in the state.
    tensors = {**dict(model.named_buffers()), **model.state_dict()}
    for name, tensor in sorted(tensors.items()):
        yield name.encode() + _tensor_bytes(tensor)


def _module_settings(module: nn.Module) -> list[Any]:
    from torch import nn

    _refuse_replaced_methods(module)
    _refuse_hooks([*module._forward_hooks.values(), *module._forward_pre_hooks.values()])
    ignored = _IGNORED | vars(nn.Module()).keys()
    return [_library_name(type(module)), _describe({k: v for k, v in vars(module).items() if k not in ignored})]


def _tokenizer_settings(tokenizer: Any) -> list[Any]:  # noqa: ANN401 (transformers is untyped)
    _refuse_replaced_methods(tokenizer)
    settings = {k: v for k, v in getattr(tokenizer, "__dict__", {}).items() if k not in _IGNORED_OF_TOKENIZERS}
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if hasattr(backend, "to_str"):
        content = json.loads(backend.to_str())
        # Each call sets these two.
        words = {key: value for key, value in content.items() if key not in ("padding", "truncation")}
    else:
        words = tokenizer.get_vocab()
    return [_library_name(type(tokenizer)), _describe(settings), _describe(words)]


def replaces_methods(given: object) -> bool:
    """Return whether an object has an attribute that replaces a method of its class."""
    return any(callable(getattr(type(given), name, None)) for name in getattr(given, "__dict__", {}))


def _refuse_replaced_methods(given: object) -> None:
    if replaces_methods(given):
        raise _NotCovered


def _refuse_hooks(hooks: Iterable[object]) -> None:
    for hook in hooks:
        _library_name(hook.func if isinstance(hook, functools.partial) else hook)


def _refuse_global_hooks() -> None:
    from torch.nn.modules import module

    _refuse_hooks([*module._global_forward_hooks.values(), *module._global_forward_pre_hooks.values()])


def _library_name(of: Any) -> str:  # noqa: ANN401 (a class or a function)
    """Return the full name of a class or function of the libraries; refuse any other."""
    module = getattr(of, "__module__", None) or type(of).__module__
    if module.partition(".")[0] not in _LIBRARIES:
        raise _NotCovered
    return f"{module}.{getattr(of, '__qualname__', type(of).__qualname__)}"


def _describe(value: Any) -> Any:  # noqa: ANN401 (any attribute)
    """Return a value as JSON: the settings, and for other objects of the libraries their type."""
    from torch import Tensor, dtype

    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return [[str(key), _describe(item)] for key, item in value.items() if key not in _IGNORED]
    if isinstance(value, list | tuple):
        return [_describe(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(_describe(item)) for item in value)
    if isinstance(value, Tensor):
        return hashlib.sha256(_tensor_bytes(value)).hexdigest()
    if isinstance(value, dtype):
        return str(value)
    if isinstance(value, type) or callable(value):
        return _library_name(value)
    name = _library_name(type(value))
    if name.startswith("tokenizers."):
        return str(value)
    return [name, _describe(value.to_dict())] if hasattr(value, "to_dict") else name


def _tensor_bytes(tensor: Tensor) -> bytes:
    import torch

    raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return f"\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode() + raw
