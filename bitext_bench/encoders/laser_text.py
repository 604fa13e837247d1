"""From a text to the token ids of LASER2."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from ..errors import UserError
from .extras import import_extra
from .foreign import library_errors

PAD, END, UNKNOWN = 1, 2, 3
_SPECIAL = {"<s>": 0, "<pad>": PAD, "</s>": END, "<unk>": UNKNOWN}
# Perl writes double quotation marks for these two, sacremoses single ones.
_DOUBLE_QUOTED = ("‘", "‚")


class Laser2Tokenizer:
    """LASER2's normalization of text, and its sentencepiece model.

    Args:
        file: The sentencepiece model.
        dictionary: The id of each piece, from the checkpoint.

    Raises:
        UserError: A package is missing, the file is not a sentencepiece model, or the dictionary is another model's.
    """

    def __init__(self, file: Path, dictionary: Mapping[str, int]) -> None:
        content = file.read_bytes()
        sentencepiece = import_extra("sentencepiece", "laser")
        if not content:
            raise UserError(f"{file} is empty: copy or download it again")
        with library_errors(f"{file} is not a sentencepiece model, copy or download it again"):
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=content)
            own = [self._pieces.id_to_piece(i) for i in range(self._pieces.get_piece_size())]
        self._ids = {**dictionary, **_SPECIAL}
        if sum(piece in self._ids for piece in own) * 2 < len(own):
            raise UserError(
                f"{file} does not belong to the checkpoint beside it, which has ids for fewer than half of its "
                f"{len(own):,} pieces: copy or download both files again"
            )
        normalizer = import_extra("sacremoses", "laser").MosesPunctNormalizer(lang="en", penn=True, perl_parity=True)
        normalizer.substitutions = [
            (re.compile(pattern), '"' if pattern in _DOUBLE_QUOTED else replacement)
            for pattern, replacement in normalizer.substitutions
        ]
        self._normalizer = normalizer

    def ids(self, text: str) -> list[int]:
        """Return the ids of the pieces of a text, and of the end mark."""
        return [*(self._ids.get(piece, UNKNOWN) for piece in self.pieces(text)), END]

    def pieces(self, text: str) -> list[str]:
        """Return the pieces of a text."""
        text = self._normalizer.normalize(_replace_control_characters(text)).strip().lower()
        # A piece may contain white space. The original joins the pieces and splits them again.
        return " ".join(self._pieces.encode(text, out_type=str)).split()


def _replace_control_characters(text: str) -> str:
    """Replace characters of Unicode's category C (control, format, unassigned ...) by spaces."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(c).startswith("C") else c for c in text)
