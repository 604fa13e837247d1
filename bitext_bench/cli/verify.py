"""`verify`: compute results again. Result files are untrusted input: they cannot make it load code or local files."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

from ..baselines import find_baseline
from ..data import MissingData, Source, open_source
from ..embedding.batching import BatchLimits
from ..embedding.embedder import Embedder
from ..encoders import MTEB, Model, resolve_model, without_prefix
from ..encoders.layout import POOLINGS
from ..errors import UserError, count_of
from ..io.cache import cache_folder
from ..io.terminal import printable, say
from ..languages import LangPair, resolve
from ..results.evaluation import LoadedTask, evaluate, load_tasks
from ..results.files import read_result
from ..results.outcomes import read_outcomes
from ..results.records import Outcomes, TaskResult
from ..results.verify import find_differences
from ..tasks import OwnBitext, OwnSts, Task, find_own_task, find_task, own_bitext, own_sts
from .options import model_options

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")


def verify(arguments: argparse.Namespace) -> int:
    """Compute results again and print differences. Return 0 if there are none, 1 otherwise.

    A directory means all result files in it. If one of several files cannot be verified, the others still are. Of
    several files, those on other data of the user than --bitext and --sts name are left out.

    Raises:
        UserError: a single file cannot be verified, a directory has no result files, or none was made with the data
            of --bitext or --sts.
    """
    files = [file for path in arguments.files for file in _files(path)]
    if len(files) == 1:
        return _verify(files[0], arguments, read_result(files[0]))
    failed = 0
    unused = {option: given for option in ("bitext", "sts") if (given := getattr(arguments, option))}
    verified = 0
    for file in files:
        try:
            stored = read_result(file)
            failed |= _verify(file, arguments, stored, among_others=True)
        except _OtherData as error:
            say(f"left out: {file}: {error}")
        except UserError as error:
            say(f"error: {error}")
            failed = 1
        else:
            verified += 1
            unused.pop(_own_option(stored), None)
    for option, given in unused.items():
        named = given if isinstance(given, str) else " ".join(given)
        raise UserError(f"no result was made with --{option} {named}: pass the file that a result was made with")
    if not (verified or failed):
        raise UserError("no result was verified: pass --bitext or --sts with the data that a result was made with")
    return failed


class _OtherData(UserError):
    """A result is on the user's own data, and not on those of --bitext or --sts."""


def _own_option(stored: TaskResult) -> str:
    """Return the option for the data of a result: "bitext", "sts", or "" for a benchmark."""
    task = find_own_task(stored.task)
    return "" if task is None else "bitext" if isinstance(task, OwnBitext) else "sts"


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*.json") if file.is_file())
    if not found:
        raise UserError(
            f"{path} has no result files: expected a result file, or an output directory of bitext-bench run"
        )
    return found


def _verify(file: Path, arguments: argparse.Namespace, stored: TaskResult, *, among_others: bool = False) -> int:
    outcomes = read_outcomes(file, stored)  # first, since they may be damaged
    option = _own_option(stored) if among_others else ""
    if option and not getattr(arguments, option):
        raise _OtherData(f"pass --{option} with the file to verify it")
    if (needed := _own_option(stored)) and not getattr(arguments, needed):
        raise UserError(f"{file} was made with {stored.task}, your own data: pass --{needed} with them")
    model, source = _resolve_as_stored(file, stored, arguments)
    try:
        loaded = _load_as_stored(stored, source, arguments)
    except UserError as error:
        if not option:
            raise
        raise _OtherData(f"it was made with {stored.data} ({error})") from error
    limits = BatchLimits(arguments.batch_tokens, arguments.batch_size)
    # If the fingerprint of the model does not cover all its files, cached vectors are not proof.
    refresh = arguments.refresh or bool(model.unhashed)
    embedder = Embedder(model, cache_folder(arguments.cache_folder), limits, refresh=refresh)
    computed, computed_outcomes = _combine(stored, list(evaluate(embedder, loaded)))
    if option and computed.data != stored.data:
        raise _OtherData(f"it was made with {stored.data}, and --{option} is {computed.data}")
    found = find_differences(stored, outcomes, computed, computed_outcomes)
    for line in found:
        print(printable(line))
    n = len(stored.subsets)
    same = f"verified, {n:,} subset{' is' if n == 1 else 's are'} the same"
    print(f"{printable(str(file))}: {count_of(len(found), 'difference') if found else same}")
    return 1 if found else 0


def _load_as_stored(stored: TaskResult, source: Source, arguments: argparse.Namespace) -> list[LoadedTask]:
    """Read the data of the stored subsets. The user's own data must be passed again; their names may differ."""
    task = find_task(stored.task)
    pairs = [LangPair.parse(entry.subset) for entry in stored.subsets] if find_own_task(stored.task) else []
    if isinstance(task, OwnBitext):
        return [LoadedTask(task, task.load_pairs(own_bitext(arguments.bitext or ()).paths, pairs))]
    if isinstance(task, OwnSts):
        rated = replace(task, path=own_sts(arguments.sts).path if arguments.sts else None)
        return [LoadedTask(rated, [u for pair in pairs for u in rated.load(source, [pair.source, pair.target])])]
    codes = {code for entry in stored.subsets for code in entry.languages}
    return load_tasks([task], source, [resolve(code) for code in sorted(codes)], _refuse)


def _combine(stored: TaskResult, computed: list[tuple[TaskResult, Outcomes]]) -> tuple[TaskResult, Outcomes]:
    """Merge the computed results into one; some subsets may have other data than the stored ones."""
    (first, outcomes), *others = computed
    for result, more in others:
        outcomes = {**outcomes, **more}
        # The stored summary covers the stored subsets only.
        first = replace(first, subsets=[*first.subsets, *result.subsets], summary=stored.summary)
    return first, outcomes


def _resolve_as_stored(file: Path, stored: TaskResult, arguments: argparse.Namespace) -> tuple[Model, Source]:
    """Resolve the model and data of a result file, with the settings in the file.

    Raises:
        UserError: the user has to name the model or the data.
    """
    said = stored.model
    name = without_prefix(arguments.model) if arguments.model else _public_name(file, stored, arguments)
    theirs = name in (said.registered, said.name)  # otherwise --model is a copy or a fork
    options = replace(
        model_options(arguments),
        revision=arguments.model_revision or (_revision(file, stored, arguments) if theirs else None),
        prompt=said.prompt,
        dtype=said.dtype,
        backend=said.backend,
        pooling=said.pooling if said.pooling in POOLINGS else None,
        max_length=said.max_length,
    )
    mini = stored.task.startswith("Mini-") or find_own_task(stored.task) is not None  # an own file needs no source
    hub = stored.data.startswith("hub-")
    if arguments.data is None and not (mini or hub):
        raise UserError(f"{file} was made with data on disk ({stored.data}): pass --data DIR")
    # `hub:` because the file must not select a local folder of this name.
    model = resolve_model(arguments.model or f"hub:{name}", options)
    return model, open_source(arguments.data or ("mini" if mini else "hub"))


def _public_name(file: Path, stored: TaskResult, arguments: argparse.Namespace) -> str:
    """Return the registered name or hub id in a result file.

    Raises:
        UserError: the file has neither, or the command line allows the model to run code.
    """
    said = stored.model
    name = said.registered or said.name
    if said.name.startswith("local/"):
        raise UserError(f"{file} was made with {said.name}, which is not a public model: pass --model DIR")
    if not (find_baseline(name) or name.startswith(MTEB) or _HUB_ID.fullmatch(name)):
        raise UserError(
            f"{file} was made with {name!r}, which is neither a known model nor a hub id org/model: pass --model"
        )
    if flags := _trust_hint(arguments):
        raise UserError(f"{flags} lets a model run code, and only {file} names the model, {name}: pass --model too")
    return name


def _revision(file: Path, stored: TaskResult, arguments: argparse.Namespace) -> str | None:
    """Return the commit in a result file; None if its revision is not a commit.

    Raises:
        UserError: the command line allows the model to run code, and only the file names the revision.
    """
    name, revision = stored.model.name, stored.model.revision
    if not _COMMIT.fullmatch(revision):
        return None
    flags = _trust_hint(arguments)
    if flags and not find_baseline(stored.model.registered or name):
        raise UserError(
            f"{flags} lets a model run code, and only {file} names the revision of {name}, {revision}: pass "
            "--model-revision too"
        )
    return None if flags else revision


def _trust_hint(arguments: argparse.Namespace) -> str:
    given = {"--trust-remote-code": arguments.trust_remote_code, "--allow-pickle": arguments.allow_pickle}
    return " or ".join(flag for flag, is_given in given.items() if is_given)


def _refuse(task: Task, error: MissingData) -> None:
    raise error
