"""Group ``noise``: additive, chrominance, impulse and multiplicative noise."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmark.degradations.levels import LEVELS
from benchmark.degradations.seeds import normal


def draw_noise(random: np.random.Generator, height: int, width: int) -> tuple[Tensor, ...]:
    """Draw a standard normal field of three channels."""
    return (normal(random, 3, height, width),)


def whitenoise(images: Tensor, noise: Tensor) -> Callable[[float], Tensor]:
    """Gaussian noise of the given variance on red, green and blue."""
    return lambda variance: torch.add(images, noise, alpha=math.sqrt(variance))


def whitenoise_cc(images: Tensor, noise: Tensor) -> Callable[[float], Tensor]:
    """Gaussian noise of the given variance on Y, Cb and Cr (ITU-R BT.601).

    The conversion is linear, so noise added there is the inverse matrix times the noise, added here.
    """
    inverse = noise.new_tensor(((1, 0, 1.403), (1, -0.344, -0.714), (1, 1.773, 0)))
    return whitenoise(images, (inverse @ noise.flatten(2)).view_as(noise))


def draw_impulses(random: np.random.Generator, height: int, width: int) -> tuple[Tensor, ...]:
    """Draw the elements hit at the highest density, in order, and what each becomes: 1 and 0 in turn.

    A lower density takes the first of them. An element hit twice keeps what its first hit made of it.
    """
    elements = 3 * height * width
    hits = random.integers(elements, size=int(max(LEVELS["impulsenoise"]) * elements))
    order = np.arange(len(hits))
    first = np.empty(elements, np.int64)
    first[hits[::-1]] = order[::-1]  # of repeated indices NumPy keeps the last assignment
    return torch.from_numpy(hits), torch.from_numpy((first[hits] % 2 == 0).astype(np.float32))


def impulsenoise(images: Tensor, hits: Tensor, extremes: Tensor) -> Callable[[float], Tensor]:
    """Salt and pepper: ``density`` times all elements are hit, half of them set to 1, half to 0."""

    def at(density: float) -> Tensor:
        count = int(density * images[0].numel())
        flat = images.flatten(1).clone()
        return flat.scatter_(1, hits[:, :count], extremes[:, :count]).view_as(images)

    return at


def multnoise(images: Tensor, noise: Tensor) -> Callable[[float], Tensor]:
    """Speckle: x + x n, n Gaussian of the given variance."""
    speckle = images * noise
    return lambda variance: torch.add(images, speckle, alpha=math.sqrt(variance))
