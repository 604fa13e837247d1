"""Text encoders for any purpose, multilingual and English. To add one, add a record."""

from __future__ import annotations

from dataclasses import replace

from .record import Baseline


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


def _f2llm(size: str, *, revision: str, dimensions: int, parameters: int) -> Baseline:
    return Baseline(
        name=f"f2llm-v2-{size.lower()}",
        checkpoint=f"codefuse-ai/F2LLM-v2-{size}",
        loader="mteb",  # it appends an end token, whose vector the pooling takes
        revision=revision,
        prompt="Instruct: Retrieve translations of the following text.\nQuery: ",
        sts_prompt="Instruct: Retrieve semantically similar text.\nQuery: ",
        pooling="last",
        dimensions=dimensions,
        parameters=parameters,
        max_length=8192,
        license="Apache-2.0",
        paper="https://arxiv.org/abs/2603.19223",
        proof="layout",
    )


# fmt: off
GENERAL = (
    *_with_and_without_prompt(Baseline(
        name="multilingual-e5-small", checkpoint="intfloat/multilingual-e5-small",
        loader="sentence-transformers", revision="fd1525a9fd15316a2d503bf26ab031a61d056e98",
        prompt="query: ", sts_prompt="query: ",
        pooling="mean", dimensions=384, parameters=118_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2402.05672", proof="layout", aliases=("me5-small",),
    )),
    *_with_and_without_prompt(Baseline(
        name="multilingual-e5-base", checkpoint="intfloat/multilingual-e5-base",
        loader="sentence-transformers", revision="d13f1b27baf31030b7fd040960d60d909913633f",
        prompt="query: ", sts_prompt="query: ",
        pooling="mean", dimensions=768, parameters=278_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2402.05672", proof="layout", aliases=("me5-base",),
    )),
    # Some published scores are filed under revision 4dc6d853..., but that is intfloat/e5-large.
    *_with_and_without_prompt(Baseline(
        name="multilingual-e5-large", checkpoint="intfloat/multilingual-e5-large",
        loader="sentence-transformers", revision="ab10c1a7f42e74530fe7ae5be82e6d4f11a719eb",
        prompt="query: ", sts_prompt="query: ",
        pooling="mean", dimensions=1024, parameters=560_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2402.05672", proof="layout", aliases=("me5-large",),
    )),
    Baseline(
        name="e5-base", checkpoint="intfloat/e5-base", loader="sentence-transformers",
        revision="b533fe4636f4a2507c08ddab40644d20b0006d6a",
        prompt="query: ", sts_prompt="query: ",
        pooling="mean", dimensions=768, parameters=109_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2212.03533", proof="layout",
    ),
    Baseline(
        name="all-mpnet-base-v2", checkpoint="sentence-transformers/all-mpnet-base-v2",
        loader="sentence-transformers", revision="9a3225965996d404b775526de6dbfe85d3368642",
        prompt="", sts_prompt="",
        pooling="mean", dimensions=768, parameters=109_486_464, max_length=384,
        license="Apache-2.0", paper="https://arxiv.org/abs/1908.10084", proof="measured",
    ),
    Baseline(
        name="all-minilm-l6-v2", checkpoint="sentence-transformers/all-MiniLM-L6-v2",
        loader="sentence-transformers", revision="8b3219a92973c328a8e22fadcfa821b5dc75636a",
        prompt="", sts_prompt="",
        pooling="mean", dimensions=384, parameters=22_713_216, max_length=256,
        license="Apache-2.0", paper="https://arxiv.org/abs/1908.10084", proof="measured",
    ),
    Baseline(
        name="xlm-roberta-base", checkpoint="FacebookAI/xlm-roberta-base", loader="transformers",
        revision="e73636d4f797dec63c3081bb6ed5c7b0bb3f2089", prompt="", sts_prompt="",
        pooling="mean", dimensions=768, parameters=278_043_648, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/1911.02116", proof="layout",
    ),
    Baseline(
        name="bge-m3", checkpoint="BAAI/bge-m3", loader="sentence-transformers",
        revision="5617a9f61b028005a4858fdac845db406aefb181", prompt="", sts_prompt="",
        pooling="cls", dimensions=1024, parameters=568_000_000, max_length=8192,
        license="MIT", paper="https://arxiv.org/abs/2402.03216", proof="layout",
    ),
    # MTEB uses these prompts: the configuration has them as BitextMining and STS.
    Baseline(
        name="embeddinggemma-300m", checkpoint="google/embeddinggemma-300m",
        loader="sentence-transformers", revision="64614b0b8b64f0c6c1e52b07e4e9a4e8fe4d2da2",
        prompt="task: search result | query: ",
        sts_prompt="task: sentence similarity | query: ",
        pooling="mean", dimensions=768, parameters=307_581_696, max_length=2048,
        license="Gemma", paper="https://arxiv.org/abs/2509.20354", proof="layout",
    ),
    # The model card's template with MTEB's instructions for the two kinds of task.
    Baseline(
        name="qwen3-embedding-0.6b", checkpoint="Qwen/Qwen3-Embedding-0.6B",
        loader="sentence-transformers", revision="b22da495047858cce924d27d76261e96be6febc0",
        prompt="Instruct: Retrieve parallel sentences.\nQuery:",
        sts_prompt="Instruct: Retrieve semantically similar text.\nQuery:",
        pooling="last", dimensions=1024, parameters=595_776_512, max_length=32_768,
        license="Apache-2.0", paper="https://arxiv.org/abs/2506.05176", proof="layout",
    ),
    Baseline(
        name="potion-multilingual-128m", checkpoint="minishlab/potion-multilingual-128M",
        loader="model2vec", revision="73908c3438cf03b6a01bcb9611d62b23d0726f08",
        prompt="", sts_prompt="",
        pooling="model", dimensions=256, parameters=128_000_000, max_length=512,
        license="MIT", paper="https://github.com/MinishLab/model2vec", proof="layout",
    ),
    # The prompt of E5's instruction models, with MTEB's instructions.
    Baseline(
        name="multilingual-e5-large-instruct", checkpoint="intfloat/multilingual-e5-large-instruct", loader="mteb",
        revision="baa7be480a7de1539afce709c8f13f833a510e0a",
        prompt="Instruct: Retrieve parallel sentences.\nQuery: ",
        sts_prompt="Instruct: Retrieve semantically similar text.\nQuery: ",
        pooling="mean", dimensions=1024, parameters=560_000_000, max_length=512,
        license="MIT", paper="https://arxiv.org/abs/2402.05672", proof="layout",
    ),
    Baseline(
        name="snowflake-arctic-embed-l-v2.0", checkpoint="Snowflake/snowflake-arctic-embed-l-v2.0",
        loader="sentence-transformers", revision="edc2df7b6c25794b340229ca082e7c78782e6374",
        prompt="", sts_prompt="",
        pooling="cls", dimensions=1024, parameters=567_754_752, max_length=8192,
        license="Apache-2.0", paper="https://arxiv.org/abs/2412.04506", proof="layout",
    ),
    # Needs --trust-remote-code: its architecture is code in another repository, Alibaba-NLP/new-impl.
    Baseline(
        name="gte-multilingual-base", checkpoint="Alibaba-NLP/gte-multilingual-base",
        loader="sentence-transformers", revision="ca1791e0bcc104f6db161f27de1340241b13c5a4",
        prompt="", sts_prompt="",
        pooling="cls", dimensions=768, parameters=305_368_320, max_length=8192,
        license="Apache-2.0", paper="https://arxiv.org/abs/2407.19669", proof="layout",
    ),
    Baseline(
        name="static-similarity-mrl-multilingual-v1",
        checkpoint="sentence-transformers/static-similarity-mrl-multilingual-v1",
        loader="sentence-transformers", revision="7264ea07c5365a11d7e6d87dbb6195889a13054f",
        prompt="", sts_prompt="",
        pooling="model", dimensions=1024, parameters=108_420_096, max_length=0,
        license="Apache-2.0", paper="https://huggingface.co/blog/static-embeddings", proof="layout",
    ),
    Baseline(
        name="granite-embedding-97m-multilingual-r2", checkpoint="ibm-granite/granite-embedding-97m-multilingual-r2",
        loader="sentence-transformers", revision="c61e626a6255c490879d0af885078b61929d51f6",
        prompt="", sts_prompt="",
        pooling="cls", dimensions=384, parameters=97_441_152, max_length=32_768,
        license="Apache-2.0", paper="https://arxiv.org/abs/2605.13521", proof="layout",
    ),
    Baseline(
        name="granite-embedding-311m-multilingual-r2", checkpoint="ibm-granite/granite-embedding-311m-multilingual-r2",
        loader="sentence-transformers", revision="dba7b0ee9d789f330fecfb85df57699f9e7d9c42",
        prompt="", sts_prompt="",
        pooling="cls", dimensions=768, parameters=311_664_384, max_length=32_768,
        license="Apache-2.0", paper="https://arxiv.org/abs/2605.13521", proof="layout",
    ),
    # The text model alone: MTEB leaves out the towers for images and sound, but needs their packages to load it.
    Baseline(
        name="embeddinggemma-2", checkpoint="google/embeddinggemma-2", loader="mteb",
        revision="914f7f89142e33e77833254d9c9b90c3cef7303b",
        prompt="task: sentence similarity | query: ", sts_prompt="task: sentence similarity | query: ",
        pooling="mean", dimensions=768, parameters=271_002_624, max_length=8192,
        license="Apache-2.0", paper="https://huggingface.co/google/embeddinggemma-2", proof="reported",
    ),
    # MTEB selects the adapter text-matching for both kinds of task. Both need --trust-remote-code and the package peft.
    Baseline(
        name="jina-embeddings-v5-text-nano", checkpoint="jinaai/jina-embeddings-v5-text-nano", loader="mteb",
        revision="4c1f9846bb85490df1d9e535834cf00ceb33823b",
        prompt="Document: ", sts_prompt="Document: ",
        pooling="last", dimensions=768, parameters=211_766_016, max_length=8192,
        license="CC-BY-NC-4.0", paper="https://arxiv.org/abs/2602.15547", proof="reported",
    ),
    Baseline(
        name="jina-embeddings-v5-text-small", checkpoint="jinaai/jina-embeddings-v5-text-small", loader="mteb",
        revision="dd76d535f5447ca3897a9c893fb1e612ead98192",
        prompt="Document: ", sts_prompt="Document: ",
        pooling="last", dimensions=1024, parameters=596_049_920, max_length=32_768,
        license="CC-BY-NC-4.0", paper="https://arxiv.org/abs/2602.15547", proof="reported",
    ),
    Baseline(
        name="harrier-oss-v1-270m", checkpoint="microsoft/harrier-oss-v1-270m", loader="mteb",
        revision="31de22b673913c7d658c0f03f792d77c2dcf8ebd",
        prompt="Instruct: Retrieve parallel sentences\nQuery:",
        sts_prompt="Instruct: Retrieve semantically similar text\nQuery:",
        pooling="last", dimensions=640, parameters=268_065_920, max_length=32_768,
        license="MIT", paper="https://huggingface.co/microsoft/harrier-oss-v1-270m", proof="layout",
    ),
    Baseline(
        name="harrier-oss-v1-0.6b", checkpoint="microsoft/harrier-oss-v1-0.6b", loader="mteb",
        revision="f9b9dc8d367d443f2479d27aa5d8d2850c0774ee",
        prompt="Instruct: Retrieve parallel sentences\nQuery:",
        sts_prompt="Instruct: Retrieve semantically similar text\nQuery:",
        pooling="last", dimensions=1024, parameters=596_042_752, max_length=32_768,
        license="MIT", paper="https://huggingface.co/microsoft/harrier-oss-v1-0.6b", proof="layout",
    ),
    _f2llm(
        "80M", revision="6faa7738f343cd4321f9b2fa92fdb7cae3c117a5",
        dimensions=320, parameters=80_084_288,
    ),
    _f2llm(
        "160M", revision="4013fb02c4b37ae14fc567fb190051b6cad652f6",
        dimensions=640, parameters=159_185_024,
    ),
    _f2llm(
        "330M", revision="e8ef9a8eb907a9dffdd9442424a967ba73e70d31",
        dimensions=896, parameters=334_349_184,
    ),
    _f2llm(
        "0.6B", revision="54b4e2dc74e01be7126d4cf5f016af6b21edc563",
        dimensions=1024, parameters=596_049_920,
    ),
)
# fmt: on
