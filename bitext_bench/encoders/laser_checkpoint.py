"""Read LASER2's checkpoint, as weights only: no code in the file can run."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from struct import error as StructError
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .foreign import library_errors
from .laser_text import PAD

if TYPE_CHECKING:
    from torch import Tensor, nn

# Positions, names and methods that do not exist raise errors of every kind.
_BAD_ZIP = (zipfile.BadZipFile, zlib.error, StructError, OSError, EOFError, ValueError, LookupError, RuntimeError)
_DIRECTORY = 0x10  # in the attributes of an entry in a zip file
_LAYER = re.compile(r"lstm\.weight_ih_l\d+")


@dataclass(frozen=True, slots=True)
class Laser2Checkpoint:
    """The network and the vocabulary.

    Attributes:
        embedding: (V, E) token vectors.
        lstm: Bidirectional; takes (T, B, E) and returns (T, B, 2 x hidden size).
        dictionary: The id of each piece, less than V.
    """

    embedding: nn.Embedding
    lstm: nn.LSTM
    dictionary: Mapping[str, int]


def read_checkpoint(file: Path) -> Laser2Checkpoint:
    """Read `laser2.pt`, with the sizes that it states.

    Raises:
        UserError: The file is damaged, holds something other than weights, or is another model's.
    """
    import torch

    advice = "copy or download it again"
    if damage := _find_damage(file):
        raise UserError(f"{file} is damaged: {damage}; {advice}")
    try:
        with library_errors(f"{file} is not LASER2's checkpoint, {advice}"):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except UserError as error:
        if not isinstance(error.__cause__, UnpicklingError):
            raise
        # torch's own text recommends to load the file without this protection.
        raise UserError(
            f"{file} is not LASER2's checkpoint: it is damaged, or holds objects that could run code, which are never "
            f"loaded; {advice}"
        ) from error
    with library_errors(f"{file} is not LASER2's checkpoint, {advice}"):
        return _build(content["params"], content["model"], content["dictionary"])


def _find_damage(file: Path) -> str:
    """Compare the checksums in the file with its content, and return what is wrong, or an empty string.

    torch.load ignores these checksums, so a changed byte in the weights would give other vectors. Files older than
    torch 1.6 have none.
    """
    try:
        with file.open("rb") as stream:
            start = stream.read(4)
            if not start:
                return "it is empty"
            if start != b"PK\3\4":  # torch's own test for a zip file
                return ""
            with zipfile.ZipFile(stream) as archive:
                # torch reads nothing of an entry that is marked as a directory, and the weights would be arbitrary.
                marked = [entry.filename for entry in archive.infolist() if entry.external_attr & _DIRECTORY]
                if marked:
                    return f"{marked[0]!r} in it is marked as a directory"
                part = archive.testzip()
    except _BAD_ZIP:
        return "its end, the zip directory, is cut off or has changed bytes"
    return f"{part!r} in it does not match its checksum" if part else ""


def _build(params: Mapping[str, Any], weights: Mapping[str, Tensor], dictionary: Mapping[str, int]) -> Laser2Checkpoint:
    """Build the network, after comparing the stated sizes with the tensors: a damaged size may be huge.

    Raises:
        ValueError, LookupError, TypeError, AttributeError, RuntimeError: The parts do not fit together.
    """
    from torch import nn

    table = weights["embed_tokens.weight"].float()
    _check_equal("num_embeddings and embed_dim", (params["num_embeddings"], params["embed_dim"]), tuple(table.shape))
    _check_equal("num_layers", params["num_layers"], sum(_LAYER.fullmatch(name) is not None for name in weights))
    _check_equal("hidden_size", params["hidden_size"], weights["lstm.weight_hh_l0"].shape[-1])
    _check_equal("bidirectional", bool(params["bidirectional"]), True)
    _check_equal("padding_idx", params.get("padding_idx", PAD), PAD)
    n_tokens, size = table.shape
    if not all(isinstance(piece, str) and 0 <= i < n_tokens for piece, i in dictionary.items()):
        raise ValueError(f"its dictionary has ids outside of 0 to {n_tokens - 1}")
    lstm = nn.LSTM(size, params["hidden_size"], params["num_layers"], bidirectional=True, device="meta")
    of_lstm = {name.removeprefix("lstm."): w.float() for name, w in weights.items() if name.startswith("lstm.")}
    lstm.load_state_dict(of_lstm, assign=True)
    embedding = nn.Embedding(n_tokens, size, _weight=table).requires_grad_(False)
    return Laser2Checkpoint(embedding, lstm.eval(), dictionary)


def _check_equal(name: str, stated: object, found: object) -> None:
    if stated != found:
        raise ValueError(f"it states {stated!r} as {name}, and its weights have {found!r}")
