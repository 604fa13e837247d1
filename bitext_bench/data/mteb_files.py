"""Which files of a data set on the hub a task of mteb needs: those of its subsets, not the whole repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..io.hub import fetch
from .mteb_tasks import MtebTask

_CARD = "README.md"


def fetch_files(task: MtebTask, subsets: Sequence[str]) -> Path:
    """Download the files of the subsets that are not in the cache, and return their directory.

    Raises:
        NotFetched: the hub does not deliver the files.
    """
    # All files if there is no card: it says which files belong to which subset.
    card = fetch(task.repository, lambda files: [_CARD] if _CARD in files else files)
    configs = _read_configs(card / _CARD)
    wanted = _wanted(task, subsets, configs)
    if wanted is None:
        return fetch(task.repository)
    patterns = [pattern for name in wanted for pattern in _patterns(configs[name])]
    # `datasets` infers the format from the files of the first configuration: it needs one file of each pattern.
    first = list(_patterns(next(iter(configs.values()))))

    def choose(files: Sequence[str]) -> list[str]:
        by_use = sorted(files, key=lambda file: not _fits(file, patterns))  # the wanted ones before the others
        one = {next((file for file in by_use if fnmatchcase(file, pattern)), _CARD) for pattern in first}
        return [
            file
            for file in files
            if file in one or ("/" not in file and file.endswith((".md", ".json", ".yaml"))) or _fits(file, patterns)
        ]

    def is_enough(folder: Path) -> bool:
        files = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
        return all(any(fnmatchcase(file, pattern) for file in files) for pattern in [*first, *patterns])

    return fetch(task.repository, choose, is_enough)


def has_configurations(task: MtebTask, subsets: Sequence[str], folder: Path) -> bool:
    """Return whether the card in a directory has a configuration for each of some, but not all, of a task's subsets.

    mteb then need not load the data of all subsets at once.
    """
    return _are_configurations(task, subsets, _read_configs(folder / _CARD))


def _are_configurations(task: MtebTask, subsets: Sequence[str], configs: Mapping[str, Any]) -> bool:
    return not task.is_n_way and set(subsets) < set(task.task.metadata.hf_subsets) and set(subsets) <= set(configs)


def _fits(file: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(file, pattern) for pattern in patterns)


def _read_configs(card: Path) -> dict[str, Mapping[str, Any]]:
    """Return the configurations in a card by name; empty if it has none, or some without patterns of files."""
    from huggingface_hub import metadata_load

    content = metadata_load(card) if card.is_file() else None
    configs = {str(each.get("config_name", "default")): each for each in (content or {}).get("configs", [])}
    return configs if all("data_files" in each and "data_dir" not in each for each in configs.values()) else {}


def _patterns(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the patterns of a configuration's files: a path, paths by split, or a list of paths or of splits."""
    given = config["data_files"]
    for entry in [given] if isinstance(given, str | dict) else given:
        if isinstance(entry, str):
            yield entry
        else:
            for paths in [entry["path"]] if "path" in entry else entry.values():
                yield from [paths] if isinstance(paths, str) else paths


def _wanted(task: MtebTask, subsets: Sequence[str], configs: Mapping[str, Any]) -> set[str] | None:
    """Return the names of the configurations that mteb's task loads; None for all files of the repository."""
    if not configs:
        return None
    if name := task.task.metadata.dataset.get("name"):
        return {name} if name in configs else None
    by_default = [name for name in configs if name == "default" or configs[name].get("default")]
    default = {by_default[0]} if by_default else set(configs) if len(configs) == 1 else None
    if _are_configurations(task, subsets, configs):
        return set(subsets)
    if task.is_n_way or task.task.fast_loading or list(subsets) == ["default"]:
        return default
    by_languages = {_languages(name): name for name in configs}
    found = {subset: subset if subset in configs else by_languages.get(_languages(subset)) for subset in subsets}
    names = {name for name in found.values() if name is not None}
    return names if len(names) and None not in found.values() else default


def _languages(name: str) -> frozenset[str]:
    """Return the languages of a pair without scripts: a configuration may be eng-aai for eng_Latn-aai_Latn."""
    return frozenset(code.partition("_")[0] for code in name.split("-"))
