"""What a training run is told: one frozen record, from a recipe and the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from math import inf, isfinite
from typing import Any, Literal

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, resolve, split_pair

from .data.variants import tag_of
from .losses.objective import Objective
from .recipe import checked

Loss = Literal["soft-contrastive", "embedding-mse", "ranking"]
Pairing = Literal["en-xx", "all"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

# Park et al. 2024, section 4.1: by the volume of each language's corpus.
ANCHOR_ORDER = ("en", "ru", "ja", "fr", "ko")

_ABOVE_ZERO = ("epochs", "learning_rate", "clip", "pair_temperature")
_AT_LEAST = {
    "batch_size": 1,
    "mini_batch": 1,
    "max_length": 1,
    "max_steps": 1,
    "eval_steps": 1,
    "patience": 1,
    "hard_negatives": 0,
    "warmup_steps": 0,
    "weight_decay": 0,
    "dev_rows": 0,
    "seed": 0,
}
_LARGEST_SEED = 2**32 - 1  # numpy takes no larger one


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides a checkpoint besides the data themselves.

    Attributes:
        student: directory, hub id or registry name of the encoder that is trained.
        teacher: the same of the encoder whose similarities are the labels; None takes the student as it starts.
        pairs: language pairs, "en-ja".
        languages: languages to pair with each other as `pairing` says, besides `pairs`.
        pairing: "en-xx", the first anchor language (English by default) with each other of `languages`; or "all",
            each with each.
        corpora: which corpora below the data directory, "name" or "name:weight"; none named takes all.
        pair_temperature: a pair of n rows is drawn with probability proportional to n^(1 / temperature): 1 by size,
            larger is flatter; > 0.
        anchor: languages by priority; the first that is in a pair is its anchor.
        loss: "soft-contrastive" (`objective` says which), "embedding-mse" (Reimers and Gurevych 2020: both sides to
            the teacher's source vector) or "ranking" (translation ranking, as mUSE and LaBSE).
        objective: labels, temperatures and TMS of the soft contrastive loss; ranking takes its `tau_student`.
        hard_negatives: mined negatives for each row of the ranking loss, as mUSE (Table 2); 0 takes the batch only.
        student_prompt, teacher_prompt: put before every sentence; saved with the checkpoint.
        batch_size: pairs in a batch on each process.
        mini_batch: sentences whose activations are kept at once; None keeps all.
        alike_lengths: put sentences of alike lengths into a batch, which spares padding and makes negatives harder.
        alike_meanings: put sentences of alike lengths and of alike meanings to the teacher into a batch, as harder
            negatives still.
        max_length: tokens after which a training sentence is cut.
        epochs: passes over the data, where `max_steps` does not end the run; may be a fraction.
        max_steps: stop there; None trains `epochs`.
        learning_rate: the peak. The paper's text says 5e-3 and its code 3e-5; the text's diverges.
        warmup_steps: steps in which the learning rate rises from 0; then it falls linearly to 0.
        weight_decay: AdamW's, 0 or more.
        clip: largest norm of the gradient, > 0.
        precision: of the forward and backward pass; the weights are kept in fp32. "auto" takes bf16 where the machine
            has hardware for it; fp16 needs a GPU.
        freeze_embeddings: leave the token embeddings as they are (most of a small multilingual model).
        dropout: probability of the student's dropout in training; None leaves the model's own. 0 makes steps shorter by
            a quarter.
        start_share: how far the trained weights are moved back to those of the start before they are saved, 0 to less
            than 1: 0.4 saves 0.4 of the start and 0.6 of the end (Wortsman et al. 2022).
        test_languages: languages of whose benchmarks rows are left out; none named takes all. With some, results in any
            other language say that nobody looked for leaks there.
        dev_rows: rows of each pair held out to choose the best checkpoint by.
        eval_steps: steps between two looks at the held-out rows.
        patience: looks without improvement after which training stops.
        seed: of the held-out rows, the order of the batches and dropout; 0 to 2^32 - 1.

    Raises:
        UserError: a value is out of its range, no student or no pair is given, or a language is unknown or without
            an anchor.
    """

    student: str
    teacher: str | None = None
    pairs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    pairing: Pairing = "en-xx"
    corpora: tuple[str, ...] = ()
    pair_temperature: float = 1.0
    anchor: tuple[str, ...] = ANCHOR_ORDER
    loss: Loss = "soft-contrastive"
    objective: Objective = field(default_factory=Objective)
    hard_negatives: int = 0
    student_prompt: str = ""
    teacher_prompt: str = ""
    batch_size: int = 32
    mini_batch: int | None = None
    alike_lengths: bool = False
    alike_meanings: bool = False
    max_length: int = 128
    epochs: float = 1.0
    max_steps: int | None = None
    learning_rate: float = 3e-5
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0
    precision: Precision = "fp32"
    freeze_embeddings: bool = False
    dropout: float | None = None
    start_share: float = 0.0
    test_languages: tuple[str, ...] = ()
    dev_rows: int = 500
    eval_steps: int = 100
    patience: int = 10
    seed: int = 42

    def __post_init__(self) -> None:
        if not self.student.strip():
            raise UserError(
                "no student model: pass --model with a directory, a hub id or a name from bitext-bench list models"
            )
        if not self.anchor:
            raise UserError("no anchor language: pass --anchor en")
        self._check_ranges()
        if self.hard_negatives and self.loss != "ranking":
            raise UserError(
                f"hard_negatives is {self.hard_negatives} with the loss {self.loss}: "
                "only ranking takes them; set it to 0 or the loss to ranking"
            )
        if self.mini_batch and self.loss != "soft-contrastive":
            raise UserError(
                f"mini_batch is {self.mini_batch}: only the soft-contrastive loss takes it, not {self.loss}"
            )
        if self.alike_meanings and not self.has_teacher:
            raise UserError(
                "alike_meanings asks a teacher, which hard labels and ranking lack: leave it out, or take soft labels"
            )
        if not self.lang_pairs:
            raise UserError("no language pair to train on: pass --pair en-ja, or --languages en,ja")
        for pair in self.lang_pairs:
            self.anchored(pair)
            self.codes(pair)
        for language in self.test_languages:
            resolve(language)

    def _check_ranges(self) -> None:
        for name in _ABOVE_ZERO:
            if not 0 < getattr(self, name) < inf:
                raise UserError(f"{name} is {getattr(self, name)}: expected a finite number above 0")
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < inf:
                raise UserError(f"{name} is {value}: expected a finite number, {least} or more")
        for name in ("dropout", "start_share"):
            if not 0 <= (getattr(self, name) or 0) < 1:
                raise UserError(f"{name} is {getattr(self, name)}: expected a number from 0 to less than 1")
        if self.seed > _LARGEST_SEED:
            raise UserError(f"seed is {self.seed}: expected a whole number from 0 to {_LARGEST_SEED}")
        for name, value in asdict(self.objective).items():
            if isinstance(value, float) and not isfinite(value):
                raise UserError(f"{name} is {value}: expected a finite number")

    @property
    def has_teacher(self) -> bool:
        """Whether a teacher is looked at."""
        return self.loss == "embedding-mse" or (self.loss == "soft-contrastive" and self.objective.needs_teacher)

    @property
    def lang_pairs(self) -> tuple[LangPair, ...]:
        """The pairs to train on, of `pairs` and then of `languages`, each once in the direction that comes first.

        Raises:
            UserError: a language is unknown, is paired with itself, or "en-xx" lacks the anchor language.
        """
        found: dict[frozenset[Language], LangPair] = {}
        for pair in (*map(LangPair.parse, self.pairs), *self._paired_languages()):
            if pair.source == pair.target:
                raise UserError(f"{pair} pairs a language with itself: give two languages, like en-ja")
            found.setdefault(frozenset((pair.source, pair.target)), pair)
        return tuple(found.values())

    def _paired_languages(self) -> Iterator[LangPair]:
        named = dict.fromkeys(map(resolve, self.languages))
        if self.pairing == "all" or not named:
            return (LangPair(*both) for both in combinations(named, 2))
        centre = resolve(self.anchor[0])
        if centre not in named:
            raise UserError(
                f"the languages {', '.join(map(str, named))} lack {centre}, which the pairing en-xx pairs with each "
                f"other: add it, or put one of them first in --anchor, or pass --pairs all"
            )
        return (LangPair(centre, other) for other in named if other != centre)

    def anchored(self, pair: LangPair) -> LangPair:
        """Return the pair with its anchor language as the source.

        Raises:
            UserError: neither language is in the priority list.
        """
        for language in map(resolve, self.anchor):
            if language in (pair.source, pair.target):
                return pair if pair.source == language else pair.reversed
        raise UserError(f"{pair} has neither of the anchor languages {', '.join(self.anchor)}: pass --anchor")

    def codes(self, pair: LangPair) -> tuple[str, str]:
        """Return the variants asked for of a pair's source and target: ("en", "pt_PT").

        Raises:
            UserError: two variants of the pair are asked for.
        """
        asked = [split_pair(text) for text in self.pairs] + [(text, text) for text in self.languages]
        found: dict[Language, str] = {}
        for texts in asked:
            languages = [resolve(text) for text in texts]
            if {*languages} in ({pair.source, pair.target}, {pair.source}, {pair.target}):
                for language, text in zip(languages, texts, strict=True):
                    if tag_of(found.setdefault(language, text), language) != tag_of(text, language):
                        raise UserError(
                            f"{found[language]} and {text} are variants of one language, {language.name}: "
                            f"a run trains {pair} on one of them"
                        )
        return found.get(pair.source, str(pair.source)).strip(), found.get(pair.target, str(pair.target)).strip()

    def to_dict(self) -> dict[str, Any]:
        """Return it for train_config.json, the objective as a table of its own; `make_config` reads it back."""
        return asdict(self)


def make_config(settings: Mapping[str, object], changes: Mapping[str, object] | None = None) -> TrainConfig:
    """Make a config of a recipe's settings and what the command line changes in them.

    A change takes the place of the recipe's setting, in `objective` one by one. Pairs, languages or both take the
    place of all the pairs and languages that the recipe fixes.

    Raises:
        UserError: a setting is not known (with near misses), or its value has the wrong kind or is out of range.
    """
    changes = changes or {}
    if changes.keys() & {"pairs", "languages"}:
        settings = {name: value for name, value in settings.items() if name not in ("pairs", "languages")}
    objective = checked(Objective, {**_objective(settings), **_objective(changes)})
    flat = {name: value for name, value in {**settings, **changes}.items() if name != "objective"}
    try:
        return TrainConfig(**{"student": "", **checked(TrainConfig, flat), "objective": Objective(**objective)})
    except ValueError as error:
        raise UserError(str(error)) from error


def _objective(settings: Mapping[str, object]) -> Mapping[str, object]:
    table = settings.get("objective", {})
    if not isinstance(table, Mapping):
        raise UserError(f"objective is {table!r:.60}: expected a table of settings, [objective]")
    return table
