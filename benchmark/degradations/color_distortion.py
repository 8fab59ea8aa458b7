"""Group ``color_distortion``: diffusion, shift and saturation of colour."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.degradations.color import from_lab, gray, to_lab, truncate
from benchmark.degradations.filters import Spectrum, gaussian_kernel


def colordiff(images: Tensor) -> Callable[[float], Tensor]:
    """LAB a and b blurred with sigma = 1.5 amount + 2, then multiplied by ``amount``."""
    lab = to_lab(images)
    lightness = lab[:, :1]
    spectrum = Spectrum(lab[:, 1:], radius=40)

    def at(amount: float) -> Tensor:
        sigma = 1.5 * amount + 2
        colour = spectrum.filter(gaussian_kernel(sigma, 2 * math.ceil(2 * sigma) + 1))
        return truncate(from_lab(torch.cat((lightness, colour * amount), 1)))

    return at


def draw_direction(random: np.random.Generator, height: int, width: int) -> tuple[Tensor, ...]:
    """Draw a unit vector (down, right), both parts positive."""
    vector = torch.from_numpy(random.random(2))
    return (vector / vector.norm(),)


def colorshift(images: Tensor, directions: Tensor) -> Callable[[float], Tensor]:
    """Green moved ``amount`` pixels in a random direction, shown where the image has edges."""
    luma = F.pad(gray(images), (1, 1, 1, 1), mode="replicate")
    gradient = torch.hypot(
        luma[..., 1:-1, 2:] - luma[..., 1:-1, :-2], luma[..., 2:, 1:-1] - luma[..., :-2, 1:-1]
    )
    mask = Spectrum(gradient, radius=8).filter(gaussian_kernel(4.0, 17))
    low, high = mask.amin((2, 3), keepdim=True), mask.amax((2, 3), keepdim=True)
    mask = ((mask - low) / (high - low).clamp(min=1e-12))[:, 0]
    green = images[:, 1]
    count, height, width = green.shape
    device = images.device

    def at(amount: float) -> Tensor:
        down, right = (directions.cpu() * amount).round().long().unbind(1)
        rows = (torch.arange(height) - down[:, None]).clamp_(min=0).to(device)
        columns = (torch.arange(width) - right[:, None]).clamp_(min=0).to(device)
        which = torch.arange(count, device=device)[:, None, None]
        moved = green[which, rows[:, :, None], columns[:, None, :]]
        shifted = images.clone()
        shifted[:, 1] = torch.lerp(green, moved, mask)
        return shifted

    return at


def colorsat1(images: Tensor) -> Callable[[float], Tensor]:
    """HSV saturation times ``factor``.

    With V the largest channel and S = (V - smallest) / V, scaling S moves every channel c to
    V - factor (V - c), so no conversion is needed.
    """
    value = images.amax(1, keepdim=True)
    return lambda factor: torch.lerp(value, images, factor)


def colorsat2(images: Tensor) -> Callable[[float], Tensor]:
    """LAB a and b times ``factor``."""
    lab = to_lab(images)

    def at(factor: float) -> Tensor:
        return truncate(from_lab(lab * lab.new_tensor((1, factor, factor)).view(3, 1, 1)))

    return at
