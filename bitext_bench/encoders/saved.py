"""The prompts and the similarity function that a sentence-transformers directory saves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import UserError
from ..scoring.similarity import SIMILARITIES, Similarity
from .files import read_config
from .model import Prompts

_NOT_OF_TASKS = {"query", "document", "BitextMining", "STS"}


def saved_prompts(directory: Path) -> Prompts:
    """Read the prompts saved with a model: for MTEB's tasks, else for its task types, else the default prompt.

    This is MTEB's order (mteb 2.26 `models/abs_encoder.py`). Prompts for queries and documents are ignored, because
    neither side of these tasks is a query.
    """
    file = directory / "config_sentence_transformers.json"
    config = read_config(file)
    prompts = config.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise UserError(f"{file} has invalid prompts: expected a text for each name, found {prompts!r}")
    return make_prompts(prompts, config.get("default_prompt_name"))


def make_prompts(prompts: Mapping[str, str | None], default_name: object) -> Prompts:
    """Return the prompts for each kind of task; None in `prompts` means no prompt."""
    texts = {name: text for name, text in prompts.items() if text is not None}
    default = str(texts.get(str(default_name)) or "")
    tasks = tuple((name, text) for name, text in texts.items() if name not in _NOT_OF_TASKS)
    return Prompts(texts.get("BitextMining", default), texts.get("STS", default), tasks)


def saved_similarity(directory: Path) -> Similarity:
    """Read the similarity function that a sentence-transformers directory saves."""
    if not (directory / "modules.json").is_file():
        return "cosine"
    return find_similarity(read_config(directory / "config_sentence_transformers.json").get("similarity_fn_name"))


def find_similarity(named: object) -> Similarity:
    """Return the similarity function of this name; for any other name, the cosine, as in sentence-transformers."""
    return next((similarity for similarity in SIMILARITIES if similarity == named), "cosine")
