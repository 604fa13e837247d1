"""Which module may import which, and the rules that a linter does not hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for room in ("bitext_bench", "training", "leaderboard")
    for file in sorted((ROOT / room).rglob("*.py"))
}

# Each module of the harness may import those in the lines above its own (and its own line's package).
LAYERS = [
    {"bitext_bench.status"},
    {
        f"bitext_bench.{n}"
        for n in ("checksums", "errors", "interrupts", "memory", "progress", "score", "tags", "temporary", "terminal")
    },
    {"bitext_bench.json_files"},
    {"bitext_bench.supervisor", "bitext_bench.share", "bitext_bench.cluster", "bitext_bench.mteb_results"},
    {"bitext_bench.hub_errors"},
    {"bitext_bench.hub"},
    {
        "bitext_bench.arguments",
        "bitext_bench.languages",
        "bitext_bench.baselines",
        "bitext_bench.metrics",
        "bitext_bench.significance",
        "bitext_bench.similarity",
    },
    {"bitext_bench.f1", "bitext_bench.screen", "bitext_bench.lines"},
    {"bitext_bench.blockwise"},
    {"bitext_bench.neighbours", "bitext_bench.store", "bitext_bench.data", "bitext_bench.encoders"},
    {"bitext_bench.margin", "bitext_bench.tuning"},
    {"bitext_bench.batches"},
    {"bitext_bench.spotcheck"},
    {"bitext_bench.embeddings"},
    {"bitext_bench.sharing"},
    {"bitext_bench.mining"},
    {"bitext_bench.tasks", "bitext_bench.arrays"},
    {"bitext_bench.result_schema", "bitext_bench.choices"},
    {"bitext_bench.results", "bitext_bench.listing"},
    {"bitext_bench.outcome_files"},
    {"bitext_bench.result_files"},
    {"bitext_bench.filing"},
    {"bitext_bench.averages", "bitext_bench.verify", "bitext_bench.evaluation", "bitext_bench.mteb_scores"},
    {"bitext_bench.report"},
    {"bitext_bench.reports"},
    {"bitext_bench.api", "bitext_bench.bitext_evaluator"},
    {"bitext_bench.commands", "bitext_bench.mine", "bitext_bench.mteb_export"},
    {"bitext_bench.parser", "bitext_bench.verify_command"},
    {"bitext_bench.cli"},
    {"bitext_bench.__main__"},
]
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
    for name in ("encoders.packed", "encoders.openvino", "encoders.probe", "blockwise", "screen", "bitext_evaluator")
}
MOST_PARAMETERS = 6


def layer(module: str) -> int:
    if module == "bitext_bench":
        return -1
    return next(i for i, names in enumerate(LAYERS) if any(module == n or module.startswith(f"{n}.") for n in names))


def imports(module: str, *, top_level_only: bool = False) -> set[str]:
    """Return the absolute names of imported modules; those under TYPE_CHECKING do not count as top level."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            name = (
                f"{base}.{node.module}" if node.level and node.module else (base if node.level else node.module or "")
            )
            found |= {f"{name}.{alias.name}" if f"{name}.{alias.name}" in MODULES else name for alias in node.names}
    return found


HARNESS = [module for module in MODULES if module.startswith("bitext_bench") and module != "bitext_bench"]


@pytest.mark.parametrize("module", HARNESS)
def test_imports_go_down(module: str) -> None:
    for name in imports(module):
        if name.startswith("bitext_bench") and name != "bitext_bench":
            same_room = name.split(".")[:2] == module.split(".")[:2]
            assert same_room or layer(name) < layer(module), f"{module} imports {name}"


@pytest.mark.parametrize("module", HARNESS)
def test_the_harness_never_needs_the_other_rooms_or_loads_heavy_ones_early(module: str) -> None:
    roots = {name.split(".")[0] for name in imports(module)}
    assert not roots & {"training", "leaderboard"} or module == "bitext_bench.cli"
    early = imports(module, top_level_only=True)
    assert not early & LATE or module in LATE
    assert not {name.split(".")[0] for name in early} & HEAVY or module in LATE


@pytest.mark.parametrize("module", MODULES)
def test_mine_scores_nothing_and_only_the_command_line_knows_it(module: str) -> None:
    rooms = {".".join(n.split(".")[:2]) for n in imports(module) if n.startswith("bitext_bench.")}
    if module.startswith("bitext_bench.mine"):
        allowed = {
            "encoders",
            "batches",
            "checksums",
            "spotcheck",
            "embeddings",
            "neighbours",
            "blockwise",
            "screen",
            "margin",
            "mining",
            "store",
            "languages",
            "lines",
            "errors",
            "report",
            "arguments",
            "share",
            "cluster",
            "temporary",
            "progress",
            "terminal",
        }
        assert rooms <= {f"bitext_bench.{name}" for name in {*allowed, "mine"}}
    elif module not in ("bitext_bench.cli", "bitext_bench.parser"):
        assert "bitext_bench.mine" not in rooms


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("training")])
def test_training_uses_only_the_bottom_of_the_harness(module: str) -> None:
    rooms = {".".join(n.split(".")[:2]) for n in imports(module) if n.startswith("bitext_bench.")}
    allowed = {
        "batches",
        "checksums",
        "embeddings",
        "encoders",
        "errors",
        "hub",
        "hub_errors",
        "languages",
        "lines",
        "metrics",
        "neighbours",
        "data",
        "tasks",
        "store",
        "tags",
        "progress",
        "terminal",
        "interrupts",
        "status",
        "temporary",
    }
    if module in ("training.command", "training.evaluation", "training.card", "training.card_metadata"):
        allowed |= {
            "evaluation",
            "report",
            "results",
            "result_files",
            "filing",
        }  # the finished checkpoint is scored as `run` does
    assert rooms <= {f"bitext_bench.{name}" for name in allowed}


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("leaderboard")])
def test_the_leaderboard_reads_results_and_runs_nothing(module: str) -> None:
    roots = {name.split(".")[0] for name in imports(module)}
    assert not roots & {"training", "torch", "mteb"}
    rooms = {".".join(n.split(".")[:2]) for n in imports(module) if n.startswith("bitext_bench.")}
    allowed = {"choices", "results", "result_files", "outcome_files", "averages", "significance", "f1", "errors"}
    allowed |= {"report", "baselines", "store", "languages", "terminal"}
    if module == "leaderboard.import_mteb":
        allowed |= {"mteb_results"}  # mteb's files, by mteb's own reader
    if module == "leaderboard.command":
        allowed |= {"data"}  # to say before the work that they are not there
    if module == "leaderboard.misses.collect":
        allowed |= {"data", "tasks"}  # outcomes hold rows: what stands there is read again, by the tasks themselves
    if module == "leaderboard.from_python":
        allowed |= {"reports"}
    if module == "leaderboard.misses.kinds":
        allowed |= {"metrics"}  # one folding of case and punctuation for all
    assert rooms <= {f"bitext_bench.{name}" for name in allowed}


@pytest.mark.parametrize("module", MODULES)
def test_sizes(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{module}.{node.name} is long"
            own = [a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
            assert len(own) <= MOST_PARAMETERS, f"{module}.{node.name} takes {len(own)} parameters"
