"""mteb's model registry: its records, and the prompts that its loaders use for bitext mining and STS."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from ..errors import UserError, unknown_name_error
from ..io.terminal import quiet_mteb
from ..scoring.similarity import Similarity
from .files import read_config
from .model import Dtype, Prompts
from .saved import find_similarity, make_prompts, saved_prompts

MTEB = "mteb:"
# Sentences that belong to no task of mteb (users' own data, mining) get the prompts of these tasks.
USUAL_TASKS: dict[Literal["bitext", "sts"], str] = {"bitext": "Tatoeba", "sts": "STSBenchmark"}

# mteb's loaders of plain sentence-transformers models, and their settings that our engine applies or that do not
# matter: the number format is chosen by --dtype, and neither side of a pair is a "passage" here.
_PLAIN = {"SentenceTransformerEncoderWrapper", "sentence_transformers_loader"}
_PLAIN_SETTINGS = {"model_prompts", "model_kwargs", "trust_remote_code", "device", "num_frames", "max_samples"}
_INSTRUCT = {"InstructSentenceTransformerModel", "q3e_instruct_loader"}
_INSTRUCT_SETTINGS = {
    "instruction_template",
    "prompts_dict",
    "prompt_priority",
    "apply_instruction_to_passages",
    "max_seq_length",
    "model_kwargs",
    "trust_remote_code",
}
_FORMATS = {"dtype", "torch_dtype", "attn_implementation", "trust_remote_code"}
_NO_VECTORS = {
    "cross-encoder": "it scores pairs of texts and has no sentence vectors",
    "late-interaction": "it has one vector for each token, not one for each sentence",
    "router": "it has no vectors of its own",
    "hybrid": "it has no vectors of its own",
}


@dataclass(frozen=True, slots=True)
class MtebRecord:
    """A model in mteb's registry; `meta` is its `mteb.models.ModelMeta`."""

    meta: Any

    @property
    def name(self) -> str:
        """The model's id in mteb, usually the hub's."""
        return str(self.meta.name)

    @property
    def parameters(self) -> int | None:
        """Number of parameters; None if unknown."""
        return int(self.meta.n_parameters or 0) or None

    @property
    def other_modalities(self) -> list[str]:
        """What the model encodes besides text, sorted: "audio", "image", "video"."""
        return sorted(set(self.meta.modalities) - {"text"})

    @property
    def dtype(self) -> Dtype:
        """The number format in which mteb loads the model, as its record says."""
        given = self.meta.output_dtypes
        named = [str(getattr(each, "value", each)) for each in (given if isinstance(given, list) else [given])]
        formats: dict[str, Dtype] = {"bfloat16": "bf16", "float16": "fp16"}
        return formats.get(named[0], "fp32") if len(named) == 1 else "fp32"

    @property
    def similarity(self) -> Similarity:
        """The similarity function in mteb's record."""
        return find_similarity(getattr(self.meta.similarity_fn_name, "value", None))

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that mteb passes to the model's loader, and those that Qwen3's loader adds."""
        given = {**self.meta.loader_kwargs, **(self.meta.experiment_kwargs or {})}
        if self.loader == "q3e_instruct_loader":
            given["instruction_template"] = sys.modules[self.meta.loader.__module__].instruction_template
        return given

    @property
    def loader(self) -> str:
        """Name of mteb's loader."""
        return str(getattr(self.meta.loader, "__name__", self.meta.loader))

    @property
    def is_instruct(self) -> bool:
        """Whether mteb's loader turns an instruction into a prompt with a template."""
        return self.loader in _INSTRUCT

    @property
    def is_plain(self) -> bool:
        """Whether the model is a sentence-transformers model of text only with a prompt, which our engine runs."""
        known = _INSTRUCT_SETTINGS if self.is_instruct else _PLAIN_SETTINGS if self.loader in _PLAIN else None
        formats = self.settings.get("model_kwargs") or {}
        fits = known is not None and self.settings.keys() <= known and formats.keys() <= _FORMATS
        return fits and not self.other_modalities

    @property
    def max_length(self) -> int | None:
        """The maximum length that mteb sets, in tokens; None for the model's own."""
        length = self.settings.get("max_seq_length")
        return None if length is None else int(length)

    @property
    def may_run_code(self) -> bool:
        """Whether mteb's loader may run code from the model's repository."""
        if self.loader in _PLAIN | _INSTRUCT or "trust_remote_code" in self.settings:
            return bool(self.settings.get("trust_remote_code"))
        module = sys.modules[self.meta.loader.__module__]
        return "trust_remote_code=True" in inspect.getsource(module)

    def unusable(self) -> str:
        """Return why the model gives no sentence vectors; "" if it does."""
        if self.meta.loader is None:
            return "mteb has no loader for it"
        if "text" not in self.meta.modalities:
            return f"it encodes {' and '.join(self.meta.modalities)}, not text"
        return next((reason for kind, reason in _NO_VECTORS.items() if kind in self.meta.model_type), "")


def find_record(name: str) -> MtebRecord | None:
    """Return mteb's record of a model by its id, ignoring case, or None.

    Raises:
        UserError: mteb has the model, but the model has no sentence vectors.
    """
    with quiet_mteb():
        found = all_records().get(name.casefold())
    if found and (reason := found.unusable()):
        raise UserError(f"{found.name} cannot be scored: {reason}")
    return found


def get_record(name: str) -> MtebRecord:
    """Return mteb's record of a model by its id.

    Raises:
        UserError: mteb does not have it, or the model has no sentence vectors.
    """
    if found := find_record(name):
        return found
    known = [record.name for record in all_records().values()]
    raise unknown_name_error("model of mteb", name, known, "all of them: bitext-bench list models --mteb")


@cache
def all_records() -> dict[str, MtebRecord]:
    """Return mteb's records by name in lower case."""
    import mteb

    with quiet_mteb():
        return {str(meta.name).casefold(): MtebRecord(meta) for meta in mteb.get_model_metas()}


def engine_prompts(record: MtebRecord, directory: Path) -> Prompts:
    """Return the text that mteb's loader prepends in each task, for a model that our engine runs."""
    if record.is_instruct:
        return _by_task(_instruction(record))
    given = record.settings.get("model_prompts")
    if not given:
        return saved_prompts(directory)
    default = read_config(directory / "config_sentence_transformers.json").get("default_prompt_name")
    return make_prompts(given, default)


@cache
def task_prompts() -> Prompts:
    """Return prompts that name a task, "mteb:Tatoeba": mteb's loader turns the task into a prompt itself."""
    return _by_task(lambda task: f"{MTEB}{task.metadata.name}")


def prompt_texts(record: MtebRecord) -> dict[str, str]:
    """Return the text that mteb's loader prepends in each task, by the prompts of `task_prompts`.

    Only for loaders whose text follows from mteb's record, without the files of the model: empty for the others.
    """
    if record.is_instruct:
        text_of = _instruction(record)
    elif record.loader in _PLAIN and (given := record.settings.get("model_prompts")):
        prompts = make_prompts(given, None)

        def text_of(task: Any) -> str:  # noqa: ANN401 (mteb's AbsTask)
            return prompts.for_task(task.metadata.name, _kind(task))
    else:
        return {}
    # If the record has no text, the loader takes the default prompt among the files of the model, if there is one.
    return {f"{MTEB}{task.metadata.name}": text for task in _tasks() if (text := text_of(task))}


def prompt_source() -> str:
    """Return the source of mteb's prompts for signatures."""
    return f"mteb {version('mteb')}"


def _instruction(record: MtebRecord) -> Callable[[Any], str]:
    """Return a function that computes a task's prompt with mteb's own code, without the model's weights."""
    from mteb.models.abs_encoder import PromptSource
    from mteb.models.instruct_wrapper import InstructSentenceTransformerModel

    wrapper = InstructSentenceTransformerModel.__new__(InstructSentenceTransformerModel)
    wrapper.instruction_template = record.settings.get("instruction_template")
    wrapper.prompts_dict = record.settings.get("prompts_dict")
    if order := record.settings.get("prompt_priority"):
        wrapper.prompt_priority = [PromptSource.from_str(source) for source in order]
    return lambda task: wrapper.get_task_instruction(task.metadata, None) or ""


@cache
def _tasks() -> list[Any]:
    import mteb

    with quiet_mteb():
        return list(mteb.get_tasks(task_types=["BitextMining", "STS"], exclude_superseded=False))


def _kind(task: Any) -> Literal["bitext", "sts"]:  # noqa: ANN401 (mteb's AbsTask)
    return "bitext" if task.metadata.type == "BitextMining" else "sts"


def _by_task(text_of: Callable[[Any], str]) -> Prompts:
    tasks = _tasks()
    with quiet_mteb():
        texts = {task.metadata.name: text_of(task) for task in tasks}
    bitext, sts = (texts[USUAL_TASKS[kind]] for kind in ("bitext", "sts"))
    usual = {task.metadata.name: texts[USUAL_TASKS[_kind(task)]] for task in tasks}
    return Prompts(bitext, sts, tuple((name, text) for name, text in texts.items() if text != usual[name]))
