"""A tiny LASER2: a real sentencepiece model and a random checkpoint."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

TEXTS = [
    "The cat sat on the mat.",
    "le chat dort sous la maison rouge",
    "1,5 % “quoted”, he said… (a) don't",
    "Ein Haus! Über ß und İstanbul",
    "猫は家で寝る。",
    "дом и кот",
]
SIZE, HIDDEN, LAYERS = 12, 8, 3


def make_laser2(folder: Path, **parts: Any) -> Path:
    """Write laser2.pt and laser2.spm; `parts` replaces parts of the checkpoint."""
    folder.mkdir(parents=True)
    (folder / "laser2.spm").write_bytes(make_pieces())
    save_checkpoint(folder, **parts)
    return folder


def make_pieces(texts: list[str] | None = None) -> bytes:
    """Train a sentencepiece model on a few texts, in lower case as LASER2's."""
    import sentencepiece

    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text.lower() for text in texts or TEXTS] * 4),
        model_writer=content,
        vocab_size=120,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return content.getvalue()


def make_checkpoint(folder: Path) -> dict[str, Any]:
    """Return the content of a random checkpoint for the pieces in `folder`. The last pieces have no id."""
    import sentencepiece
    import torch

    pieces = sentencepiece.SentencePieceProcessor(model_proto=(folder / "laser2.spm").read_bytes())
    own = [pieces.id_to_piece(i) for i in range(3, pieces.get_piece_size() - 5)]
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(len(own) + 4, SIZE, padding_idx=1)
    lstm = torch.nn.LSTM(SIZE, HIDDEN, LAYERS, bidirectional=True)
    with torch.no_grad():
        for weight in lstm.parameters():
            weight.mul_(3)  # vectors that differ
    return {
        "params": {
            "num_embeddings": len(own) + 4,
            "padding_idx": 1,
            "embed_dim": SIZE,
            "hidden_size": HIDDEN,
            "num_layers": LAYERS,
            "bidirectional": True,
            "left_pad": True,
            "padding_value": 0.0,
        },
        "model": {
            "embed_tokens.weight": embedding.weight.data,
            **{f"lstm.{name}": weight.data for name, weight in lstm.named_parameters()},
        },
        "dictionary": {piece: i for i, piece in enumerate(own, start=4)},
    }


def save_checkpoint(folder: Path, **parts: Any) -> None:
    """Write laser2.pt, with these parts in place of its own."""
    import torch

    torch.save({**make_checkpoint(folder), **parts}, folder / "laser2.pt")
