"""A map laid over its picture: red where it raises the output, blue where it lowers it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_RED, _BLUE = (0.70, 0.05, 0.15), (0.05, 0.25, 0.70)


def overlay(image: Tensor, raised: Tensor, scale: float) -> Tensor:
    """Blend a map into a grey version of its picture.

    Parameters
    ----------
    image
        ``[3, H, W]``, RGB in [0, 1].
    raised
        Raw map ``[h, w]``, signed.
    scale
        Value at which a colour is full; one for all pictures that are to be compared.

    Returns
    -------
    Tensor
        ``[3, H, W]`` in [0, 1].

    Raises
    ------
    ValueError
        If the scale is not positive.
    """
    if not scale > 0:
        raise ValueError(f"scale must be positive, not {scale}; a map of zeros has nothing to show")
    size = (image.shape[1], image.shape[2])
    fine = F.interpolate(raised[None, None], size=size, mode="bilinear", align_corners=False)[0]
    strength = (fine.abs() / scale).clamp(0, 1) * 0.8
    colour = torch.where(fine > 0, torch.tensor(_RED).view(3, 1, 1), torch.tensor(_BLUE).view(3, 1, 1))
    grey = image.mean(dim=0, keepdim=True).expand_as(image)
    return grey * (1 - strength) + colour * strength
