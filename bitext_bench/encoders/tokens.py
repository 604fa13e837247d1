"""Token ids, kept from counting until padding, so that each text is tokenized only once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_KEPT = 300_000  # texts: about 100 MB
_PROBE = ("a", "  The Cat\n sat on it: 2 × 2! ")  # two lengths, so that padding shows; case, spaces, signs
_REACH = 1_024  # maximum number of tokens for which padding here is verified


class TokenIds:
    """Token counts and padded token ids from a model's tokenizer.

    If the transformer has a fast tokenizer, ids are kept until `features` pads them. Padding here is used only if its
    result equals that of the model's own `preprocess`, verified for each prompt on three texts, one as long as the
    model accepts. Otherwise, and for longer texts, `preprocess` is called.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        from sentence_transformers.sentence_transformer.modules import Transformer

        self._model = model
        # A router's tokenizer may differ from the one of the route for texts.
        self._is_fast = isinstance(model[0], Transformer) and getattr(model[0].tokenizer, "is_fast", False)
        self._kept: dict[str, NDArray[np.int32]] = {}
        self._of_prompt: dict[str, tuple[dict[str, Any], int]] = {}

    def token_counts(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return (N,) token counts before truncation, with special tokens; the texts include their prompt."""
        texts = list(texts)
        if self._is_fast:
            lengths = []
            for text, ids in zip(texts, self._ids(texts), strict=True):
                lengths.append(len(ids))
                if len(self._kept) < _KEPT:
                    self._kept[text] = ids
        else:
            lengths = _lengths(self._model[0], texts)
        return np.fromiter((max(1, n) for n in lengths), np.int64, len(texts))

    def features(self, sentences: Sequence[str], prompt: str) -> dict[str, Any]:
        """Return the model's input for a batch: padded ids and attention mask, (B, T) each."""
        kept = [self._kept.pop(prompt + sentence, None) for sentence in sentences]
        rows = [row for row in kept if row is not None and len(row)]
        if len(rows) == len(kept):
            like, reach = self._template(prompt)
            if max(map(len, rows)) <= reach:
                return {**like, **self._padded(rows, like)}
        return dict(self._model.preprocess(list(sentences), prompt=prompt or None))

    def _ids(self, texts: list[str]) -> Iterable[NDArray[np.int32]]:
        # Called directly for speed: transformers builds lists of more than the ids. Its next call resets the tokenizer.
        tokenizer = self._model.tokenizer.backend_tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return (np.array(encoding.ids, np.int32) for encoding in tokenizer.encode_batch_fast(texts))

    def _template(self, prompt: str) -> tuple[dict[str, Any], int]:
        """Return features from `preprocess` with a prompt, and the maximum length at which padding here is the same."""
        import torch

        if prompt not in self._of_prompt:
            texts = [*_PROBE, self._long_text(prompt)]
            theirs = dict(self._model.preprocess(texts, prompt=prompt or None))
            rows = list(self._ids([prompt + text for text in texts]))
            own = self._padded(rows, theirs)
            tensors = {name: value for name, value in theirs.items() if isinstance(value, torch.Tensor)}
            same = own.keys() == tensors.keys() and all(torch.equal(own[name], tensors[name]) for name in own)
            self._of_prompt[prompt] = theirs, max(map(len, rows)) if same else 0
        return self._of_prompt[prompt]

    def _long_text(self, prompt: str) -> str:
        """Return a text that, with the prompt, has about the model's maximum number of tokens and not more."""
        most = int(min(self._model.max_seq_length or _REACH, _REACH))
        words = most
        while words > 0:
            (ids,) = self._ids([prompt + "a " * words])
            if len(ids) <= most:
                break
            words -= max(1, words * (len(ids) - most) // len(ids))
        return "a " * words

    def _padded(self, rows: list[NDArray[np.int32]], like: dict[str, Any]) -> dict[str, Any]:
        import torch

        shape = (len(rows), max(map(len, rows)))
        ids, mask = np.full(shape, self._model.tokenizer.pad_token_id or 0, np.int64), np.zeros(shape, np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
        return {name: torch.from_numpy(made[name]) for name in made if name in like}


def _lengths(module: Any, texts: list[str]) -> list[int]:  # noqa: ANN401 (sentence-transformers is untyped)
    """Return the token counts of texts for an input module; for custom code, estimated from the bytes."""
    from sentence_transformers.sentence_transformer.modules.tokenizer import WordTokenizer
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

    tokenizer = getattr(module, "tokenizer", None)
    if isinstance(tokenizer, Tokenizer):  # static embeddings
        return [len(encoding.ids) for encoding in tokenizer.encode_batch(texts)]
    if isinstance(tokenizer, PreTrainedTokenizerBase):
        return [len(ids) for ids in tokenizer(texts, padding=False, truncation=False)["input_ids"]]
    if isinstance(tokenizer, WordTokenizer):
        return [len(tokenizer.tokenize(text)) for text in texts]
    return [1 + len(text.encode()) // 4 for text in texts]
