"""What the encoder is shown of a picture: half its size as Pillow halves it, and five crops."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

#: Side of a crop in the paper.
CROP = 224


def half(images: Tensor, kind: Literal["bilinear", "bicubic"] = "bilinear") -> Tensor:
    """Halve the sides of ``images [B, 3, H, W]`` (RGB in [0, 1]), rounded down, by Pillow in 8 bits.

    The published weights were trained and are used behind Pillow. Its fixed-point arithmetic decides ties,
    which odd sizes have many of: the same filter in floating point differs by a grey level in 2 pixels of
    1,000.

    Raises
    ------
    ValueError
        If a side is a single pixel.
    """
    height, width = _half_size(images)
    pixels = images.detach().float().mul(255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    halves = [np.asarray(Image.fromarray(p).resize((width, height), filters[kind])) for p in pixels]
    return torch.from_numpy(np.stack(halves)).permute(0, 3, 1, 2).to(images.device).to(images.dtype).div(255)


def smooth_half(images: Tensor) -> Tensor:
    """Halve as `half` does with its bilinear filter, in floating point and on the device: it has gradients.

    Raises
    ------
    ValueError
        If a side is a single pixel.
    """
    return F.interpolate(images, _half_size(images), mode="bilinear", antialias=True, align_corners=False)


def _half_size(images: Tensor) -> tuple[int, int]:
    height, width = images.shape[2] // 2, images.shape[3] // 2
    if not height or not width:
        raise ValueError(f"arniqa: a picture of {images.shape[3]}x{images.shape[2]} pixels has no half scale")
    return height, width


def five_crops(images: Tensor, size: int = CROP) -> Tensor:
    """Cut centre, top left, bottom left, top right and bottom right out of ``images [B, 3, H, W]``.

    What lies outside a picture smaller than a crop is black.

    Returns
    -------
    Tensor
        ``[B, 5, 3, size, size]``.
    """
    height, width = images.shape[2:]
    padded = F.pad(images, (size, size, size, size))
    bottom, right = height - size, width - size
    corners = [
        (height // 2 - size // 2, width // 2 - size // 2),
        (0, 0),
        (bottom, 0),
        (0, right),
        (bottom, right),
    ]
    # A corner may lie outside, at most by a crop.
    return torch.stack(
        [padded[:, :, top + size :, left + size :][:, :, :size, :size] for top, left in corners], dim=1
    )
