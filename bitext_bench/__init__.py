"""Score sentence encoders on bitext mining and STS, from Python.

    import bitext_bench as bb

    report = bb.evaluate("intfloat/multilingual-e5-small", data="mini")
    print(report)
    report["Mini-Tatoeba"]["ja-en"].accuracy

- Models: `evaluate` scores a model, `compare` compares two reports, `load_results` reads saved results.
- Your own data: `own_bitext` and `own_sts` make tasks for `evaluate`.
- Arrays: `xsim`, `retrieval_accuracy`, `mining_f1`, `margin_scores` and `nearest_neighbors` take vectors, not models.
- Mining: `mine` finds the translations in two lists of sentences.
- Training: `BitextEvaluator` scores a model in the trainer of sentence-transformers.

Invalid input raises `UserError`, a ValueError.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from leaderboard.from_python import Comparison, compare, load_results

    from .api.arrays import margin_scores, mining_f1, nearest_neighbors, retrieval_accuracy, xsim
    from .api.evaluate import evaluate
    from .api.evaluator import BitextEvaluator
    from .api.mined_pairs import DroppedPair, MinedPair, MinedPairs
    from .api.mining import MiningOptions, mine
    from .api.reports import Report, SubsetReport, TaskReport
    from .api.score import Score
    from .encoders import ModelOptions
    from .errors import UserError
    from .scoring.margin import Margin
    from .scoring.neighbors import Nearest
    from .tasks import own_bitext, own_sts

__all__ = [
    "BitextEvaluator",
    "Comparison",
    "DroppedPair",
    "Margin",
    "MinedPair",
    "MinedPairs",
    "MiningOptions",
    "ModelOptions",
    "Nearest",
    "Report",
    "Score",
    "SubsetReport",
    "TaskReport",
    "UserError",
    "__version__",
    "compare",
    "evaluate",
    "load_results",
    "margin_scores",
    "mine",
    "mining_f1",
    "nearest_neighbors",
    "own_bitext",
    "own_sts",
    "retrieval_accuracy",
    "xsim",
]

# The module of each name, imported on first use so that `import bitext_bench` stays fast.
_HOME = {
    "bitext_bench.api.evaluate": ("evaluate",),
    "bitext_bench.api.arrays": ("margin_scores", "mining_f1", "nearest_neighbors", "retrieval_accuracy", "xsim"),
    "bitext_bench.api.evaluator": ("BitextEvaluator",),
    "bitext_bench.encoders": ("ModelOptions",),
    "bitext_bench.errors": ("UserError",),
    "bitext_bench.api.mined_pairs": ("DroppedPair", "MinedPair", "MinedPairs"),
    "bitext_bench.api.mining": ("MiningOptions", "mine"),
    "bitext_bench.api.reports": ("Report", "SubsetReport", "TaskReport"),
    "bitext_bench.api.score": ("Score",),
    "bitext_bench.scoring.margin": ("Margin",),
    "bitext_bench.scoring.neighbors": ("Nearest",),
    "bitext_bench.tasks": ("own_bitext", "own_sts"),
    "leaderboard.from_python": ("Comparison", "compare", "load_results"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            try:
                globals()[name] = found = getattr(import_module(module), name)
            except ModuleNotFoundError as error:
                from .errors import install_hint

                hint = install_hint("train") if name == "BitextEvaluator" else "install bitext-bench again, with pip"
                raise ImportError(
                    f"bitext_bench.{name} needs the package {error.name}: {hint}", name=error.name
                ) from error
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
