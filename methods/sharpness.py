"""Sharpness: the variance of the Laplacian of luma. The floor that every method must beat."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.method import Card
from methods._nss import luma

CARD = Card(
    title="Sharpness",
    paper="J. L. Pech-Pacheco et al. Diatom autofocusing in brightfield microscopy. ICPR 2000",
    licence="no weights",
    training_data="none",
    opinion_aware=False,
    low=0.0,
    high=float("inf"),
    input="whole image",
)


class Sharpness:
    """Variance of the four-neighbour Laplacian of luma on the scale 0 to 255, borders mirrored."""

    name = "sharpness"
    higher_is_better = True

    def score(self, images: Tensor) -> Tensor:
        """Score ``images [B, 3, H, W]`` (RGB in [0, 1]); returns ``[B]`` float32 on the CPU."""
        x = F.pad(luma(images), (1, 1, 1, 1), mode="reflect")
        centre = x[:, 1:-1, 1:-1]
        laplacian = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:] - 4 * centre
        return torch.var(laplacian, dim=(1, 2), correction=0).float().cpu()


def load() -> Sharpness:
    """Make the method; it has no settings."""
    return Sharpness()
