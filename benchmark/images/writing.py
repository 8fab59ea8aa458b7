"""RGB tensor in [0, 1] -> PNG of 8 bits."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from benchmark import files


def write_png(path: str | os.PathLike[str], image: Tensor) -> None:
    """Write ``image [3, H, W]`` (RGB in [0, 1]) as an 8-bit PNG: rounded, clipped, aside and then renamed.

    Raises
    ------
    ValueError
        If `image` has another shape, or values that are not finite.
    """
    path = Path(path)
    if image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(f"{path}: expected an image [3, H, W], got {list(image.shape)}")
    if not bool(torch.isfinite(image).all()):
        raise ValueError(f"{path}: the image has values that are not finite")
    pixels = image.detach().cpu().float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    with files.whole(path) as aside:
        # Level 1 deflates five times faster than the default for files a tenth larger.
        Image.fromarray(pixels.contiguous().numpy()).save(aside, format="PNG", compress_level=1)
