"""Group ``blur``: Gaussian, lens and motion blur."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from benchmark.degradations.filters import Spectrum, disk_kernel, gaussian_kernel, motion_kernel


def gaublur(images: Tensor) -> Callable[[float], Tensor]:
    """Gaussian of standard deviation ``sigma`` pixels, kernel 2 ceil(2 sigma) + 1."""
    spectrum = Spectrum(images, radius=10)
    return lambda sigma: spectrum.filter(gaussian_kernel(sigma, 2 * math.ceil(2 * sigma) + 1))


def lensblur(images: Tensor) -> Callable[[float], Tensor]:
    """Disk of ``radius`` pixels."""
    spectrum = Spectrum(images, radius=8)
    return lambda radius: spectrum.filter(disk_kernel(radius))


def draw_angle(random: np.random.Generator, height: int, width: int) -> tuple[int]:
    """Draw a direction, whole degrees in 0..180."""
    return (int(random.integers(181)),)


def motionblur(images: Tensor, angles: Sequence[int]) -> Callable[[float], Tensor]:
    """Line of ``length`` pixels in a random direction; a length of 1 leaves the image as it is."""
    spectrum = Spectrum(images, radius=6)

    def at(length: float) -> Tensor:
        return spectrum.filter_each(torch.stack([motion_kernel(length, a, 6) for a in angles]))

    return at
