"""Resolve the value of --model to a model, before any weights are loaded."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from ..baselines import BASELINES, Baseline, find_baseline
from ..errors import UserError, unknown_name_error
from ..io.checksums import file_sha256
from ..io.terminal import say
from ..scoring.similarity import SIMILARITIES
from .adapter import adapter_model, is_adapter
from .device import automatic_dtype
from .factory import FactoryEncoder
from .files import has_own_code, model_files, read_modules, tokenizer_files, weight_files
from .fingerprint import (
    TRANSFORMERS,
    code_repositories,
    count_parameters,
    files_of,
    fingerprint,
    hash_files,
    hash_with_guard,
    readable,
    references,
    software,
)
from .hub import fetch_code, fetch_model, fetch_tokenizer, note_pickle
from .laser_files import fetch_laser2, is_laser2
from .layout import read_layout
from .model import Model, ModelOptions, Prompts
from .mteb_encoder import load_with_mteb
from .mteb_registry import MTEB, MtebRecord, engine_prompts, find_record, get_record, prompt_source
from .packages import laser2_model, model2vec_model, muse_model, package_model, sonar_model
from .precomputed import PrecomputedEncoder
from .record import checked_benchmarks, contaminated_rows, training_of
from .saved import make_prompts, saved_prompts, saved_similarity
from .transformer import load_transformer


@readable()
def resolve_model(name: str, options: ModelOptions) -> Model:
    """Resolve a registry name, a hub id, a directory, `package.module:factory` or a folder of vectors.

    An existing directory takes precedence, unless the name has the prefix `hub:`. A hub id that mteb knows gets mteb's
    revision and prompts; with the prefix `mteb:`, mteb also loads and runs it.

    Raises:
        UserError: The name is none of these, the hub cannot be reached, or something is missing (weights, pooling, a
            package).
    """
    if not name.strip() or name == "hub:":
        raise UserError(
            "the model has no name: expected a directory, a hub id org/model, or a name from bitext-bench list models"
        )
    given, name = name, without_prefix(name)
    # os.path, because Path's methods raise for ~nobody and for names that are too long for a file.
    path = Path(os.path.expanduser(name))
    is_directory = given == name and os.path.isdir(path)
    baseline = find_baseline(name)
    if name.startswith(MTEB):
        model, own = load_with_mteb(get_record(name.removeprefix(MTEB)), options)
    elif is_directory:
        _note_directory(name)
        model, own = _from_directory(path, options), saved_prompts(path)
    elif baseline:
        model, own = _from_baseline(baseline, options)
    elif ":" in name and "/" not in name:
        model, own = _from_factory(name)
    elif _is_hub_id(name):
        model, own = _from_hub(name, options)
    elif "/" in name or name.startswith((".", "~")):
        raise _no_directory_error(name, path)
    else:
        raise unknown_name_error("model", name, [*BASELINES, *(b.checkpoint for b in BASELINES.values())])
    return _with_settings(model, own, options, None if is_directory else baseline)


def needs_download(name: str) -> bool:
    """Return whether a model comes from the network or a cache. All other names can be checked without the network."""
    given, name = name, without_prefix(name)
    if given == name and os.path.isdir(os.path.expanduser(name)):
        return False
    baseline = find_baseline(name)
    return baseline.loader != "muse" if baseline else name.startswith(MTEB) or _is_hub_id(name)


def _is_hub_id(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def _no_directory_error(name: str, path: Path) -> UserError:
    """Build the error for a path that is not a directory."""
    expected = "expected a directory, a hub id org/model, or a name from bitext-bench list models"
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return UserError(f"the model directory {name} does not exist: {expected}")
    except ValueError as error:
        return UserError(f"{name!r} is not a model directory ({error}): {expected}")
    return UserError(f"{name} is not a directory: {expected}")


def without_prefix(name: str) -> str:
    """Return a model's name without the prefix `hub:`."""
    rest = name.removeprefix("hub:")
    return rest if "/" in rest or find_baseline(rest) else name  # hub:factory may be a factory in hub.py


@cache  # once per process, even if the model is resolved several times
def _note_directory(name: str) -> None:
    """Note on stderr that a name was resolved to a directory, if it is also the name of another model."""
    baseline = find_baseline(name)
    is_hub_id = name.count("/") == 1 and not name.endswith("/")
    if name.startswith((".", "/", "~")) or not (baseline or is_hub_id):
        return
    names = (baseline.checkpoint, *baseline.aliases) if baseline else ()
    full = next((n for n in names if _is_hub_id(n) and find_baseline(n) is baseline and not os.path.isdir(n)), None)
    others = f"hub:{name} or {full}" if full else f"hub:{name}"
    other = f"the registered model {full or name}" if baseline else f"the hub's model {name}"
    say(
        f"note: --model {name} is the directory ./{name} here, not {other}; "
        f"write ./{name} for the directory, {others} for the other"
    )


def _with_settings(model: Model, own: Prompts, options: ModelOptions, baseline: Baseline | None) -> Model:
    """Apply the user's options, and record those that differ from the model's usual settings.

    Raises:
        UserError: An option cannot be set for this kind of model.
    """
    fixed = {
        "--dtype": options.dtype not in ("auto", "fp32", model.dtype),  # fp32 is the default of the option
        "--backend": options.backend != model.backend,
        "--pooling": options.pooling not in (None, model.pooling),
        "--max-length": options.max_length not in (None, model.max_length),
    }
    if refused := [flag for flag, differs in fixed.items() if differs]:
        raise UserError(f"{model.name} does not accept {' or '.join(refused)}: its package decides that")
    prompts = own if options.prompt is None else Prompts(options.prompt, options.prompt)
    usual = own
    if baseline and baseline.loader != "mteb" and (main := find_baseline(baseline.checkpoint)):
        usual = Prompts(main.prompt, main.sts_prompt)
    overrides = []
    if prompts != usual:
        overrides.append(
            ("prompt", prompts.bitext if prompts.bitext == prompts.sts else f"{prompts.bitext}_{prompts.sts}")
        )
    by_mteb = (model.registered or "").startswith(MTEB)
    if model.dtype != "fp32" and not by_mteb:
        overrides.append(("dtype", model.dtype))
    if model.backend != "torch":
        overrides.append(("backend", model.backend))
    texts = (own.bitext, own.sts, *dict(own.tasks).values())
    return replace(
        model,
        prompts=prompts,
        prompt_source=model.prompt_source if options.prompt is None or options.prompt in texts else "",
        overrides=(*overrides, *model.overrides),
        registered=baseline.name if baseline else model.registered,
    )


def _from_baseline(baseline: Baseline, options: ModelOptions) -> tuple[Model, Prompts]:
    if baseline.loader == "mteb":
        return _from_mteb_record(get_record(baseline.checkpoint), options)
    return _from_registry(baseline, options), Prompts(baseline.prompt, baseline.sts_prompt)


def _from_registry(baseline: Baseline, options: ModelOptions) -> Model:
    if baseline.loader == "muse":
        return replace(muse_model(), parameters=baseline.parameters)
    if baseline.loader == "laser2":
        return replace(laser2_model(fetch_laser2(), options, "facebook/laser2"), parameters=baseline.parameters)
    directory, revision, options = _fetch_pinned(baseline.checkpoint, baseline.revision, options)
    if baseline.loader == "model2vec":
        model = model2vec_model(baseline, directory)
    elif baseline.loader == "sonar":
        model = sonar_model(baseline, directory, options)
    else:
        model = _transformer(baseline, directory, options)
    counted = model.parameters or baseline.parameters
    overrides = tuple(item for item in model.overrides if item != ("pool", baseline.pooling))
    return replace(model, name=baseline.checkpoint, revision=revision, parameters=counted, overrides=overrides)


def _transformer(baseline: Baseline, directory: Path, options: ModelOptions) -> Model:
    if baseline.loader == "transformers" and options.pooling is None:
        options = replace(options, pooling=baseline.pooling)
    if not baseline.tokenizer:
        return _from_directory(directory, options)
    tokenizer = fetch_tokenizer(baseline.tokenizer)
    model = _from_directory(directory, options, tokenizer)
    parts = (model.fingerprint, *(f"{file.name}\0{file_sha256(file)}" for file in tokenizer_files(tokenizer)))
    return replace(model, fingerprint=hashlib.sha256("\n".join(parts).encode()).hexdigest())


def _from_hub(name: str, options: ModelOptions) -> tuple[Model, Prompts]:
    """Return a hub model and its prompts: mteb's if mteb knows the model, otherwise those saved with it."""
    record = find_record(name)
    if record is None:
        directory, revision = fetch_model(name, options.revision, allow_pickle=options.allow_pickle)
        found = _from_directory(directory, options)
        return replace(found, name=name, revision=revision), saved_prompts(directory)
    return _from_mteb_record(record, options)


def _from_mteb_record(record: MtebRecord, options: ModelOptions) -> tuple[Model, Prompts]:
    """Return a model of mteb's registry and its prompts; our engine runs it if mteb's loader does nothing special."""
    if not record.is_plain:
        return load_with_mteb(record, options)
    directory, revision, options = _fetch_pinned(record.name, record.meta.revision, options)
    usual = record.max_length
    pooling = options.pooling if read_modules(directory) else options.pooling or "mean"
    model = _from_directory(directory, replace(options, pooling=pooling, max_length=options.max_length or usual))
    # What mteb sets is the model's usual setting.
    expected = {("pool", pooling if options.pooling is None else ""), ("maxlen", str(usual))}
    model = replace(
        model,
        name=record.name,
        revision=revision,
        overrides=tuple(item for item in model.overrides if item not in expected),
        parameters=model.parameters or record.parameters,
        similarity=record.similarity if record.is_instruct else model.similarity,
        prompt_source=prompt_source(),
    )
    return model, engine_prompts(record, directory)


def _fetch_pinned(name: str, pinned: str | None, options: ModelOptions) -> tuple[Path, str, ModelOptions]:
    """Return the directory of a registered hub model, its commit, and the options for loading it.

    A pickle at the registered revision is loaded without --allow-pickle, because torch reads it as weights only.
    """
    known = pinned is not None and options.revision in (None, pinned)
    directory, revision = fetch_model(name, options.revision or pinned, allow_pickle=options.allow_pickle or known)
    if known and any(f.suffix != ".safetensors" for f in weight_files(directory)) and not options.allow_pickle:
        note_pickle(name)
        options = replace(options, allow_pickle=True)
    return directory, revision, options


def _from_directory(directory: Path, options: ModelOptions, tokenizer: Path | None = None) -> Model:
    name = f"local/{directory.resolve().name}"
    if is_laser2(directory):
        return laser2_model(directory, options, name)
    if is_adapter(directory):
        return adapter_model(directory, options, _from_directory)
    if any(directory.glob("*.npy")):
        digest, unchanged = hash_with_guard(directory, files_of, hash_files)
        return package_model(name, digest, unchanged(partial(PrecomputedEncoder, directory)))
    digest, unchanged = hash_with_guard(directory, model_files, fingerprint)
    if options.trust_remote_code:
        for repository in code_repositories(directory):
            fetch_code(repository)
    elsewhere = references(directory)
    if options.trust_remote_code and has_own_code(directory):
        elsewhere.append("files that its own code reads")
    layout = read_layout(directory, options, tokenizer)
    dtype = automatic_dtype(options.device) if options.dtype == "auto" else options.dtype
    return Model(
        name=name,
        revision=digest[:12],
        fingerprint=digest,
        prompts=Prompts(),
        pooling=layout.pooling,
        dtype=dtype,
        backend=options.backend,
        max_length=layout.max_length,
        unhashed=" and ".join(elsewhere),
        software=software([*TRANSFORMERS, *(["openvino"] if options.backend == "openvino" else [])]),
        load=unchanged(partial(load_transformer, directory, layout, replace(options, dtype=dtype), tokenizer)),
        overrides=layout.overrides,
        parameters=count_parameters(directory),
        contaminated_rows=contaminated_rows(directory),
        checked=checked_benchmarks(directory),
        training=training_of(directory),
        similarity=saved_similarity(directory),
        trainable=layout.trainable,
    )


def _from_factory(spec: str) -> tuple[Model, Prompts]:
    encoder = FactoryEncoder(spec)
    digest = hashlib.sha256(f"{spec}\0{encoder.version}\0{encoder.source}".encode()).hexdigest()
    model = package_model(f"local/{spec}", digest, lambda: encoder)
    reads = f"files that {spec} reads"
    model = replace(model, unhashed=reads, needs_language=encoder.needs_language)
    if encoder.wrapped is None:
        return model, Prompts()
    similarity, default = encoder.wrapped.similarity_fn_name, encoder.wrapped.default_prompt_name
    model = replace(model, similarity=similarity if similarity in SIMILARITIES else "cosine")
    return model, make_prompts(encoder.prompts, default)
