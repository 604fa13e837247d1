"""Where a corpus is published, as the recipe says, and its license, as the files beside it state it."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write

from bitext_bench.errors import UserError
from training.config import TrainConfig
from training.data.sources import Source, is_non_commercial, read_sources, stated_license
from training.pipeline import read_data
from training.recipe import read_recipe


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


@pytest.mark.parametrize(
    ("name", "restricted"),
    [
        ("CC-BY-NC-SA-4.0", True),
        ("cc-by-nc-4.0", True),
        ("CC-BY-4.0, some CC-BY-NC-4.0", True),
        ("WMT research use", True),
        ("CC BY NC-SA 4.0, academic use", True),
        ("custom non-commercial license", True),
        ("CC-BY-SA-4.0", False),
        ("NCSA", False),  # a license of the University of Illinois
        ("", False),
    ],
)
def test_licenses_for_some_uses_only(name: str, restricted: bool) -> None:
    assert is_non_commercial(name) is restricted


RECIPE = """
epochs = 2
[sources.made]
url = "https://example.org/made"
license = "CC-BY-4.0"
version = "1.4"
[sources.other]
url = "https://example.org/other"
"""


def test_a_recipe_says_where_its_corpora_are_published(tmp_path: Path) -> None:
    write(tmp_path / "mine.toml", [RECIPE])
    assert read_recipe(str(tmp_path / "mine.toml")) == {"epochs": 2}
    made = Source("https://example.org/made", "CC-BY-4.0", "1.4")
    assert read_sources(str(tmp_path / "mine.toml")) == {"made": made, "other": Source("https://example.org/other")}


def test_a_recipe_takes_the_tables_of_another_one(tmp_path: Path) -> None:
    write(tmp_path / "mine.toml", ['sources = "best-small-2"'])
    assert read_sources(str(tmp_path / "mine.toml")) == read_sources("best-small-2")


@pytest.mark.parametrize("recipe", ["best-small", "best-small-2", "best-small-3"])
def test_the_sources_of_the_best_small_models_are_known(recipe: str) -> None:
    sources = read_sources(recipe)
    assert {name.partition(":")[0] for name in read_recipe(recipe)["corpora"]} <= sources.keys()
    assert all(source.url.startswith("https://") and source.license and source.files for source in sources.values())
    restricted = {name for name, source in sources.items() if is_non_commercial(source.license)}
    of_all = {"multi30k", "wmt-newstest", "tatoeba-test-v2021", "park-news", "jhe-news"}
    assert restricted == of_all | {"kss", "african-storybook", "bsd", "wmt24-chat", "xnli"}


def test_the_files_of_a_corpus_know_its_license_better_than_a_recipe(pairs: Path, tmp_path: Path) -> None:
    config = TrainConfig(student="a-model", pairs=("en-fr",))
    source = Source("https://example.org/made", "CC-BY-4.0")

    def found(sources: dict[str, Source]) -> tuple[str | None, Source | None]:
        ((item,),) = read_data(config, tmp_path / "data", sources=sources).corpora.values()
        return item.license, item.source

    assert found({}) == (None, None)
    assert found({"made": source}) == ("CC-BY-4.0", source)
    assert found({"made": Source(source.url)}) == (None, Source(source.url))
    write(pairs.parent / "README.md", ["---", "license: mit", "---"])
    assert found({"made": source, "other": source}) == ("mit", source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sources = 3", r"the recipe .*mine.toml: expected tables \[sources.NAME\], each with a url"),
        ("sources = 'best-smal'", "unknown recipe 'best-smal': did you mean best-small"),
        ("[sources.made]\nlicense = 'mit'", r".*expected tables \[sources.NAME\], each with a url"),
        ("[sources.made]\nurl = 3", "url is 3: expected a string"),
        ("[sources.made]\nurl = 'x'\nlicence = 'mit'", "unknown setting 'licence': did you mean license.*"),
    ],
)
def test_tables_that_are_no_sources(tmp_path: Path, content: str, message: str) -> None:
    write(tmp_path / "mine.toml", [content])
    with pytest.raises(UserError, match=message):
        read_sources(str(tmp_path / "mine.toml"))
