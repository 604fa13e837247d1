"""What a training run is told: one frozen record, from a recipe and the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from bitext_bench.errors import UserError, unknown
from bitext_bench.languages import LangPair, resolve

from .loss import Objective

Loss = Literal["soft-contrastive", "embedding-mse", "ranking"]
Precision = Literal["fp32", "bf16", "fp16"]

# Park et al. 2024, section 4.1: by the volume of each language's corpus.
ANCHOR_ORDER = ("en", "ru", "ja", "fr", "ko")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides a checkpoint besides the data themselves.

    Attributes:
        student: directory, hub id or registry name of the encoder that is trained.
        teacher: the same of the encoder whose similarities are the labels; None takes the student as it starts.
        pairs: language pairs, "en-ja".
        corpora: which corpora below the data directory, "name" or "name:weight"; none named takes all.
        anchor: languages by priority; the first that is in a pair is its anchor.
        loss: "soft-contrastive" (`objective` says which), "embedding-mse" (Reimers and Gurevych 2020: both sides to
            the teacher's source vector) or "ranking" (translation ranking, as mUSE and LaBSE).
        student_prompt, teacher_prompt: put before every sentence; saved with the checkpoint.
        batch_size: pairs in a batch on each process.
        mini_batch: sentences whose activations are kept at once; None keeps all.
        max_length: tokens after which a training sentence is cut.
        max_steps: stop there; None trains `epochs`.
        learning_rate: the peak. The paper's text says 5e-3 and its code 3e-5; the text's diverges.
        freeze_embeddings: leave the token embeddings as they are (most of a small multilingual model).
        dev_rows: rows of each pair held out to choose the best checkpoint by.
        eval_steps: steps between two looks at the held-out rows.
        patience: looks without improvement after which training stops.
    """

    student: str
    pairs: tuple[str, ...]
    teacher: str | None = None
    corpora: tuple[str, ...] = ()
    anchor: tuple[str, ...] = ANCHOR_ORDER
    loss: Loss = "soft-contrastive"
    objective: Objective = field(default_factory=Objective)
    student_prompt: str = ""
    teacher_prompt: str = ""
    batch_size: int = 32
    mini_batch: int | None = None
    max_length: int = 128
    epochs: float = 1.0
    max_steps: int | None = None
    learning_rate: float = 3e-5
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0
    precision: Precision = "fp32"
    freeze_embeddings: bool = False
    dev_rows: int = 500
    eval_steps: int = 100
    patience: int = 10
    seed: int = 42

    def __post_init__(self) -> None:
        if not self.pairs:
            raise UserError("no language pair to train on: pass --pair en-ja")
        for name in ("batch_size", "max_length", "epochs", "learning_rate", "clip", "eval_steps", "patience"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} is {getattr(self, name)}: expected a number above 0")

    @property
    def lang_pairs(self) -> tuple[LangPair, ...]:
        """Return the pairs, parsed; raises UserError for an unknown language."""
        return tuple(LangPair.parse(pair) for pair in self.pairs)

    def anchored(self, pair: LangPair) -> LangPair:
        """Return the pair with its anchor language as the source.

        Raises:
            UserError: neither language is in the priority list.
        """
        order = [resolve(code) for code in self.anchor]
        for language in order:
            if language in (pair.source, pair.target):
                return pair if pair.source == language else pair.reversed
        raise UserError(f"{pair} has neither of the anchor languages {', '.join(self.anchor)}: pass --anchor")

    def to_dict(self) -> dict[str, Any]:
        """Return it for train_config.json, the objective as a table of its own."""
        return asdict(self)


def recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    folder = resources.files("training") / "recipes"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """Return the settings of a recipe: a name from `recipes`, or a TOML file.

    Raises:
        UserError: there is none of that name, or the file is not TOML.
    """
    file = Path(name)
    if not file.suffix:
        if name not in recipes():
            raise unknown("recipe", name, recipes())
        text = (resources.files("training") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    else:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot read the recipe {file}: {error.strerror}") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"the recipe {name} is not TOML: {error}") from error


def make_config(settings: Mapping[str, Any]) -> TrainConfig:
    """Make a config of a recipe's settings and what the command line changes in them.

    Raises:
        UserError: a setting is not known (with near misses), or its value is out of range.
    """
    known = {x.name for x in fields(TrainConfig)}
    objective = dict(settings.get("objective", {}))
    for given, names in ((settings, known), (objective, {x.name for x in fields(Objective)})):
        for name in given:
            if name not in names:
                raise unknown("setting", name, names)
    values: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k != "objective"
    }
    try:
        return TrainConfig(**values, objective=replace(Objective(), **objective))
    except ValueError as error:
        raise UserError(str(error)) from error
    except TypeError as error:
        raise UserError(f"a setting is missing or has the wrong kind of value: {error}") from error
