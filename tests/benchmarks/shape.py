"""`python -m tests.benchmarks.shape`: measure the code's size and wording, and count the files that a command uses.

Size and wording are those of bitext_bench, training and leaderboard. Lines exclude docstrings, comments and blank
lines; words are counted in docstrings and comments. Files and the calls between them are traced while `run` and `train`
work on a tiny model.
"""

from __future__ import annotations

import ast
import io
import os
import re
import statistics
import sys
import tempfile
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ("bitext_bench", "training", "leaderboard")
WORDS = ("what", "where", "of", "stands")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> dict[str, Path]:
    """Return the modules by name."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def docstring_lines(tree: ast.AST) -> set[int]:
    """Return the line numbers of all docstrings."""
    taken: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node):
            first = node.body[0]
            taken |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return taken


def comments(text: str) -> list[str]:
    """Return the comments without their marks."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT]


def code_lines(text: str) -> set[int]:
    """Return the numbers of lines with code: not blank, and not only a docstring or a comment."""
    left_out = docstring_lines(ast.parse(text))
    lines = enumerate(text.splitlines(), start=1)
    return {number for number, line in lines if line.strip() and not line.strip().startswith("#")} - left_out


def functions(tree: ast.AST) -> Iterator[tuple[Function, int]]:
    """Yield each function and its length in lines, without the docstring."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            length = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node):
                length -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            yield node, length


def imports(module: str, file: Path, modules: dict[str, Path]) -> set[str]:
    """Return the project's modules that a module imports, at its top or in a function."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            name = ".".join(filter(None, [base if node.level else "", node.module]))
            found |= {f"{name}.{alias.name}" if f"{name}.{alias.name}" in modules else name for alias in node.names}
    return (found & modules.keys()) - {module, "bitext_bench"}


def cycle(modules: dict[str, Path]) -> list[str]:
    """Return the modules of an import cycle, or [] without one."""
    graph = {name: imports(name, file, modules) for name, file in modules.items() if name != "bitext_bench"}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def per_thousand(modules: dict[str, Path]) -> dict[str, float]:
    """Return the frequency of each of WORDS per 1,000 words of docstrings and comments."""
    words: Counter[str] = Counter()
    for file in modules.values():
        text = file.read_text(encoding="utf-8")
        nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Module | ast.ClassDef | Function)]
        prose = [*filter(None, map(ast.get_docstring, nodes)), *comments(text)]
        words.update(word for part in prose for word in re.findall(r"[a-z']+", part.lower()))
    total = sum(words.values())
    return {word: 1000 * words[word] / total for word in WORDS}


def traced(work: Callable[[], Any]) -> tuple[set[str], set[tuple[str, str]]]:
    """Run a function; return the project's files with a called function, and the pairs (caller, called) of files."""
    files: set[str] = set()
    edges: set[tuple[str, str]] = set()
    names: dict[str, str] = {}
    importing = 0

    def name_of(frame: FrameType) -> str:
        path = frame.f_code.co_filename
        if path not in names:
            file = Path(path)
            own = file.is_relative_to(ROOT) and file.relative_to(ROOT).parts[0] in PACKAGES
            names[path] = str(file.relative_to(ROOT)) if own else ""
        return names[path]

    def on_call(frame: FrameType, event: str, _: Any) -> None:
        nonlocal importing
        if frame.f_code.co_name == "<module>":  # do not count calls during an import
            importing += {"call": 1, "return": -1}.get(event, 0)
        if importing or event != "call" or frame.f_code.co_name == "<lambda>":
            return
        called = name_of(frame)
        if called:
            files.add(called)
            caller = name_of(frame.f_back) if frame.f_back else ""
            if caller and caller != called:
                edges.add((caller, called))

    sys.setprofile(on_call)
    try:
        work()
    finally:
        sys.setprofile(None)
    return files, edges


def commands(folder: Path) -> dict[str, Callable[[], Any]]:
    """Return the commands to trace, on a tiny model and synthetic rows."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from builders import make_plain_checkpoint
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from training_runs import made_rows

    from bitext_bench.cli.main import main

    plain = make_plain_checkpoint(folder / "plain")
    model = str(folder / "tiny")
    SentenceTransformer(modules=[Transformer(str(plain), max_seq_length=64), Pooling(32, "mean")]).save(model)
    (folder / "pairs" / "made").mkdir(parents=True)
    (folder / "pairs" / "made" / "en-fr.tsv").write_text("\n".join(made_rows(64)) + "\n", encoding="utf-8")
    cache = ["--cache-folder", str(folder / "cache")]
    run = ["run", "--model", model, "--data", "mini", "--output", str(folder / "results"), *cache]
    train = ["train", "--model", model, "--pair", "en-fr", "--data", str(folder / "pairs"), "--benchmarks", "mini"]
    train += ["--max-steps", "2", "--output", str(folder / "out"), *cache]
    return {"run": lambda: main(run), "train": lambda: main(train)}


def main() -> int:
    """Print the figures."""
    modules = sources()
    texts = {name: file.read_text(encoding="utf-8") for name, file in modules.items()}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    sizes = [len(code_lines(text)) for text in texts.values()]
    found = [pair for tree in trees.values() for pair in functions(tree)]
    lengths = sorted(length for _, length in found)
    p90 = lengths[int(0.9 * (len(lengths) - 1))]
    middle = statistics.median(sizes)
    print(f"{len(modules)} files, {sum(sizes):,} lines of code; a file: median {middle:.0f}, most {max(sizes)}")
    print(f"{len(found):,} functions: median {statistics.median(lengths):.0f}, p90 {p90}, most {lengths[-1]} lines")
    public = [node for node, _ in found if not node.name.startswith("_")]
    print(f"{sum(bool(ast.get_docstring(node)) for node in public) / len(public):.0%} of public functions documented")
    ring = cycle(modules)
    print(f"import cycle: {' -> '.join(ring)}" if ring else "no import cycle")
    print("per 1,000 words: " + ", ".join(f"{word} {rate:.1f}" for word, rate in per_thousand(modules).items()))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        for name, work in commands(Path(folder)).items():
            files, edges = traced(work)
            both = {tuple(sorted(edge)) for edge in edges if edge[::-1] in edges}
            print(f"{name}: {len(files)} files, {len(edges)} edges, both ways: {sorted(both) or 'none'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
