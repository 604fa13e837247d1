"""A comparison of a faster form of a model with the model itself, on a few texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.util import batch_to_device
from torch import Tensor

from ..io.memory_errors import out_of_memory_message

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Forward = Callable[[dict[str, Any]], Tensor]

# Allowed differences: the lowest cosine, and the relative difference in length. In float32, rounding affects the last
# bits (1 - cosine about 1e-7). bf16 has 8 bits, which changes the encoders here by up to 0.001. Its bound only has to
# detect gross errors: the graph is first compared in float32.
_COSINE = {"fp32": 0.9999, "bf16": 0.99}
_LENGTH = {"fp32": 0.01, "bf16": 0.1}

_WORDS = "The cat sat on 3 mats; le chat, ein Haus! 猫 дом 고양이 was there for 12 days".split()


def _texts(model: SentenceTransformer, words: int) -> list[list[str]]:
    """Return batches with and without padding; the longest text has at least `words` words."""
    long, middle, short = (
        " ".join(_WORDS[i % len(_WORDS)] for i in range(n)) for n in (max(words, _window(model)), 12, 3)
    )
    return [[middle, "a", short], [short, long], [middle]]


def _window(model: SentenceTransformer) -> int:
    """Return the number of tokens that exceeds a local attention window; 0 for global attention or a huge window."""
    config = getattr(getattr(model[0], "model", None), "config", None)
    given = config.to_dict() if config is not None else {}
    named = [value for name, value in given.items() if "window" in name or name == "local_attention"]
    return max((size + 24 for size in named if isinstance(size, int) and size <= 1_024), default=0)


@dataclass(frozen=True, slots=True)
class Probe:
    """Batches of features, and the model's own vectors for each."""

    features: list[dict[str, Any]]
    expected: list[Tensor]

    @staticmethod
    def from_model(model: SentenceTransformer, words: int) -> Probe:
        """Encode the texts with sentence-transformers; the longest text has at least `words` words."""
        features = [batch_to_device(dict(model.preprocess(batch)), model.device) for batch in _texts(model, words)]
        with torch.inference_mode():
            expected = [model(dict(batch))["sentence_embedding"].float() for batch in features]
        return Probe(features, expected)

    def difference(self, forward: Forward, dtype: str = "fp32") -> str:
        """Describe how the vectors of `forward` differ from the model's by more than rounding; "" if they do not.

        Args:
            forward: Takes the features of a batch and returns its vectors; called once for each batch.
            dtype: The number format of its computation, "fp32" or "bf16".
        """
        try:
            with torch.inference_mode():
                found = [forward(dict(batch)).float() for batch in self.features]
        except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            if out_of_memory_message(error):
                raise
            return " ".join(str(error).split())[:200]
        if any(a.shape != b.shape for a, b in zip(found, self.expected, strict=True)):
            return f"the shape is {tuple(found[0].shape)}, expected {tuple(self.expected[0].shape)}"
        one, other = torch.cat(found), torch.cat(self.expected)
        if not torch.isfinite(other).all():
            return "the model's own vectors are not finite"
        if not torch.isfinite(one).all():
            damaged = int((~torch.isfinite(one)).any(dim=1).sum())
            return f"{damaged} of {len(one)} vectors are NaN or infinite"
        cosine = float(torch.nn.functional.cosine_similarity(one, other).min())
        share = float((one.norm(dim=1) / other.norm(dim=1) - 1).abs().max())
        if cosine < _COSINE[dtype]:
            return f"the lowest cosine is {cosine:.4f}, expected {_COSINE[dtype]} or more"
        return f"the lengths differ by up to {share:.0%}" if share > _LENGTH[dtype] else ""
