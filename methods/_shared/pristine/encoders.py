"""A frozen network as a method: features of whole pictures and, once fitted, their pristine distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from benchmark.method import Card, HasFeatures, NoScores, TrainingData
from methods._shared.arniqa.scales import half
from methods._shared.exposure import HERE
from methods._shared.pristine import gaussian, ou

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
    name
        Name of the method.
    halving
        Filter by which Pillow halves a picture.
    """

    higher_is_better = False

    def __init__(
        self,
        network: nn.Module,
        scales: Scales,
        card: Card,
        name: str = "encoder",
        halving: Literal["bilinear", "bicubic"] = "bilinear",
    ) -> None:
        self.network = network
        self.scales = scales
        self.card = card
        self.name = name
        self.halving = halving

    def to(self, device: str | torch.device) -> Encoder:
        """Move to a device and return itself."""
        self.network.to(device)
        return self

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Return ``[B, D]`` float32 on the CPU of ``images [B, 3, H, W]`` (RGB in [0, 1], any size)."""
        own = next(self.network.parameters())
        seen = (images, half(images, self.halving)) if self.scales == "both" else (images,)
        return (
            torch.cat([self.network(scale.to(own.device, own.dtype)) for scale in seen], dim=1).float().cpu()
        )

    @property
    def no_scores(self) -> str:
        """What would give it scores."""
        return (
            f"{self.name}: has features and no scores of its own; set `pristine` to a folder of undistorted "
            "pictures or train it (`train: {...}`) for the distance from them, or use its features in a probe"
        )

    def score(self, images: Tensor) -> Tensor:
        """Raise NoScores: features alone say nothing of quality."""
        raise NoScores(self.no_scores)


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


def train(
    encoder: HasFeatures,
    data: TrainingData,
    out: Path,
    settings: ou.Settings,
    *,
    count: int | None,
    about: Mapping[str, Any],
) -> str:
    """Fit the distance over an encoder to pristine pictures; returns the path of the file below ``out``.

    Parameters
    ----------
    encoder, settings
        As :func:`methods._shared.pristine.ou.fit` takes them.
    data
        Its pictures are fitted to.
    out
        Folder that is written to.
    count
        How many of the pictures, drawn from the seed; ``None`` for all of them, and nothing is drawn.
    about
        What tells this encoder from others: a fit that was stopped goes on where it was if it is the same.
    """
    partial = gaussian.partial_of(out)
    drawn = gaussian.drawn(data.pictures, count, data.seed)
    made = ou.fit(encoder, drawn, settings, partial=partial, about=about)
    out.mkdir(parents=True, exist_ok=True)
    ou.write(made, out / "pristine.npz")
    partial.unlink(missing_ok=True)
    return str(out / "pristine.npz")


def fitted(encoder: HasFeatures, pristine: str | Path) -> ou.OpinionUnaware:
    """Return the distance over an encoder from what `train` wrote, or fitted to a folder of pictures.

    Raises
    ------
    ValueError
        If the file is missing or of another kind, or the folder holds too little.
    """
    if Path(pristine).is_dir():
        return ou.fit(encoder, gaussian.pictures_of(pristine))
    return ou.read(encoder, Path(pristine))


def method(encoder: Encoder, pristine: str | Path | None) -> Encoder | Distance:
    """Return an encoder as it is or, with ``pristine`` as `fitted` takes it, with scores."""
    return encoder if pristine is None else Distance(encoder, fitted(encoder, pristine))
