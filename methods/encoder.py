"""A frozen encoder: features of a network of torchvision, timm or open_clip, and their pristine distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from benchmark import images as pictures_io
from benchmark.files import sha256_of
from benchmark.method import Card
from methods._shared.arniqa.scales import half
from methods._shared.exposure import HERE, IMAGENET, corpus_of
from methods._shared.frozen import Library, frozen
from methods._shared.pristine import gaussian, ou

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

Scales = Literal["full", "both"]


class Encoder:
    """Features of whole pictures.

    Parameters
    ----------
    network
        Pictures ``[B, 3, H, W]`` in [0, 1] to ``[B, D]``.
    scales
        ``"both"`` sets the features of the picture's half scale beside those of the picture, as ARNIQA does.
    card
        What a reader must know about these weights.
    """

    name = "encoder"
    higher_is_better = False

    def __init__(self, network: nn.Module, scales: Scales = "full", card: Card = CARD) -> None:
        self.network = network
        self.scales = scales
        self.card = card

    def to(self, device: str | torch.device) -> Encoder:
        """Move to a device and return itself."""
        self.network.to(device)
        return self

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Return ``[B, D]`` float32 on the CPU of ``images [B, 3, H, W]`` (RGB in [0, 1], any size)."""
        there = next(self.network.parameters()).device
        seen = (images, half(images)) if self.scales == "both" else (images,)
        return torch.cat([self.network(scale.to(there)) for scale in seen], dim=1).float().cpu()

    def score(self, images: Tensor) -> Tensor:
        """Raise ValueError: features alone say nothing of quality."""
        raise ValueError(
            "encoder: has features and no scores of its own; set `pristine` to a folder of undistorted "
            "pictures or train it (`train: {...}`) for the distance from them, or use its features in a probe"
        )


class Distance(ou.OpinionUnaware):
    """How far the features of a picture's patches lie from pristine ones; its own are the encoder's."""

    encoder: Encoder

    def __init__(self, encoder: Encoder, made: ou.OpinionUnaware) -> None:
        super().__init__(encoder, made.mean, made.covariance, made.settings)
        card = encoder.card
        seen = None if card.exposure is None else (*card.exposure, HERE)
        self.card = replace(card, title=f"{card.title}, -OU distance", exposure=seen)

    def to(self, device: str | torch.device) -> Distance:
        """Move the encoder to a device and return itself."""
        self.encoder.to(device)
        return self

    def features(self, images: Tensor) -> Tensor:
        """Return the encoder's features ``[B, D]`` of whole pictures."""
        return self.encoder.features(images)


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


def train(pictures: Sequence[Path], out: Path, *, seed: int, settings: Fit) -> dict[str, Any]:
    """Fit to pristine pictures, write ``pristine.npz`` below ``out`` and return what :func:`load` needs.

    The network itself learns nothing. A fit that was stopped goes on where it was.
    """
    partial, weights = gaussian.partial_of(out), settings.weights
    digest = sha256_of(Path(weights)) if weights and Path(weights).is_file() else ""
    made = ou.fit(
        _encoder(**settings.network),
        gaussian.drawn(pictures, settings.count, seed),
        ou.Settings(patch=settings.patch, stride=settings.stride),
        partial=partial,
        about={**settings.network, "sha256": digest},
    )
    out.mkdir(parents=True, exist_ok=True)
    ou.write(made, out / "pristine.npz")
    partial.unlink(missing_ok=True)
    return {**settings.network, "pristine": str(out / "pristine.npz")}


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
    encoder = _encoder(library, model, weights, scales, seed)
    if pristine is None:
        return encoder
    made = (
        ou.fit(encoder, pictures_io.below(Path(pristine)))
        if Path(pristine).is_dir()
        else ou.read(encoder, Path(pristine))
    )
    return Distance(encoder, made)


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
