"""LASER2: vectors beside its own class and beside a loop, text, and files that are not what they should be."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from laser2_material import HIDDEN, LAYERS, TEXTS, make_checkpoint, make_laser2, make_pieces, save_checkpoint
from numpy.typing import NDArray

from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import BatchesEncoder, ModelOptions, resolve_model
from bitext_bench.encoders.laser import Laser2Encoder
from bitext_bench.encoders.laser_text import Laser2Tokenizer
from bitext_bench.errors import UserError
from bitext_bench.languages import resolve

FIXTURE = Path(__file__).parents[2] / "shared" / "models" / "laser2-fixture"
DEFAULT = ModelOptions(device="cpu")
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def laser2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_laser2(tmp_path_factory.mktemp("laser2") / "tiny")


@pytest.fixture
def copied(laser2: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(laser2, tmp_path / "copied"))


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


def slow_vector(checkpoint: dict[str, Any], ids: list[int]) -> NDArray[np.float64]:
    """The equations of an LSTM (Hochreiter and Schmidhuber 1997, with forget gates), token by token in float64."""
    weights = {name: tensor.double().numpy() for name, tensor in checkpoint["model"].items()}
    states = weights["embed_tokens.weight"][ids]
    for layer in range(LAYERS):
        sides = []
        for end, order in (("", range(len(ids))), ("_reverse", range(len(ids) - 1, -1, -1))):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            w_in, w_state, b_in, b_state = (weights[f"lstm.{name}_l{layer}{end}"] for name in names)
            state, cell, side = np.zeros(HIDDEN), np.zeros(HIDDEN), np.zeros((len(ids), HIDDEN))
            for at in order:
                gates = np.split(w_in @ states[at] + b_in + w_state @ state + b_state, 4)
                cell = sigmoid(gates[1]) * cell + sigmoid(gates[0]) * np.tanh(gates[2])
                side[at] = state = sigmoid(gates[3]) * np.tanh(cell)
            sides.append(side)
        states = np.concatenate(sides, axis=1)
    return np.asarray(states.max(axis=0))


# --- Vectors


@pytest.mark.shared
def test_ids_and_vectors_are_those_of_lasers_own_class() -> None:
    rows = [json.loads(line) for line in (FIXTURE / "sentences.jsonl").read_text(encoding="utf-8").splitlines()]
    texts, expected = [row["text"] for row in rows], np.load(FIXTURE / "vectors.npy")
    assert expected.shape == (95, 32)
    encoder = resolve_model(str(FIXTURE), DEFAULT).load()
    assert isinstance(encoder, Laser2Encoder)
    content = torch.load(FIXTURE / "laser2.pt", weights_only=True)
    tokenizer = Laser2Tokenizer(FIXTURE / "laser2.spm", content["dictionary"])
    for row in rows:
        assert (" ".join(tokenizer.pieces(row["text"])), tokenizer.ids(row["text"])) == (row["pieces"], row["ids"])
    assert encoder.token_counts(texts).tolist() == [len(row["ids"]) for row in rows]
    one_by_one = np.concatenate([encoder.encode([text], "", None) for text in texts])
    np.testing.assert_allclose(one_by_one, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(texts, "", None), expected, rtol=0, atol=1e-5)
    batches = [texts[:7], texts[7:8], texts[8:50], texts[50:]]
    np.testing.assert_allclose(np.concatenate(list(encoder.encode_each(batches, "", None))), expected, atol=1e-5)


def test_vectors_are_those_of_a_loop(laser2: Path) -> None:
    encoder, checkpoint = resolve_model(str(laser2), DEFAULT).load(), make_checkpoint(laser2)
    tokenizer = Laser2Tokenizer(laser2 / "laser2.spm", checkpoint["dictionary"])
    texts = [*TEXTS, "", "x", "unknown ☃ pieces", "the cat " * 40]
    expected = np.stack([slow_vector(checkpoint, tokenizer.ids(text)) for text in texts])
    assert np.linalg.norm(expected[:, None] - expected[None], axis=2)[~np.eye(len(texts), dtype=bool)].min() > 1e-3
    found = encoder.encode(texts, "", None)
    assert (found.dtype, found.shape) == (np.float32, (len(texts), 2 * HIDDEN))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_batches_at_once_are_the_same_in_order(laser2: Path, threads: int) -> None:
    encoder = resolve_model(str(laser2), DEFAULT).load()
    assert isinstance(encoder, BatchesEncoder)
    batches = [[f"{text} {n}" for text in TEXTS[: n % 6 + 1]] for n in range(20)]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = list(encoder.encode_each(batches, "le chat ", resolve("fr")))
        assert torch.get_num_threads() == threads
        first = next(iter(encoder.encode_each(batches, "", None)))  # the others are left
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(first, encoder.encode(batches[0], "", None), rtol=0, atol=1e-6)
    for batch, vectors in zip(batches, found, strict=True):
        alone = encoder.encode([f"le chat {text}" for text in batch], "", None)
        np.testing.assert_allclose(vectors, alone, rtol=0, atol=1e-6)


def test_half_precision_weights_are_computed_in_single(copied: Path) -> None:
    content = make_checkpoint(copied)
    half = {name: weight.half() for name, weight in content["model"].items()}
    save_checkpoint(copied, model=half)
    found = resolve_model(str(copied), DEFAULT).load().encode(TEXTS, "", None)
    save_checkpoint(copied, model={name: weight.float() for name, weight in half.items()})
    np.testing.assert_array_equal(found, resolve_model(str(copied), DEFAULT).load().encode(TEXTS, "", None))


# --- Text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("the\u200bcat\tsat\x00on\ue000it", "the cat sat on it"),  # format, control and private characters
        ("half \ud800 a pair", "half   a pair"),
        ("‘the cat’ ‚sat‘", '"the cat" "sat"'),
        ("“cat” „mat“ ´ ` …", '"cat" "mat" \' \' ...'),
        ("the cat ( sat ) on : it ; 5 %", "the cat (sat) on: it; 5%"),
        ("  THE Cat \n", "the cat"),
        ("«\xa0chat\xa0»", '"chat"'),
    ],
)
def test_text_is_normalized(laser2: Path, text: str, same: str) -> None:
    tokenizer = Laser2Tokenizer(laser2 / "laser2.spm", make_checkpoint(laser2)["dictionary"])
    assert tokenizer.ids(text) == tokenizer.ids(same)


def test_ids_have_the_end_mark_and_no_begin_mark(laser2: Path) -> None:
    dictionary = make_checkpoint(laser2)["dictionary"]
    tokenizer = Laser2Tokenizer(laser2 / "laser2.spm", {**dictionary, "</s>": 7, "<unk>": 9})
    assert tokenizer.ids("") == [2]
    pieces = tokenizer.pieces("The cat ☃")
    assert tokenizer.ids("The cat ☃") == [*(dictionary.get(piece, 3) for piece in pieces), 2]
    assert tokenizer.ids("☃")[-2:] == [3, 2]


def test_another_normalizer_of_the_process_keeps_its_rules(laser2: Path) -> None:
    from sacremoses import MosesPunctNormalizer

    before = MosesPunctNormalizer().normalize("‘a’")
    Laser2Tokenizer(laser2 / "laser2.spm", make_checkpoint(laser2)["dictionary"])
    assert MosesPunctNormalizer().normalize("‘a’") == before


# --- The directory as a model


def test_the_directory_is_a_model(laser2: Path, copied: Path, tmp_path: Path) -> None:
    model = resolve_model(str(laser2), DEFAULT)
    assert (model.name, model.pooling, model.needs_language, model.unhashed) == ("local/tiny", "model", False, "")
    assert "sentencepiece" in model.software and "sacremoses" in model.software and "Unicode" in model.software
    texts = TextGroup((*TEXTS, *TEXTS[:2]), None, "")
    embedder = Embedder(model, tmp_path / "cache")
    assert embedder.encode([texts]).encoded == len(TEXTS)
    again = Embedder(resolve_model(str(copied), DEFAULT), tmp_path / "cache")
    assert again.encode([texts]).encoded == 0, "the same files in another directory"
    alone = np.concatenate([model.load().encode([text], "", None) for text in texts.sentences])
    np.testing.assert_allclose(again.raw_vectors(texts), alone, rtol=0, atol=1e-6)


def test_the_fingerprint_covers_both_files_and_no_others(laser2: Path, copied: Path) -> None:
    fingerprint = resolve_model(str(laser2), DEFAULT).fingerprint
    (copied / "laser2.cvocab").write_text("piece 1\n")
    (copied / "README.md").write_text("LASER2")
    assert resolve_model(str(copied), DEFAULT).fingerprint == fingerprint
    with (copied / "laser2.pt").open("ab") as stream:
        stream.write(b"\0")
    other = resolve_model(str(copied), DEFAULT).fingerprint
    shutil.copy(laser2 / "laser2.pt", copied)
    (copied / "laser2.spm").write_bytes(make_pieces([*TEXTS, "one more"]))
    assert len({fingerprint, other, resolve_model(str(copied), DEFAULT).fingerprint}) == 3


def test_files_that_change_before_they_are_loaded_are_refused(copied: Path) -> None:
    model = resolve_model(str(copied), DEFAULT)
    (copied / "laser2.spm").write_bytes(make_pieces([*TEXTS, "one more"]))
    with pytest.raises(UserError, match="files changed while it was being loaded"):
        model.load()


@pytest.mark.parametrize("missing", ["laser2.pt", "laser2.spm"])
def test_one_file_of_two(copied: Path, missing: str) -> None:
    (copied / missing).unlink()
    with pytest.raises(UserError, match=f"copied has no {missing}: LASER2 needs laser2.pt and laser2.spm in one"):
        resolve_model(str(copied), DEFAULT)


@pytest.mark.parametrize(
    ("options", "flag"),
    [(ModelOptions(dtype="bf16"), "--dtype"), (ModelOptions(max_length=9), "--max-length")],
)
def test_options_that_it_does_not_have(laser2: Path, options: ModelOptions, flag: str) -> None:
    with pytest.raises(UserError, match=f"local/tiny does not accept {flag}"):
        resolve_model(str(laser2), options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device exists")
@pytest.mark.parametrize("device", ["cuda", "nonsense"])
def test_a_device_that_does_not_exist(laser2: Path, device: str) -> None:
    with pytest.raises(UserError, match=f"cannot use the device {device}: "):
        resolve_model(str(laser2), ModelOptions(device=device)).load()


@pytest.mark.parametrize("package", ["sentencepiece", "sacremoses"])
def test_a_package_that_is_not_installed(laser2: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf'package of \'{package}\'.*pip install "\.\[laser\]"\)$'):
        resolve_model(str(laser2), DEFAULT).load()
    with pytest.raises(UserError, match=r'pip install "\.\[laser\]"\)$'):
        resolve_model("laser2", DEFAULT)  # before anything is downloaded


# --- Damaged and hostile files


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> Any:
        return Path.write_text, (self._canary, "ran")


def one_line(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        resolve_model(str(folder), DEFAULT).load().encode(["the cat"], "", None)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 800
    return message


def test_a_checkpoint_that_would_run_code(copied: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    save_checkpoint(copied, params=Hostile(canary))
    message = one_line(copied)
    assert "laser2.pt is not LASER2's checkpoint: it is damaged, or holds objects that could run code" in message
    assert "weights_only" not in message, "torch's advice to load it nevertheless"
    assert not canary.exists()
    with pytest.raises(UserError, match="could run code"):
        resolve_model(str(copied), ModelOptions(device="cpu", allow_pickle=True)).load()
    assert not canary.exists()
    torch.load(copied / "laser2.pt", weights_only=False)
    assert canary.exists(), "it is hostile"


@pytest.mark.parametrize("content", [b"", b"junk", b"<!DOCTYPE html><html></html>", b"PK\3\4" + bytes(100), bytes(50)])
@pytest.mark.parametrize("name", ["laser2.pt", "laser2.spm"])
def test_damaged_files(copied: Path, name: str, content: bytes) -> None:
    (copied / name).write_bytes(content)
    message = one_line(copied)
    assert str(copied / name) in message and "copy or download it again" in message


@pytest.mark.parametrize("name", ["laser2.pt", "laser2.spm"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_files_that_are_cut(copied: Path, name: str, share: float) -> None:
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: int(len(content) * share)])
    assert str(copied / name) in one_line(copied)


def test_changed_bytes_are_found_wherever_they_are(copied: Path) -> None:
    """A file that is accepted has the same vectors; one with a changed weight or piece is named in one line."""
    file = copied / "laser2.pt"
    content = file.read_bytes()
    expected = resolve_model(str(copied), DEFAULT).load().encode(TEXTS, "", None)
    refused = 0
    for at in [*range(0, len(content), len(content) // 40), *range(len(content) - 1500, len(content), 75)]:
        file.write_bytes(content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :])
        try:
            found = resolve_model(str(copied), DEFAULT).load().encode(TEXTS, "", None)
        except UserError as error:
            message = str(error)
            assert (
                message.isprintable() and message.startswith(f"{file} is ") and "copy or download it again" in message
            ), message
            refused += 1
        else:  # in the padding between the tensors
            np.testing.assert_array_equal(found, expected, err_msg=str(at))
    assert refused > 20


def test_each_tensor_is_checked(copied: Path) -> None:
    file = copied / "laser2.pt"
    content = file.read_bytes()
    weights = make_checkpoint(copied)["model"]
    for name in ("embed_tokens.weight", "lstm.weight_hh_l0", "lstm.bias_ih_l2_reverse"):
        at = content.index(weights[name].numpy().tobytes()) + 5
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        message = one_line(copied)
        reason = r"is damaged: 'laser2/data/\d+' in it does not match its checksum; copy or download it again"
        assert re.fullmatch(f"{re.escape(str(file))} {reason}", message), message


def test_an_entry_that_is_marked_as_a_directory(copied: Path) -> None:
    """A single bit that no checksum covers, and torch would return other weights."""
    file = copied / "laser2.pt"
    content = bytearray(file.read_bytes())
    content[content.rindex(b"laser2/data/4") - 8] ^= 0x10  # the external attributes, before the offset and the name
    file.write_bytes(content)
    assert "is damaged: 'laser2/data/4' in it is" in one_line(copied)


def test_a_checkpoint_without_checksums_is_read(laser2: Path, copied: Path) -> None:
    """torch before 1.6 wrote no zip file."""
    torch.save(make_checkpoint(copied), copied / "laser2.pt", _use_new_zipfile_serialization=False)
    found = resolve_model(str(copied), DEFAULT).load().encode(TEXTS, "", None)
    np.testing.assert_array_equal(found, resolve_model(str(laser2), DEFAULT).load().encode(TEXTS, "", None))


HUGE = 2**62


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"num_layers": HUGE}, "num_layers"),
        ({"num_layers": 2}, "num_layers"),
        ({"hidden_size": HUGE}, "hidden_size"),
        ({"hidden_size": "8"}, "hidden_size"),
        ({"num_embeddings": HUGE}, "num_embeddings"),
        ({"embed_dim": -1}, "embed_dim"),
        ({"bidirectional": False}, "bidirectional"),
        ({"padding_idx": 0}, "padding_idx"),
    ],
)
def test_sizes_that_its_weights_do_not_have(copied: Path, changes: dict[str, Any], reason: str) -> None:
    save_checkpoint(copied, params={**make_checkpoint(copied)["params"], **changes})
    assert "laser2.pt is not LASER2's checkpoint" in (message := one_line(copied)) and reason in message


@pytest.mark.parametrize(
    "changes",
    [
        {"params": {}},
        {"params": None},
        {"model": {}},
        {"model": [1, 2]},
        {"dictionary": None},
        {"dictionary": {"the": HUGE}},
        {"dictionary": {"the": -1}},
        {"dictionary": {"the": "4"}},
        {"dictionary": {4: 4}},
    ],
)
def test_parts_that_are_something_else(copied: Path, changes: dict[str, Any]) -> None:
    save_checkpoint(copied, **changes)
    assert "laser2.pt is not LASER2's checkpoint" in one_line(copied)


def test_a_weight_that_is_missing_or_has_another_shape(copied: Path) -> None:
    weights = make_checkpoint(copied)["model"]
    for name in ("lstm.bias_hh_l2_reverse", "lstm.weight_ih_l1", "embed_tokens.weight"):
        save_checkpoint(copied, model={key: weight for key, weight in weights.items() if key != name})
        assert "laser2.pt is not LASER2's checkpoint" in one_line(copied)
        save_checkpoint(copied, model={**weights, name: weights[name][:-1]})
        assert "laser2.pt is not LASER2's checkpoint" in one_line(copied)
    torch.save(weights, copied / "laser2.pt")
    assert "laser2.pt is not LASER2's checkpoint" in one_line(copied)


def test_a_tokenizer_of_another_model(copied: Path) -> None:
    (copied / "laser2.spm").write_bytes(make_pieces(["ξένος κόσμος που μιλάει", "შავი ზღვა და მთები"]))
    assert "laser2.spm does not belong to the checkpoint beside it" in one_line(copied)
