"""The digest of code: comments, docstrings and layout do not count; everything that runs does."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitext_bench.encoders.fingerprint import code_digest

CODE = '''"""Module."""
import math

class A:
    """Class."""
    size: int = 1_000

    def f(self, x, *, base=2.0):
        """Function."""
        return f"{math.log(x, base):.2f} {x!r}" "\\ud800"  # a comment
'''


def digest(folder: Path, code: str | bytes, name: str = "a.py") -> str:
    folder.mkdir()
    (folder / name).write_bytes(code if isinstance(code, bytes) else code.encode())
    return code_digest(folder)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Module.", "What the module does."),
        ('    """Class."""\n', ""),
        ('        """Function."""\n', "        '''Function.'''\n"),
        ("  # a comment", ""),
        ("import math\n", "# why\nimport math  # noqa\n\n"),
        ("self, x, *, base=2.0", "\n        self,\n        x,\n        *,\n        base=2.0,\n    "),
        ("1_000", "1000"),
    ],
)
def test_what_does_not_run_does_not_count(tmp_path: Path, before: str, after: str) -> None:
    assert before in CODE
    assert digest(tmp_path / "before", CODE) == digest(tmp_path / "after", CODE.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2.0", "2"),
        ("1_000", "1_001"),
        (".2f", ".3f"),
        ("!r", "!s"),
        ("ud800", "ud801"),
        ("math.log(x", "math.log2(x"),
        ("*, ", ""),
        ("size: int", "size: float"),
        ("    size: int = 1_000\n", ""),
        ('        """Function."""\n', '        x += 1\n        """Function."""\n'),
    ],
)
def test_what_runs_counts(tmp_path: Path, before: str, after: str) -> None:
    assert before in CODE
    assert digest(tmp_path / "before", CODE) != digest(tmp_path / "after", CODE.replace(before, after))


def test_names_of_files_count(tmp_path: Path) -> None:
    assert digest(tmp_path / "one", CODE) != digest(tmp_path / "two", CODE, "b.py")


@pytest.mark.parametrize("code", [b"print 'Python 2'\n", b"a = '\xff'\n", b"-" * 3_000 + b"1\n"])
def test_code_that_does_not_parse_counts_as_it_is(tmp_path: Path, code: bytes) -> None:
    assert digest(tmp_path / "one", code) != digest(tmp_path / "two", code + b"# a comment\n")


def test_every_version_of_python_gives_the_same_digest(tmp_path: Path) -> None:
    assert digest(tmp_path / "one", CODE) == "79f06e54cdcf"  # the same with 3.11, 3.12, 3.13 and 3.14
