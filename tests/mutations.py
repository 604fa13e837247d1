"""Mutated files for the fuzz test: by bytes, and by what JSON, XML, text tables and zip archives are made of.

Every mutation draws from the `random.Random` that it is given, so that a number names a file.
"""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from made_results import consistent

from bitext_bench.io.checksums import content_sha256

Mutation = Callable[[bytes, random.Random], bytes]

CANARY = "fuzz_canary"  # a module that leaves a file behind when it is imported

# Text in place of a marker, for what `json.dumps` does not write.
_RAW = {
    '"@deep list@"': "[" * 100_000,
    '"@deep closed@"': "[" * 5_000 + "]" * 5_000,
    '"@deep object@"': '{"a":' * 50_000,
    '"@long number@"': "9" * 5_000,
    '"@large exponent@"': "1e999",
    '"@half a character@"': '"\\ud800"',
    '"@bare word@"': "undefined",
}
_MARKERS = [marker.strip('"') for marker in _RAW]
_NUMBERS = [0, -1, 1, 7, 2**31, 2**63, 2**64, 10**18, 0.0, -0.5, 1e308, 5e-324, float("nan"), float("inf"), -1e400]
_TEXTS = [
    *("", " ", "x", "x" * 300, "x" * 100_000, "NaN", "0", "1e5", "none", "null", "True"),
    *("\x1b[31mred\x1b[0m\x07", "two\nlines\r\n", "\0", "\u202eright to left", "\ufeff", "a\tb", "|", "<b>", "%s{0}"),
    *(f"{CANARY}:f", f"{CANARY}.f", f"hub:{CANARY}:f", f"{CANARY}.Module", f"org/model--{CANARY}.Model", CANARY),
    *("..", "../../../etc/passwd", "/", "/etc/passwd", "~nobody/x", "a/../../b", "hub:../..", "org/model", "C:\\x"),
    *("Tatoeba", "Mini-STS", "fra-Latn", "en", "en-fr", "zz", "fp16", "last", "torch", "int8"),
]
_VALUES: list[Any] = [None, True, False, [], {}, [[]], {"": ""}, [None], {"a": [1, {"b": "c"}]}, *_MARKERS]


def any_bytes(content: bytes, draw: random.Random) -> bytes:
    """Change bytes without a look at what they mean."""
    how = draw.choice(["bit", "bit", "bits", "cut", "cut front", "insert", "double", "drop", "zeros", "swap", "empty"])
    changed = bytearray(content)
    at, other = sorted(draw.randrange(len(content) + 1) for _ in range(2)) if content else (0, 0)
    if how in ("bit", "bits"):
        for _ in range(1 if how == "bit" else 20):
            if changed:
                changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    elif how == "cut":
        del changed[at:]
    elif how == "cut front":
        del changed[:at]
    elif how == "insert":
        changed[at:at] = draw.choice(
            [draw.randbytes(20), b"\0", b"\xff\xfe", b"\n", b"\xef\xbb\xbf", b'"', b"]", b"\t"]
        )
    elif how == "double":
        changed[at:at] = changed[at:other]
    elif how == "drop":
        del changed[at : min(other, at + 200)]
    elif how == "zeros":
        end = min(other, at + 200)
        changed[at:end] = bytes(end - at)
    elif how == "swap":
        changed = changed[at:] + changed[:at]
    else:
        changed.clear()
    return bytes(changed)


def any_json(content: bytes, draw: random.Random) -> bytes:
    """Change one to three places of a JSON document."""
    tree = json.loads(content)
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        tree = _changed(tree, draw)
    text = json.dumps(tree, ensure_ascii=draw.random() < 0.5, indent=draw.choice([None, 1]))
    for marker, raw in _RAW.items():
        text = text.replace(marker, raw)
    if draw.random() < 0.05:  # a key twice
        text = re.sub(r'("\w+": )("[^"]*"|\d+)', r"\1null, \1\2", text, count=1)
    return text.encode("utf-8", "surrogatepass")


def _changed(tree: Any, draw: random.Random) -> Any:
    """Return a tree in which one place was changed: each level is as likely to be the one."""
    way = _way(tree, draw)
    if not way:
        return _odd(tree, draw)
    parent = tree
    for step in way[:-1]:
        parent = parent[step]
    last, how = way[-1], draw.choice(["value"] * 4 + ["delete", "move", "rename", "another's"])
    if how == "delete":
        del parent[last]
    elif how == "move" and len(parent) > 1:
        other = draw.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
        parent[last], parent[other] = parent[other], parent[last]
    elif how == "rename" and isinstance(parent, dict):
        parent[draw.choice(_TEXTS)] = parent.pop(last)
    elif how == "another's":
        found: Any = tree
        for step in _way(tree, draw):
            found = found[step]
        parent[last] = json.loads(json.dumps(found))  # no circle
    else:
        parent[last] = _odd(parent[last], draw)
    return tree


def _way(tree: Any, draw: random.Random) -> list[Any]:
    way: list[Any] = []
    while isinstance(tree, dict | list) and tree and (not way or draw.random() < 0.75):
        way.append(draw.choice(list(tree) if isinstance(tree, dict) else range(len(tree))))
        tree = tree[way[-1]]
    return way


def _odd(value: Any, draw: random.Random) -> Any:
    """Return a value in place of another: of its type, of another type, or around it."""
    how = draw.random()
    if how < 0.1:
        return draw.choice([[value], {"x": value}, [value, value], str(value)])
    if how < 0.4 and isinstance(value, int | float) and not isinstance(value, bool):
        return draw.choice([value + 1, -value, value * 2, value * 10**9, float(value), *_NUMBERS])
    if how < 0.4 and isinstance(value, str):
        return draw.choice([value + "x", value[1:], value.upper(), value * 1000, *_TEXTS])
    return draw.choice([draw.choice(_NUMBERS), draw.choice(_TEXTS), draw.choice(_VALUES)])


# What a hostile model says in its configuration: code of others, and sizes that nobody has.
_CLAIMS: list[dict[str, Any]] = [
    {"auto_map": {name: f"{CANARY}.f" for name in ("AutoConfig", "AutoModel", "AutoTokenizer")}},
    {"auto_map": {"AutoModel": f"org/model--{CANARY}.f"}},
    {"tokenizer_class": f"{CANARY}.f", "processor_class": f"{CANARY}.f"},
    {"architectures": [f"{CANARY}.f"], "model_type": CANARY},
    {"activation_function": f"{CANARY}.f"},
    {"type": f"{CANARY}.f", "types": {"": f"{CANARY}.f"}, "model_type": "Router", "structure": {"query": [""]}},
    {"attn_implementation": "org/kernel", "_attn_implementation": "org/kernel", "use_kernels": True},
    {"quantization_config": {"quant_method": CANARY, "load_in_8bit": True}},
    *({name: 10**power} for power in (5, 9, 15) for name in ("vocab_size", "hidden_size", "num_hidden_layers")),
    *({name: 10**12} for name in ("max_position_embeddings", "in_features", "model_max_length", "max_seq_length")),
    {"truncate_dim": 10**12, "prompts": {"STS": "x" * 10**6}, "default_prompt_name": "STS"},
]


def claims(content: bytes) -> list[bytes]:
    """Return a model's configuration with each hostile claim; a list of modules makes it of its last one."""
    made = []
    for claim in _CLAIMS:
        tree = json.loads(content)
        (tree[-1] if isinstance(tree, list) else tree).update(claim)
        made.append(json.dumps(tree).encode())
    return made


def sealed(content: bytes) -> bytes:
    """Return a JSON object with its checksum made anew, where it can be made."""
    try:
        tree = json.loads(content)
        return json.dumps({**tree, "sha256": content_sha256(tree)}, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return content


def agreeing(content: bytes) -> bytes:
    """Return a result file in which mteb's fields agree with the other values, if it is one."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return content
    return json.dumps(consistent(tree)).encode() if isinstance(tree, dict) else content


def any_archive(content: bytes, draw: random.Random) -> bytes:
    """Change what is in a file of numpy arrays."""
    with np.load(io.BytesIO(content)) as archive:
        arrays: dict[str, Any] = dict(archive)
    name = draw.choice(list(arrays))
    how = draw.choice(
        ["drop", "short", "long", "type", "object", "shape", "number", "rename", "nan", "member", "header"]
    )
    array = arrays[name]
    if how == "drop":
        del arrays[name]
    elif how == "short":
        arrays[name] = array[: draw.randrange(len(array) + 1)]
    elif how == "long":
        arrays[name] = np.concatenate([array, array])
    elif how == "type":
        kind = draw.choice(["U3", "S3", "?", "c16", "f2", "datetime64[s]", "V4", "i1", "u8"])
        arrays[name] = np.zeros(array.shape, dtype=kind)
    elif how == "object":
        arrays[name] = np.array([_Payload()] * len(array), dtype=object)
    elif how == "shape":
        arrays[name] = draw.choice([array[:, None], array[:0], np.array(0), np.zeros((2, 0, 3))])
    elif how == "number" and array.dtype.kind in "iuf?":
        changed = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        changed[draw.randrange(len(changed))] = draw.choice([-1, -(2**62), 2**62, 2**31, 0, 7])
        arrays[name] = changed
    elif how == "nan" and array.dtype.kind == "f":
        arrays[name] = np.full_like(array, draw.choice([np.nan, np.inf, -np.inf]))
    elif how == "rename":
        arrays[draw.choice(["other", "../up", "x" * 300, "blocks", "offsets", ""])] = arrays.pop(name)
    elif array.dtype.kind == "U":
        arrays[name] = np.array([draw.choice([*_TEXTS[:30], f"{text}\tx", text[1:]]) for text in array.tolist()])
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return _rezipped(stream.getvalue(), how, draw)


def _rezipped(content: bytes, how: str, draw: random.Random) -> bytes:
    """Add a member that is no array, or have an array's header declare terabytes."""
    if how not in ("member", "header"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = draw.choice(list(members))
    if how == "member":
        members[draw.choice(["../../evil.npy", "/evil.npy", "note.txt", "deep/er.npy"])] = draw.randbytes(40)
    else:
        size = draw.choice([b"999999999999,", b"4000000000,", b"-1,", b"1e9,"])
        members[chosen] = re.sub(rb"\(\d+,\), }( *)", b"(" + size + b"), }", members[chosen], count=1)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return stream.getvalue()


class _Payload:
    """Imports the canary when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return __import__, (CANARY,)


def any_xml(content: bytes, draw: random.Random) -> bytes:
    """Change the tags, attributes, entities or encoding of an XML document."""
    text = content.decode()
    how = draw.choice(
        ["tag", "attribute", "entity", "bomb", "encoding", "namespace", "deep", "text", "close", "comment"]
    )
    if how == "tag":
        return text.replace(
            *draw.choice([("seg", "Seg"), ("tuv", "x"), ("<tu>", "<tu x>"), ("body", "b:body")])
        ).encode()
    if how == "attribute":
        value = draw.choice(["", "zz", "EN-us", "en\x1b[31m", "x" * 10_000, "&#7;", "fr' y='"])
        return text.replace('"en"', f'"{value}"', draw.randint(1, 9)).encode()
    if how == "entity":
        entity = draw.choice(
            ["&nbsp;", "&#0;", "&#x1b;", "&#xD800;", "&amp;amp;", "&x;", "<![CDATA[a]]>", "<hi>b</hi>"]
        )
        return text.replace("<seg>", f"<seg>{entity}", draw.randint(1, 9)).encode()
    if how == "bomb":
        levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
        bomb = f'<!DOCTYPE tmx [<!ENTITY e0 "ha">{levels}<!ENTITY f SYSTEM "file:///etc/passwd">]><tmx'
        return text.replace("<tmx", bomb).replace("<seg>", draw.choice(["<seg>&e11;", "<seg>&f;"]), 1).encode()
    if how == "encoding":
        name = draw.choice(["utf-16", "latin-1", "ascii", "x-evil", "utf-7", "cp037", "idna"])
        return text.replace("UTF-8", name).encode(draw.choice(["utf-8", "utf-16"]))
    if how == "namespace":
        return text.replace("<tmx", draw.choice(['<tmx xmlns="http://www.lisa.org/tmx14"', "<x:tmx"])).encode()
    if how == "deep":
        return text.replace("<seg>", "<seg>" + "<hi>" * 20_000, 1).encode()
    if how == "text":
        return text.replace(
            "<seg>", "<seg>" + draw.choice(["\0", "\x1b[0m", "\u2028", "<", "&", "x" * 1_000_000])
        ).encode()
    if how == "close":
        return text.replace(*draw.choice([("</tu>", ""), ("</tmx>", ""), ("</seg>", "</seg><seg>b</seg>")])).encode()
    return text.replace("<tu>", draw.choice(["<!-- -- --><tu>", "<?x y?><tu>", "<tu/><tu>"]), 1).encode()


def any_table(content: bytes, draw: random.Random) -> bytes:
    """Change the lines and columns of a text file."""
    lines = content.decode().split("\n")
    at = draw.randrange(len(lines))
    how = draw.choice(["cell", "cell", "tab", "blank", "double", "ends", "header", "one column", "encoding", "line"])
    if how == "cell":
        cells = lines[at].split("\t")
        cells[draw.randrange(len(cells))] = draw.choice([*_TEXTS, *map(str, _NUMBERS), "9" * 5000, "\u0e33" * 50])
        lines[at] = "\t".join(cells)
    elif how == "tab":
        lines[at] += "\t" * draw.choice([1, 2, 100])
    elif how == "blank":
        lines[at] = draw.choice(["", " ", "\t", "\u3000"])
    elif how == "double":
        lines[at:at] = lines[at : at + 5]
    elif how == "ends":
        return draw.choice(["\r\n", "\r", "\x85", "\u2028"]).join(lines).encode()
    elif how == "header":
        lines.insert(0, draw.choice(["source\ttarget", "target\tsource", "id\tsource\ttarget", "#"]))
    elif how == "one column":
        lines = [line.partition("\t")[0] for line in lines]
    elif how == "encoding":
        return "\n".join(lines).encode(draw.choice(["utf-16", "utf-8-sig", "utf-32"]))
    else:
        lines[at] = draw.choice(["x" * 2_000_000, "a b " * 5_000, "\ufffd\ud7ff", "\u0300" * 500])
    return "\n".join(lines).encode()
