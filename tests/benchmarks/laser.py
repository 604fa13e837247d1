"""LASER2 in its real size, with random weights, beside two loops that compute as its authors' class does.

That class needs fairseq and cannot be imported. The loops follow it: one sentence at a time, as its pipeline calls it,
and sorted batches of up to 12,000 tokens with padding, as its own batching. They share our tokenizer.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitext_bench.data.files import read_sentences
from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.laser_checkpoint import read_checkpoint
from bitext_bench.encoders.laser_text import PAD, Laser2Tokenizer

from .claims import Claim, Measured, Setup, paired_ratio
from .encode import mixed_sentences

VOCABULARY, SIZE, HIDDEN, LAYERS = 50_000, 320, 512, 5
_MOST_TOKENS = 12_000  # in a batch of the authors' class
_LANGUAGES = ("eng_Latn", "fra_Latn", "jpn_Jpan", "rus_Cyrl", "swh_Latn")

Floats = NDArray[np.float32]


def measure(setup: Setup) -> Measured:
    most_rounds, n_short, n_long, n_alone = (1, 60, 30, 10) if setup.quick else (5, 400, 200, 60)
    files = [setup.data / "flores200_dataset" / "devtest" / f"{code}.devtest" for code in _LANGUAGES]
    long = [sentence for file in files for sentence in read_sentences(file)[0]]
    sentences = [*mixed_sentences(setup.data, n_short), *long[:: len(long) // n_long][:n_long]]
    folder = make_laser2(setup.scratch / "laser2", [*mixed_sentences(setup.data, 40_000), *long])
    reference, ours = Reference(folder), _ours(folder, setup.scratch)
    ours(sentences[:50])  # warm-up
    for name, theirs, texts, rounds in (
        ("one sentence at a time", reference.one_by_one, sentences[:: len(sentences) // n_alone], 1),
        ("its batches", reference.in_batches, sentences, most_rounds),
    ):
        found: list[Floats] = []
        ratio, seconds, their_seconds = paired_ratio(
            partial(_keep, found, ours, texts), partial(_keep, found, theirs, texts), rounds
        )
        rates = f"({len(texts) / seconds:.0f} and {len(texts) / their_seconds:.0f} sentences/s)"
        yield Claim(f"LASER2, x {name}", ratio, 1.0, detail=rates)
        differ = float(np.abs(found[-2] - found[-1]).max())
        yield Claim(f"LASER2, largest difference from {name}", differ, 1e-5, at_least=False)


def _keep(found: list[Floats], encode: Callable[[list[str]], Floats], texts: list[str]) -> None:
    found.append(encode(texts))


def make_laser2(folder: Path, texts: Sequence[str]) -> Path:
    """Write a LASER2 of the real size: pieces of the texts, random weights."""
    import sentencepiece
    import torch

    folder.mkdir()
    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text.lower() for text in texts]),
        model_writer=content,
        vocab_size=VOCABULARY - 1,
        hard_vocab_limit=False,
        character_coverage=0.9995,
        minloglevel=2,
    )
    (folder / "laser2.spm").write_bytes(content.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=content.getvalue())
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(SIZE, HIDDEN, LAYERS, bidirectional=True)
    sizes = {"num_embeddings": VOCABULARY, "embed_dim": SIZE, "hidden_size": HIDDEN, "num_layers": LAYERS}
    weights = {f"lstm.{name}": weight.data for name, weight in lstm.named_parameters()}
    checkpoint = {
        "params": {**sizes, "bidirectional": True, "padding_idx": PAD},
        "model": {"embed_tokens.weight": torch.randn(VOCABULARY, SIZE), **weights},
        "dictionary": {pieces.id_to_piece(i): i + 1 for i in range(3, pieces.get_piece_size())},
    }
    torch.save(checkpoint, folder / "laser2.pt")
    return folder


def _ours(folder: Path, scratch: Path) -> Callable[[list[str]], Floats]:
    model = resolve_model(str(folder), ModelOptions(device="cpu"))
    encoder = model.load()
    loaded = replace(model, load=lambda: encoder)  # loading weights is not encoding

    def encode(sentences: list[str]) -> Floats:
        texts = TextGroup(tuple(sentences), None, "")
        with tempfile.TemporaryDirectory(dir=scratch) as cache:
            embedder = Embedder(loaded, Path(cache))
            embedder.encode([texts])
            return embedder.raw_vectors(texts)

    return encode


class Reference:
    """The two loops."""

    def __init__(self, folder: Path) -> None:
        checkpoint = read_checkpoint(folder / "laser2.pt")
        self._embedding, self._lstm = checkpoint.embedding, checkpoint.lstm
        self._tokenizer = Laser2Tokenizer(folder / "laser2.spm", checkpoint.dictionary)

    def one_by_one(self, sentences: list[str]) -> Floats:
        return np.concatenate([self._encode([self._tokenizer.ids(sentence)]) for sentence in sentences])

    def in_batches(self, sentences: list[str]) -> Floats:
        ids = [self._tokenizer.ids(sentence) for sentence in sentences]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        vectors, first = np.empty((len(ids), 2 * HIDDEN), np.float32), 0
        while first < len(order):
            rows = order[first : first + max(1, _MOST_TOKENS // len(ids[order[first]]))]
            vectors[rows] = self._encode([ids[i] for i in rows])
            first += len(rows)
        return vectors

    def _encode(self, batch: list[list[int]]) -> Floats:
        """Encode a batch, longest first."""
        import torch
        from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

        lengths = [len(row) for row in batch]
        padded = torch.full((len(batch), lengths[0]), PAD)
        for i, row in enumerate(batch):
            padded[i, : len(row)] = torch.tensor(row)
        with torch.inference_mode():
            tokens = self._embedding(padded).transpose(0, 1)
            zeros = torch.zeros(2 * LAYERS, len(batch), HIDDEN)
            states, _ = self._lstm(pack_padded_sequence(tokens, torch.tensor(lengths)), (zeros, zeros))
            output, _ = pad_packed_sequence(states)
            padding = (padded == PAD).t()[:, :, None]
            vectors: Floats = output.masked_fill(padding, float("-inf")).max(dim=0)[0].numpy()
        return vectors
