"""Which package may import which, and the rules that a linter does not hold."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("bitext_bench", "training", "leaderboard")
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for package in PACKAGES
    for file in sorted((ROOT / package).rglob("*.py"))
}

# Each package, or module at the top, may import those in the lines above its own. Few are in one.
LAYERS = {
    "bitext_bench": [
        {"errors"},
        {"io"},
        {"languages", "scoring", "baselines"},
        {"data", "encoders"},
        {"embedding", "tasks"},
        {"results"},
        {"mining"},
        {"api"},
        {"cli"},
        {"__main__"},
    ],
    "training": [
        {"recipe"},
        {"losses"},
        {"data"},
        {"config"},
        {"checkpoint", "environment"},
        {"trainer"},
        {"pipeline"},
        {"report"},
        {"command"},
        {"from_python"},
    ],
    "leaderboard": [
        {"escaping", "entries", "published"},
        {"stats"},
        {"tables"},
        {"render"},
        {"unpaired"},
        {"compare", "errors"},
        {"paper_tables", "html", "from_python"},
        {"command"},
    ],
}
HEAVY = {
    "torch",
    "transformers",
    "sentence_transformers",
    "mteb",
    "datasets",
    "scipy",
    "pandas",
    "faiss",
    "ray",
    "pyarrow",
}
# torch modules, which nothing may import before there is work for them
LATE = {
    f"bitext_bench.{name}"
    for name in (
        "api.evaluator",
        "encoders.packed",
        "encoders.openvino",
        "encoders.probe",
        "scoring.runs",
        "scoring.tiles",
        "scoring.topk",
        "scoring.bf16",
        "scoring.gpu",
        "scoring.onednn",
    )
}
MOST_PARAMETERS = 6


def part(module: str) -> str:
    """Return the package of a module, or the module itself at the top: "scoring" of bitext_bench.scoring.f1."""
    return module.split(".")[1] if "." in module else ""


def layer(module: str) -> int:
    layers = LAYERS[module.split(".")[0]]
    return next(i for i, names in enumerate(layers) if part(module) in names)


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports(module: str, *, top_level_only: bool = False) -> frozenset[str]:
    """Return the absolute names of imported modules; those under TYPE_CHECKING do not count as top level."""
    tree = parsed(module)
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            name = ".".join(filter(None, [base if node.level else "", node.module]))
            found |= {f"{name}.{alias.name}" if f"{name}.{alias.name}" in MODULES else name for alias in node.names}
    return frozenset(found)


BELOW = [module for module in MODULES if "." in module]  # the packages' own __init__ are imported by all


def test_imports_go_down() -> None:
    for module in BELOW:
        for name in imports(module) & set(BELOW):
            if name.split(".")[0] == module.split(".")[0] and part(name) != part(module):
                assert layer(name) < layer(module), f"{module} imports {name}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: (imports(module) & set(BELOW)) - {module} for module in BELOW}
    assert list(TopologicalSorter(graph).static_order())


def test_every_package_is_in_a_layer_and_few_are_in_one() -> None:
    for package, layers in LAYERS.items():
        named = set().union(*layers)
        assert {part(module) for module in BELOW if module.startswith(package)} == named
        assert len(named - {"__main__"}) <= 13


def test_the_harness_never_needs_the_others_or_loads_heavy_ones_early() -> None:
    for module in [module for module in BELOW if module.startswith("bitext_bench")]:
        if module not in {"bitext_bench.cli.main", "bitext_bench.cli.train"}:
            assert not {name.split(".")[0] for name in imports(module)} & {"training", "leaderboard"}, module
        if module not in LATE:
            early = imports(module, top_level_only=True)
            assert not early & LATE, module
            assert not {name.split(".")[0] for name in early} & HEAVY, module


def test_parsed_arguments_end_at_the_command_line() -> None:
    command_line = {file for module, file in MODULES.items() if module.startswith("bitext_bench.cli")}
    for file in {*MODULES.values(), *(ROOT / "results").glob("*.py")} - command_line:
        text = file.read_text(encoding="utf-8")
        assert not {"argparse", "Namespace"} & set(re.findall(r"\w+", text)), file


def used_of(module: str) -> set[str]:
    """Return the parts of the harness that a module of another package imports."""
    return {part(name) for name in imports(module) if name.startswith("bitext_bench.")}


def test_training_uses_only_the_bottom_of_the_harness() -> None:
    allowed = {"data", "embedding", "encoders", "errors", "io", "languages", "scoring", "tasks"}
    scored = {f"training.checkpoint.{name}" for name in ("evaluation", "card")}
    for module in [module for module in BELOW if module.startswith("training")]:
        # The finished checkpoint is scored as `run` does.
        more = {"results"} if module in {"training.command", *scored} else set()
        assert used_of(module) <= allowed | more, module


def test_the_leaderboard_reads_results_and_runs_nothing() -> None:
    allowed = {*"api baselines data embedding encoders errors io languages results scoring tasks".split()}
    for module in [module for module in BELOW if module.startswith("leaderboard")]:
        assert not {name.split(".")[0] for name in imports(module)} & {"training", "torch", "mteb"}, module
        assert not {"bitext_bench.results.evaluation", "bitext_bench.embedding.embedder"} & imports(module), module
        assert used_of(module) <= allowed, module


def test_sizes() -> None:
    for module, file in MODULES.items():
        assert file.read_text(encoding="utf-8").count("\n") <= 300, module
        for node in ast.walk(parsed(module)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{module}.{node.name} is long"
                own = [a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
                assert len(own) <= MOST_PARAMETERS, f"{module}.{node.name} takes {len(own)} parameters"
