"""The fingerprint of a model directory changes exactly if something changes that can affect its vectors."""

from __future__ import annotations

import copy as copying
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import SENTENCES, edit, vectors
from numpy.typing import NDArray

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.fingerprint import fingerprint, references
from bitext_bench.errors import UserError

pytestmark = pytest.mark.usefixtures("one_thread")

CODE = """
from sentence_transformers.sentence_transformer.modules import Dense


class Scaled(Dense):
    def forward(self, features):
        features = super().forward(features)
        features["sentence_embedding"] = features["sentence_embedding"] * features["sentence_embedding"].abs()
        return features
"""


# --- Every file of every layout in turn


def save(folder: Path, *modules: Any) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.manual_seed(0)
    SentenceTransformer(modules=list(modules)).save(str(folder))
    return folder


def make_layout(name: str, plain: Path, folder: Path) -> Path:
    from sentence_transformers.sentence_transformer import modules as st
    from tokenizers import Tokenizer

    def transformer() -> Any:
        return st.Transformer(str(plain), max_seq_length=16)

    if name == "plain":
        return Path(shutil.copytree(plain, folder))
    if name == "dense":
        return save(folder, transformer(), st.Pooling(32, "mean"), st.Dense(32, 8), st.LayerNorm(8), st.Normalize())
    if name == "folders":
        save(folder, transformer(), st.Pooling(32, "mean"))
        (folder / "0_Transformer").mkdir()
        for file in folder.iterdir():
            if file.is_file() and file.name not in ("modules.json", "config_sentence_transformers.json", "README.md"):
                file.rename(folder / "0_Transformer" / file.name)
        modules = json.loads((folder / "modules.json").read_text())
        modules[0]["path"] = "0_Transformer"
        (folder / "modules.json").write_text(json.dumps(modules))
        return folder
    if name == "router":
        routes = {"query": [st.Dense(32, 8)], "document": [st.Dense(32, 8), st.Dense(8, 8)]}
        return save(folder, transformer(), st.Pooling(32, "mean"), st.Router(routes, default_route="query"))
    if name == "router at the top":
        routes = {"query": [transformer(), st.Pooling(32, "mean")], "document": [transformer(), st.Pooling(32, "cls")]}
        return save(folder, st.Router(routes, default_route="query"), st.Dense(32, 8))
    if name == "weighted layers":
        body = st.Transformer(str(plain), max_seq_length=16, config_kwargs={"output_hidden_states": True})
        weights = st.WeightedLayerPooling(32, num_hidden_layers=2, layer_start=1)
        return save(folder, body, weights, st.Pooling(32, "mean"))
    if name == "static":
        return save(folder, st.StaticEmbedding(Tokenizer.from_file(str(plain / "tokenizer.json")), embedding_dim=8))
    if name == "own code":
        save(folder, transformer(), st.Pooling(32, "mean"), st.Dense(32, 8))
        (folder / "own.py").write_text("from .scaled import Scaled\n\n\nclass Own(Scaled):\n    pass\n")
        (folder / "scaled.py").write_text(CODE)
        (folder / "parts").mkdir()
        (folder / "parts" / "more.py").write_text("")
        modules = json.loads((folder / "modules.json").read_text())
        modules[2]["type"] = "own.Own"
        (folder / "modules.json").write_text(json.dumps(modules))
        return folder
    raise ValueError(name)


LAYOUTS = ["plain", "dense", "folders", "router", "router at the top", "weighted layers", "static"]


@pytest.fixture(scope="module")
def layouts(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("layouts")
    return {name: make_layout(name, plain, root / name) for name in [*LAYOUTS, "own code"]}


def reference(folder: Path) -> NDArray[np.float32] | None:
    """Return sentence-transformers' result for a directory; None if it cannot load it."""
    from sentence_transformers import SentenceTransformer

    fails = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ImportError)
    try:
        model = SentenceTransformer(str(folder), device="cpu", trust_remote_code=True, local_files_only=True)
        found: NDArray[np.float32] = model.encode(SENTENCES)
    except fails:
        return None
    return found


def other(value: object) -> object:
    """Return another value of the same kind, as likely as not to be accepted."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value // 2 if value > 1 else value + 1
    if isinstance(value, float):
        return value * 2 + 0.25
    if isinstance(value, str):
        return {"mean": "cls", "cls": "mean", "query": "document", "gelu": "relu"}.get(value, f"{value}x")
    if isinstance(value, list):
        return value[::-1] if len(value) > 1 else []
    if isinstance(value, dict):
        return {}
    return 3


def changes_of_json(file: Path) -> Iterator[bytes]:
    content = json.loads(file.read_bytes())
    keys: list[Any] = list(content) if isinstance(content, dict) else list(range(len(content)))
    for key in keys:
        value = content[key]
        for name in list(value) if isinstance(value, dict) else [None]:
            changed = copying.deepcopy(content)
            if name is None:
                changed[key] = other(value)
            else:
                changed[key][name] = other(value[name])
            yield json.dumps(changed).encode()
    if isinstance(content, list) and len(content) > 1:
        yield json.dumps(content[::-1]).encode()
        yield json.dumps(content[:-1]).encode()


def changes_of_tokenizer(file: Path) -> Iterator[bytes]:
    content = json.loads(file.read_bytes())
    vocabulary = content["model"]["vocab"]
    model = {**content["model"], "vocab": dict(zip(vocabulary, [*list(vocabulary.values())[::-1]], strict=True))}
    for change in ({"normalizer": None}, {"post_processor": None}, {"added_tokens": []}, {"model": model}):
        yield json.dumps({**content, **change}).encode()


def changes_of_weights(file: Path) -> Iterator[bytes]:
    from safetensors.numpy import load_file
    from safetensors.numpy import save as as_bytes

    tensors = load_file(file)
    ramps = {name: np.linspace(0.5, 1, tensor.size, dtype=tensor.dtype) for name, tensor in tensors.items()}
    yield as_bytes({name: tensor + ramps[name].reshape(tensor.shape) for name, tensor in tensors.items()})


def changes_of(file: Path) -> Iterator[bytes]:
    if file.name == "tokenizer.json":
        yield from changes_of_tokenizer(file)
    elif file.suffix == ".json":
        yield from changes_of_json(file)
    elif file.suffix == ".safetensors":
        yield from changes_of_weights(file)
    else:
        yield file.read_bytes().replace(b".abs()", b".abs() ** 2") + b"\n"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in ("router at the top", "weighted layers") else name
        for name in LAYOUTS
    ],
)
def test_whatever_changes_the_vectors_changes_the_fingerprint(
    name: str, layouts: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(layouts[name], tmp_path / "a copy"))
    before, digest = reference(folder), fingerprint(folder)
    assert before is not None
    moved = set()
    for file in sorted(f for f in folder.rglob("*") if f.is_file()):
        kept = file.read_bytes()
        for content in changes_of(file):
            file.write_bytes(content)
            try:
                told = fingerprint(folder) != digest
            except UserError:
                told = True
            if told and file.relative_to(folder).as_posix() in moved:
                continue
            now = reference(folder)
            if now is None and file.name == "config_sentence_transformers.json":
                continue  # a version that is none: nothing is computed
            if now is None or now.shape != before.shape or not np.array_equal(now, before):
                moved.add(file.relative_to(folder).as_posix())
                assert told, f"{file.relative_to(folder)}: {content[:300]!r}"
        file.write_bytes(kept)
    weights = {f.relative_to(folder).as_posix() for f in folder.rglob("*.safetensors")}
    used = weights if not name.startswith("router") else {w for w in weights if "document" not in w}
    assert moved >= used, "the changes are such that they show"
    assert fingerprint(folder) == digest


def test_the_fingerprint_of_own_code_is_of_all_that_it_can_import(layouts: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(layouts["own code"], tmp_path / "own"))
    digests = {fingerprint(folder)}
    for n, file in enumerate(sorted(folder.rglob("*.py"))):
        file.write_text(file.read_text() + "\n# changed")
        digests.add(fingerprint(folder))
        assert len(digests) == n + 2, file
    (folder / "parts" / "table.bin").write_bytes(b"1")
    digests.add(fingerprint(folder))
    assert len(digests) == 5


# --- One change at a time, in the words of those who would make it


def swap(one: Path, two: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)


def reorder(folder: Path) -> None:
    file = folder / "modules.json"
    modules = json.loads(file.read_text())
    file.write_text(json.dumps([*modules[:-2], modules[-1], modules[-2]]))


def repeat(folder: Path) -> None:
    file = folder / "modules.json"
    modules = json.loads(file.read_text())
    file.write_text(json.dumps([*modules, {**modules[-2], "name": "more"}]))


def same_name(folder: Path) -> None:
    file = folder / "modules.json"
    modules = json.loads(file.read_text())
    modules[-1]["name"] = modules[-2]["name"]  # the later one takes its place
    file.write_text(json.dumps(modules))


def other_class(folder: Path) -> None:
    file = folder / "modules.json"
    file.write_text(file.read_text().replace("layer_norm.LayerNorm", "dropout.Dropout"))


def adapter(folder: Path) -> None:
    (folder / "adapter_model.bin").write_bytes(b"weights")


def swap_text(file: Path, one: str, two: str) -> None:
    text = file.read_text()
    file.write_text(text.replace(one, "\0").replace(two, one).replace("\0", two))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dense", reorder),
        ("dense", repeat),
        ("dense", same_name),
        ("dense", other_class),
        ("dense", adapter),
        ("dense", lambda d: swap(d / "model.safetensors", d / "2_Dense/model.safetensors")),
        ("dense", lambda d: swap_text(d / "tokenizer.json", '"cat"', '"dog"')),
        ("dense", lambda d: edit(d / "config_sentence_transformers.json", model_type="CrossEncoder")),
        ("dense", lambda d: (d / "bpe.codes").write_text("a b")),
        ("dense", lambda d: (d / "2_Dense/model.safetensors").rename(d / "2_Dense/other.safetensors")),
        ("dense", lambda d: shutil.rmtree(d / "4_Normalize")),
        ("folders", lambda d: (d / "0_Transformer/vocab.txt").write_text("cat")),
        ("router", lambda d: swap(*(d / "2_Router" / f"{r}_0_Dense/model.safetensors" for r in ("query", "document")))),
        ("router", lambda d: edit(d / "2_Router/router_config.json", parameters={"default_route": "document"})),
        ("router at the top", lambda d: edit(d / "query_1_Pooling/config.json", pooling_mode="max")),
        ("router at the top", lambda d: (d / "query_0_Transformer/added_tokens.json").write_text("{}")),
    ],
)
def test_the_fingerprint_is_of(
    name: str, change: Callable[[Path], None], layouts: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(layouts[name], tmp_path / "a copy"))
    before = fingerprint(folder)
    change(folder)
    assert fingerprint(folder) != before


def test_a_weight_file_that_is_edited_in_place_with_its_time_kept(layouts: dict[str, Path], tmp_path: Path) -> None:
    import os

    folder, blobs = tmp_path / "linked", tmp_path / "blobs"
    shutil.copytree(layouts["router"], blobs)
    for file in [f for f in blobs.rglob("*") if f.is_file()]:
        link = folder / file.relative_to(blobs)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    before = fingerprint(folder)
    assert before == fingerprint(blobs), "a link is what it leads to"
    weights = blobs / "2_Router/query_0_Dense/model.safetensors"
    times, content = weights.stat(), bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert fingerprint(folder) != before
    (folder / "2_Router/again").symlink_to(folder)
    assert fingerprint(folder), "a loop of links ends"


def add_index(folder: Path, **weight_map: str) -> None:
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_the_index_of_weights_counts_by_what_it_maps(layouts: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(layouts["plain"], tmp_path / "plain"))
    digests = {fingerprint(folder)}
    add_index(folder, a="one.safetensors")
    digests.add(fingerprint(folder))
    edit(folder / "model.safetensors.index.json", metadata={"total_size": 2})
    digests.add(fingerprint(folder))
    add_index(folder, a="two.safetensors")
    digests.add(fingerprint(folder))
    assert len(digests) == 3


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_fingerprint_is_not_of_what_no_library_reads(name: str, layouts: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(layouts[name], tmp_path / "a copy"))
    before = fingerprint(folder)
    names = (
        "SHA256SUMS README.md LICENSE LICENSE.txt .gitattributes dropped_rows.tsv train_config.json trainer_state.json"
    )
    more = (
        "training_args.bin optimizer.pt scheduler.pt rng_state.pth rng_state_0.pth model.h5 card.png all_results.json"
    )
    for file in f"{names} {more} events.out.tfevents.1.host.2.0".split():
        (folder / file).write_bytes(b"{}")
    for leftover in ("checkpoint-4", "checkpoints/a", "runs/Nov28", "results/x", "onnx", "openvino", "mine/2_Dense"):
        shutil.copytree(layouts["dense"], folder / leftover, dirs_exist_ok=True)
    shutil.copytree(layouts["dense"] / "2_Dense", folder / "9_Dense", dirs_exist_ok=True)  # in no modules.json
    assert fingerprint(folder) == before


@pytest.mark.parametrize("name", [n for n in LAYOUTS if n != "plain"])
def test_the_same_model_saved_by_another_version_is_one_model(
    name: str, layouts: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(layouts[name], tmp_path / "a copy"))
    before = fingerprint(folder)
    file = folder / "modules.json"
    modules = json.loads(file.read_text())
    for module in modules:
        module["type"] = f"sentence_transformers.models.{module['type'].rpartition('.')[2]}"
    file.write_text(json.dumps(modules, indent=7))
    file = folder / "config_sentence_transformers.json"
    file.write_text(json.dumps({"__version__": {"torch": "1"}, "prompts": {"STS": "x"}, "similarity_fn_name": "dot"}))
    for file in folder.rglob("config.json"):
        if "transformers_version" in json.loads(file.read_text()):
            edit(file, transformers_version="0.0", _name_or_path="/elsewhere")
    assert fingerprint(folder) == before


def test_fingerprints_stay_what_they_are(tmp_path: Path) -> None:
    """Committed results are filed under them."""
    modules = [
        ("", "base.modules.transformer.Transformer"),
        ("1_Pooling", "sentence_transformer.modules.pooling.Pooling"),
    ]
    files = {
        "model.safetensors": "weights",
        "config.json": '{"transformers_version": "5", "hidden_size": 3}',
        "tokenizer.json": "{}",
        "sentence_bert_config.json": '{"max_seq_length": 4}',
        "config_sentence_transformers.json": '{"prompts": {}, "__version__": {}, "model_type": "SentenceTransformer"}',
        "modules.json": json.dumps(
            [
                {"idx": i, "name": str(i), "path": p, "type": f"sentence_transformers.{t}"}
                for i, (p, t) in enumerate(modules)
            ]
        ),
        "1_Pooling/config.json": '{"pooling_mode": "mean"}',
        "train_config.json": "{}",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert fingerprint(tmp_path)[:12] == "a0b9f17f1a28"


def test_what_a_directory_takes_from_elsewhere_is_named(layouts: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(layouts["dense"], tmp_path / "a copy"))
    assert references(folder) == []
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    edit(folder / "config.json", auto_map={"AutoModel": "org/code--modeling.Model"})
    edit(folder / "sentence_bert_config.json", tokenizer_name_or_path="elsewhere")
    assert references(folder) == [
        "the base model org/base",
        "the code of org/code",
        "elsewhere, which sentence_bert_config.json names",
    ]


def test_code_of_its_own_leaves_a_doubt_that_stock_modules_do_not(layouts: dict[str, Path], tmp_path: Path) -> None:
    for name in [*LAYOUTS, "own code"]:
        options = ModelOptions(device="cpu", trust_remote_code=True, pooling="mean" if name == "plain" else None)
        assert resolve_model(str(layouts[name]), options).unhashed == (
            "files that its own code reads" if name == "own code" else ""
        )
    folder = Path(shutil.copytree(layouts["dense"], tmp_path / "a copy"))
    edit(folder / "2_Dense" / "config.json", activation_function="somewhere.Activation")
    assert resolve_model(str(folder), ModelOptions(device="cpu", trust_remote_code=True)).unhashed
    found = resolve_model(str(layouts["own code"]), ModelOptions(device="cpu", trust_remote_code=True))
    expected = reference(layouts["own code"])
    assert expected is not None
    np.testing.assert_allclose(vectors(found), expected, atol=1e-6)
