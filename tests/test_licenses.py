"""The license of a corpus, as the files beside it state it."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write

from training.data.hub import stated_license


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    file = tmp_path / "data/made/en-fr/train.tsv"
    write(file, ["one\tun"])
    return file


def test_the_nearest_folder_that_states_one_counts(pairs: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(tmp_path / "README.md", ["---", "license: above-the-data", "---"])
    assert stated_license(pairs, root) is None
    write(root / "README.md", ["---", "license: cc-by-4.0", "---", "# All"])
    assert stated_license(pairs, root) == "cc-by-4.0"
    write(root / "made/LICENSE", ["", "  Apache License", "  Version 2.0"])
    assert stated_license(pairs, root) == "Apache License"
    write(root / "made/en-fr/README.md", ["---", "license: [mit, cc0-1.0]", "---"])
    assert stated_license(pairs, root) == "mit, cc0-1.0"


@pytest.mark.parametrize(
    ("card", "stated"),
    [
        (["# No metadata", "license: mit"], None),
        (["---", "license: other", "license_name: tatoeba-terms", "---"], "tatoeba-terms"),
        (["---", "license: other", "---"], "other"),
        (["---", "tags: [x]", "---"], None),
        (["---", "license: [unclosed", "---"], None),
        (["---", "license: " + "[" * 20000, "---"], None),
        (["---", "just text", "---"], None),
    ],
)
def test_a_card_of_the_hub(pairs: Path, tmp_path: Path, card: list[str], stated: str | None) -> None:
    write(tmp_path / "data/README.md", card)
    assert stated_license(pairs, tmp_path / "data") == stated


def test_a_card_that_is_no_text(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "data/README.md").write_bytes(b"---\nlicense: \xff\n---\n")
    assert stated_license(pairs, tmp_path / "data") is None
