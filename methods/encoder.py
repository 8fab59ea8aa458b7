"""A frozen encoder: features of a network of torchvision, timm or open_clip, and their pristine distance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from benchmark.files import sha256_of
from benchmark.method import Card, TrainingData
from methods._shared.exposure import IMAGENET, corpus_of
from methods._shared.frozen import Library, frozen
from methods._shared.pristine import encoders, ou
from methods._shared.pristine.encoders import Distance, Encoder, Scales

CARD = Card(
    title="Frozen encoder",
    paper="",
    licence="as the weights'",
    training_data="as the weights say (ImageNet, image-text pairs, pictures alone); not trained here",
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    higher_is_better=False,
    weights="a file, or what the library offers, fetched at first use; fitted to your pristine pictures",
    input="features: whole image, no resizing; score: patches of 96 pixels, every 48",
)


class Fit(BaseModel):
    """Settings of the fit to pristine pictures; of the network as in :func:`load`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    library: Library = "torchvision"
    model: str
    weights: str | None
    scales: Scales = "full"
    patch: int = 96
    stride: int = 48
    count: int | None = Field(None, description="pictures drawn from `seed`; null: all of them")

    @property
    def network(self) -> dict[str, Any]:
        """What loads the network."""
        return {"library": self.library, "model": self.model, "weights": self.weights, "scales": self.scales}


def train(data: TrainingData, out: Path, *, settings: Fit) -> dict[str, Any]:
    """Fit to pristine pictures, write ``pristine.npz`` below ``out`` and return what :func:`load` needs.

    The network itself learns nothing. A fit that was stopped goes on where it was.
    """
    weights = settings.weights
    digest = sha256_of(Path(weights)) if weights and Path(weights).is_file() else ""
    patches = ou.Settings(patch=settings.patch, stride=settings.stride)
    about = {**settings.network, "sha256": digest}
    made = encoders.train(_encoder(**settings.network), data, out, patches, count=settings.count, about=about)
    return {**settings.network, "pristine": made}


def fetch(settings: Fit) -> None:
    """Bring the weights of the encoder that is fitted."""
    frozen(settings.library, settings.model, settings.weights)


def load(
    model: str,
    weights: str | None,
    library: Library = "torchvision",
    scales: Scales = "full",
    pristine: str | None = None,
    seed: int = 0,
) -> Encoder | Distance:
    """Load a frozen encoder.

    Parameters
    ----------
    model
        Its name in the library, e.g. ``"resnet50"``.
    weights
        Path of a file in the library's naming; or a name: of torchvision such as ``"IMAGENET1K_V1"``, of timm
        ``"hub"``, of open_clip a tag; ``None`` for random weights.
    library
        ``"torchvision"``, ``"timm"`` (where installed) or ``"open_clip"``.
    scales
        ``"full"``, or ``"both"`` for full and half scale side by side.
    pristine
        The ``.npz`` of :func:`train`, or a folder of undistorted pictures to fit to; without it the encoder
        has features and no scores.
    seed
        Of random weights.
    """
    return encoders.method(_encoder(library, model, weights, scales, seed), pristine)


def _encoder(library: Library, model: str, weights: str | None, scales: Scales, seed: int = 0) -> Encoder:
    learnt = "random weights" if weights is None else f"weights {Path(weights).name}"
    card = replace(CARD, title=f"{model} ({library}, {learnt})")
    if weights is None:
        card = replace(card, training_data="none: random weights", exposure=())
    elif library == "torchvision" and not Path(weights).is_file():
        card = replace(card, exposure=(IMAGENET,))
    elif library == "open_clip":
        card = replace(card, exposure=corpus_of(weights))
    return Encoder(frozen(library, model, weights, seed), scales, card)
