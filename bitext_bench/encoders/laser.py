"""LASER2 (Heffernan et al. 2022): five bidirectional LSTM layers and the maximum over all tokens.

The facts were read in facebookresearch/LASER (laser_encoders 0.0.2), which needs fairseq. The tests compare the vectors
with those that its class returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..languages import Language
from .foreign import library_errors
from .laser_checkpoint import read_checkpoint
from .laser_files import PIECES, WEIGHTS
from .laser_text import PAD, Laser2Tokenizer
from .overlap import run_overlapped
from .transformer import GPU_BATCH_TOKENS

if TYPE_CHECKING:
    from torch import Tensor


# Each step of an LSTM multiplies one token of every sentence, so it needs more sentences than a transformer.
_CPU_BATCH_TOKENS = 2_048


class Laser2Encoder:
    """The encoder in a directory with laser2.pt and laser2.spm.

    On a CPU, `encode_each` computes one batch on each of PyTorch's threads. The steps of an LSTM are too small for
    several threads in one batch.

    Raises:
        UserError: A file is damaged, a package is missing, or the device does not exist.
    """

    def __init__(self, directory: Path, device: str | None) -> None:
        import torch

        checkpoint = read_checkpoint(directory / WEIGHTS)
        self._tokenizer = Laser2Tokenizer(directory / PIECES, checkpoint.dictionary)
        wanted = device or ("cuda" if torch.cuda.is_available() else "cpu")
        with library_errors(f"cannot use the device {wanted}"):
            self._embedding, self._lstm = checkpoint.embedding.to(wanted), checkpoint.lstm.to(wanted)
        self.device = self._embedding.weight.device.type
        self.batch_tokens = _CPU_BATCH_TOKENS if self.device == "cpu" else GPU_BATCH_TOKENS

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return the token counts, with the end mark."""
        return np.fromiter((len(self._tokenizer.ids(s)) for s in sentences), np.int64, len(sentences))

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; the language is not used, because LASER2 has one tokenizer for all languages."""
        return self._vectors(self._ids(prompt, sentences))

    def encode_each(
        self, batches: Iterable[Sequence[str]], prompt: str, language: Language | None
    ) -> Iterator[NDArray[np.float32]]:
        """Encode batches, several at once."""
        import torch

        threads = torch.get_num_threads()
        if self.device != "cpu" or threads == 1:
            yield from (self.encode(batch, prompt, language) for batch in batches)
            return
        try:
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                yield from run_overlapped(
                    batches, partial(self._ids, prompt), lambda ids: pool.submit(self._vectors, ids).result, threads
                )
        finally:
            torch.set_num_threads(threads)  # The threads of the pool have set it for every new thread.

    def _ids(self, prompt: str, sentences: Sequence[str]) -> list[Tensor]:
        import torch

        return [torch.tensor(self._tokenizer.ids(prompt + sentence)) for sentence in sentences]

    def _vectors(self, ids: list[Tensor]) -> NDArray[np.float32]:
        import torch
        from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

        lengths = torch.tensor([len(row) for row in ids])
        with torch.inference_mode():
            tokens = self._embedding(pad_sequence(ids, padding_value=PAD).to(self.device))
            states, _ = self._lstm(pack_padded_sequence(tokens, lengths, enforce_sorted=False))
            padded, _ = pad_packed_sequence(states, padding_value=float("-inf"))
            vectors: NDArray[np.float32] = padded.amax(0).cpu().numpy()
        return vectors
