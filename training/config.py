"""The validated settings of a training run, from a recipe and the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from math import inf
from typing import Any, Literal

from bitext_bench.data.variants import tag_of
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, resolve, split_pair

from .losses.objective import Objective
from .recipe import validate_fields, validate_settings

Loss = Literal["soft-contrastive", "embedding-mse", "translation-ranking"]
Pairing = Literal["en-xx", "all"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

# Park et al. 2024, section 4.1: by the volume of each language's corpus.
ANCHOR_ORDER = ("en", "ru", "ja", "fr", "ko")

_ABOVE_ZERO = ("epochs", "learning_rate", "max_grad_norm", "sampling_temperature")
_AT_LEAST = {
    "batch_size": 1,
    "mini_batch_size": 1,
    "max_length": 1,
    "max_steps": 1,
    "eval_steps": 1,
    "early_stopping_patience": 1,
    "gradient_accumulation_steps": 1,
    "lora_rank": 1,
    "num_hard_negatives": 0,
    "warmup_steps": 0,
    "weight_decay": 0,
    "dev_size": 0,
    "seed": 0,
}
_LARGEST_SEED = 2**32 - 1  # numpy takes no larger one


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All settings of a training run; with the same data they give the same checkpoint.

    Attributes:
        student: the encoder to train: a directory, a hub id or a registered name.
        teacher: the encoder whose similarities become the labels; None takes the initial student.
        pairs: language pairs, "en-ja".
        languages: languages to combine by `pair_scheme`; these pairs are added to `pairs`.
        pair_scheme: "en-xx" pairs the first language of `anchor_priority` (English by default) with each other one of
            `languages`; "all" takes every combination.
        corpora: corpora below the data directory, "name" or "name:weight"; empty takes all.
        sampling_temperature: a pair of n rows is drawn with probability proportional to n^(1 / temperature); > 0. At 1
            the probability follows the size; higher values flatten it.
        anchor_priority: languages by priority; the first one in a pair is its anchor, the s of equation 4.
        loss: "soft-contrastive" (equations 2 and 6 to 8), "embedding-mse" (Reimers and Gurevych 2020: both sides move
            to the teacher's source vector) or "translation-ranking" (as in mUSE and LaBSE).
        objective: labels, temperatures and TMS of the soft contrastive loss; translation ranking uses its
            `tau_student`.
        num_hard_negatives: mined negatives for each row of translation ranking, as in mUSE (Table 2); 0 uses only
            the other rows of the batch.
        student_prompt: text before every sentence; saved with the checkpoint.
        teacher_prompt: text before every sentence for the teacher; the command takes `--prompt` by default.
        batch_size: pairs in a batch on each process.
        mini_batch_size: sentences whose activations are in memory at once (gradient caching); None keeps all. Every
            other pair of the batch stays a negative, for one more forward pass.
        gradient_accumulation_steps: batches whose gradients are averaged in one step. Negatives come from one batch
            only, so this does not replace a larger batch; `mini_batch_size` does.
        gradient_checkpointing: keep only the activations between layers and compute the others again in the backward
            pass: less memory, the same gradients, and about a third more time.
        group_by_length: build batches of sentences of similar length: less padding, harder negatives.
        topic_aware_batches: build batches of sentences of similar length and, to the teacher, similar meaning: still
            harder negatives.
        max_length: training sentences are cut after this many tokens.
        epochs: passes over the data, unless `max_steps` ends the run first; may be a fraction.
        max_steps: steps to train; None trains `epochs`.
        learning_rate: the peak. The paper's text says 5e-3, which diverges; its code says 3e-5.
        warmup_steps: steps in which the learning rate rises from 0; afterwards it falls linearly to 0.
        weight_decay: AdamW's weight decay, 0 or more.
        max_grad_norm: gradients with a larger norm are scaled down to it; > 0.
        precision: number format in the forward and backward pass; the weights stay in fp32. "auto" takes bf16 if the
            hardware supports it; fp16 needs a GPU.
        lora_rank: train only two matrices of this rank beside each linear layer of the transformer (LoRA), which
            needs a learning rate about ten times as high; None trains all weights.
        merge_lora: save the merged weights, a plain model; false saves the matrices alone, an adapter (peft) of the
            student, which must then stay where it is.
        freeze_embeddings: do not train the token embeddings (most weights of a small multilingual model).
        dropout: the student's dropout in training, 0 to less than 1; None keeps the model's own. With 0, a step takes
            a quarter less time.
        wise_ft_share: share of the initial weights in the saved model, 0 to less than 1: 0.4 saves 0.4 of the initial
            and 0.6 of the trained weights (WiSE-FT, Wortsman et al. 2022).
        decontamination_languages: compare training rows with the benchmarks in these languages only; empty compares
            with all. Results in other languages then carry contamination:unchecked.
        dev_size: rows held out from each pair to choose the best checkpoint, but at most a tenth of its rows.
        eval_steps: steps between evaluations on the held-out rows.
        early_stopping_patience: evaluations without improvement before training stops.
        seed: random seed for held-out rows, batch order and dropout; 0 to 2^32 - 1.

    Raises:
        UserError: a value has the wrong type or is out of range, the student or the pairs are missing, a language is
            unknown, or a pair has no anchor language.
    """

    student: str
    teacher: str | None = None
    pairs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    pair_scheme: Pairing = "en-xx"
    corpora: tuple[str, ...] = ()
    sampling_temperature: float = 1.0
    anchor_priority: tuple[str, ...] = ANCHOR_ORDER
    loss: Loss = "soft-contrastive"
    objective: Objective = field(default_factory=Objective)
    num_hard_negatives: int = 0
    student_prompt: str = ""
    teacher_prompt: str = ""
    batch_size: int = 32
    mini_batch_size: int | None = None
    gradient_accumulation_steps: int = 1
    gradient_checkpointing: bool = False
    group_by_length: bool = False
    topic_aware_batches: bool = False
    max_length: int = 128
    epochs: float = 1.0
    max_steps: int | None = None
    learning_rate: float = 3e-5
    warmup_steps: int = 0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    precision: Precision = "fp32"
    lora_rank: int | None = None
    merge_lora: bool = True
    freeze_embeddings: bool = False
    dropout: float | None = None
    wise_ft_share: float = 0.0
    decontamination_languages: tuple[str, ...] = ()
    dev_size: int = 500
    eval_steps: int = 100
    early_stopping_patience: int = 10
    seed: int = 42

    def __post_init__(self) -> None:
        validate_fields(self)
        if not self.student.strip():
            raise UserError(
                "no student model: pass --model with a directory, a hub id or a name from bitext-bench list models"
            )
        if not self.anchor_priority:
            raise UserError("no anchor language: pass --anchor-priority en")
        self._check_ranges()
        if self.num_hard_negatives and self.loss != "translation-ranking":
            raise UserError(
                f"num_hard_negatives is {self.num_hard_negatives} with the loss {self.loss}: "
                "only translation-ranking takes them; set it to 0 or the loss to translation-ranking"
            )
        if self.mini_batch_size and self.loss != "soft-contrastive":
            raise UserError(
                f"mini_batch_size is {self.mini_batch_size}: only the soft-contrastive loss takes it, not {self.loss}"
            )
        if not self.merge_lora and self.lora_rank is None:
            raise UserError("merge_lora is false without LoRA: pass --lora with a rank, or leave it out")
        if self.topic_aware_batches and not self.has_teacher:
            raise UserError(
                "topic_aware_batches needs a teacher, which hard labels and translation ranking do not use: "
                "leave it out, or take soft labels"
            )
        if not self.lang_pairs:
            raise UserError("no language pair to train on: pass --pair en-ja, or --languages en,ja")
        for pair in self.lang_pairs:
            self.with_anchor_first(pair)
            self.language_codes(pair)
        for language in self.decontamination_languages:
            resolve(language)

    def _check_ranges(self) -> None:
        for name in _ABOVE_ZERO:
            if not 0 < getattr(self, name) < inf:
                raise UserError(f"{name} is {getattr(self, name)}: expected a finite number above 0")
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < inf:
                raise UserError(f"{name} is {value}: expected a finite number, {least} or more")
        for name in ("dropout", "wise_ft_share"):
            if not 0 <= (getattr(self, name) or 0) < 1:
                raise UserError(f"{name} is {getattr(self, name)}: expected a number from 0 to less than 1")
        if self.seed > _LARGEST_SEED:
            raise UserError(f"seed is {self.seed}: expected a whole number from 0 to {_LARGEST_SEED}")

    @property
    def has_teacher(self) -> bool:
        """Whether training uses a teacher."""
        return self.loss == "embedding-mse" or (self.loss == "soft-contrastive" and self.objective.needs_teacher)

    @property
    def lang_pairs(self) -> tuple[LangPair, ...]:
        """The pairs to train on: those in `pairs`, then those from `languages`. The first direction of a pair wins.

        Raises:
            UserError: a language is unknown or paired with itself, or `languages` has no anchor for "en-xx".
        """
        found: dict[frozenset[Language], LangPair] = {}
        for pair in (*map(LangPair.parse, self.pairs), *self._paired_languages()):
            if pair.source == pair.target:
                raise UserError(f"{pair} pairs a language with itself: give two languages, like en-ja")
            found.setdefault(frozenset((pair.source, pair.target)), pair)
        return tuple(found.values())

    def _paired_languages(self) -> Iterator[LangPair]:
        named = dict.fromkeys(map(resolve, self.languages))
        if self.pair_scheme == "all" or not named:
            return (LangPair(*both) for both in combinations(named, 2))
        center = resolve(self.anchor_priority[0])
        if center not in named:
            raise UserError(
                f"the pair scheme en-xx needs {center}, which is not among the languages "
                f"{', '.join(map(str, named))}: add it, put one of them first in --anchor-priority, or pass "
                f"--pair-scheme all"
            )
        return (LangPair(center, other) for other in named if other != center)

    def with_anchor_first(self, pair: LangPair) -> LangPair:
        """Return the pair with its anchor language as the source.

        Raises:
            UserError: neither language is in the priority list.
        """
        for language in map(resolve, self.anchor_priority):
            if language in (pair.source, pair.target):
                return pair if pair.source == language else pair.reversed
        raise UserError(
            f"{pair} has neither of the anchor languages {', '.join(self.anchor_priority)}: pass --anchor-priority"
        )

    def language_codes(self, pair: LangPair) -> tuple[str, str]:
        """Return the requested variants of source and target: ("en", "pt_PT").

        Raises:
            UserError: two variants of one language are requested.
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
        """Return the settings for train_config.json, with `objective` as a nested table; see `make_config`."""
        return asdict(self)


def make_config(settings: Mapping[str, object], changes: Mapping[str, object] | None = None) -> TrainConfig:
    """Build a config from a recipe's settings and the changes on the command line.

    A change replaces the recipe's setting; settings inside `objective` are replaced one by one. Pairs or languages
    replace all pairs and languages of the recipe.

    Raises:
        UserError: a setting is unknown (with close matches), has the wrong type or is out of range.
    """
    changes = changes or {}
    if changes.keys() & {"pairs", "languages"}:
        settings = {name: value for name, value in settings.items() if name not in ("pairs", "languages")}
    objective = validate_settings(Objective, {**_objective(settings), **_objective(changes)})
    flat = {name: value for name, value in {**settings, **changes}.items() if name != "objective"}
    return TrainConfig(**{"student": "", **validate_settings(TrainConfig, flat), "objective": Objective(**objective)})


def _objective(settings: Mapping[str, object]) -> Mapping[str, object]:
    table = settings.get("objective", {})
    if not isinstance(table, Mapping):
        raise UserError(f"objective is {table!r:.60}: expected a table of settings, [objective]")
    return table
