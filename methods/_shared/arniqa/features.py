"""Features of whole pictures at two scales, by the published encoder or one trained here."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from methods._shared.arniqa.encoder import Encoder, load_encoder
from methods._shared.arniqa.scales import half
from methods._shared.weights.weight_cache import weights_file

RELEASE = "https://github.com/miccunifi/ARNIQA/releases/download/weights"


class TwoScales:
    """Unit features of a picture and of its half scale, side by side.

    Parameters
    ----------
    encoder
        Pictures to unit features.
    """

    name = "arniqa"

    def __init__(self, encoder: Encoder) -> None:
        # Convolutions over pixels whose channels lie together take two thirds of the time on a CPU.
        self.encoder = encoder.eval().to(memory_format=torch.channels_last)

    def features(self, images: Tensor) -> Tensor:
        """Return ``[B, 2 D]`` float32 on the CPU of ``images [B, 3, H, W]`` (RGB in [0, 1], any size)."""
        return self.describe(images, half(images))

    def to(self, device: str | torch.device) -> TwoScales:
        """Move to a device and return itself."""
        self.encoder.to(device)
        return self

    @torch.inference_mode()
    def describe(self, full: Tensor, halved: Tensor) -> Tensor:
        """Features ``[B, 2 D]``, on the CPU, of pictures given at full and at half scale."""
        here = next(self.encoder.parameters()).device
        return torch.cat([self.encoder(scale.to(here)) for scale in (full, halved)], dim=1).float().cpu()


def encoder_file(encoder: str | Path) -> Path:
    """Return an encoder's file: the published one, fetched at first use, for ``"official"``."""
    return weights_file("ARNIQA.pth", [f"{RELEASE}/ARNIQA.pth"]) if encoder == "official" else Path(encoder)


def load_features(encoder: str | Path) -> TwoScales:
    """Load an encoder: ``"official"`` for the published one, fetched at first use, or the path of a file.

    Raises
    ------
    ValueError
        If it cannot be fetched, or the file is not an encoder.
    """
    return TwoScales(load_encoder(encoder_file(encoder)))
