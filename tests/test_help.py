"""--help of every command: each option is explained, in a titled group, with its default as one types it."""

from __future__ import annotations

import argparse
import re

import pytest

from bitext_bench.cli.main import COMMANDS, main
from bitext_bench.cli.parser import build_parser


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command by name."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= action.choices
    return found


PARSERS = parsers()
OPTIONS = [
    pytest.param(parser, action, id=f"{name} {'/'.join(action.option_strings) or action.dest}")
    for name, parser in PARSERS.items()
    for action in parser._actions
]


def test_every_command_has_a_parser() -> None:
    assert {name.replace("-", "_") for name in PARSERS} == set(COMMANDS)


@pytest.mark.parametrize(("parser", "action"), OPTIONS)
def test_every_option_is_explained(parser: argparse.ArgumentParser, action: argparse.Action) -> None:
    said = re.sub(r"\(default:.*\)", "", action.help or "").strip()
    assert len(said.split()) >= 3, "a default alone explains nothing"
    formatter = parser.formatter_class(prog="bitext-bench")
    expanded = formatter._expand_help(action)
    assert not re.search(r"default: [\[{(]|default: None|PosixPath|==SUPPRESS==", expanded), "shown as one types it"


@pytest.mark.parametrize(("parser", "action"), OPTIONS)
def test_a_default_is_named(parser: argparse.ArgumentParser, action: argparse.Action) -> None:
    optional = bool(action.option_strings) and not action.required and action.nargs != 0
    if not optional or isinstance(action, argparse.BooleanOptionalAction):
        return
    given = action.default not in (None, argparse.SUPPRESS, [])
    assert not given or "(default: " in (action.help or "")


@pytest.mark.parametrize("name", PARSERS)
def test_options_are_in_titled_groups(name: str) -> None:
    untitled = [group for group in PARSERS[name]._action_groups if group.title == "options"]
    assert [action.dest for group in untitled for action in group._group_actions] == ["help"]
    titles = [group.title for group in PARSERS[name]._action_groups if group._group_actions]
    assert all(titles) and len({*titles}) == len(titles)
    assert name == "list" or len(titles) >= 2


def test_the_help_has_one_line_for_each_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    for name, parser in PARSERS.items():
        (line,) = [line for line in lines if line.startswith(f"    {name} ")]
        summary = line.split(maxsplit=1)[1]
        assert parser.description == f"{summary[:1].upper()}{summary[1:]}."


@pytest.mark.parametrize("name", PARSERS)
def test_help_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: bitext-bench {name} ")
