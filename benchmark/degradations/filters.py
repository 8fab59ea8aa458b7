"""Filtering with replicated borders, through the discrete Fourier transform.

One transform of the image serves all levels of a ladder, a kernel of any size costs the same, and every
image can have its own kernel.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


class Spectrum:
    """Transform of images ``[N, C, H, W]`` whose borders are replicated ``radius`` pixels outwards."""

    def __init__(self, images: Tensor, radius: int) -> None:
        self.radius = radius
        self.height, self.width = images.shape[2:]
        self.size = (_fast_length(self.height + 2 * radius), _fast_length(self.width + 2 * radius))
        padded = F.pad(images, (radius,) * 4, mode="replicate")
        self.values = torch.fft.rfft2(padded, s=self.size)

    def filter(self, kernel: Tensor) -> Tensor:
        """Correlate with one ``kernel [1, K, K]`` (K odd, at most 2 radius + 1), kept for the next image."""
        return self._multiply(_response(kernel, self.radius, self.size, self.values.device))

    def filter_each(self, kernels: Tensor) -> Tensor:
        """Correlate each image with its own of ``kernels [N, K, K]``."""
        return self._multiply(_transform(kernels, self.radius, self.size, self.values.device))

    def _multiply(self, response: Tensor) -> Tensor:
        filtered = torch.fft.irfft2(self.values * response, s=self.size)
        return filtered[..., : self.height, : self.width]


def _transform(kernels: Tensor, radius: int, size: tuple[int, int], device: torch.device) -> Tensor:
    margin = radius - kernels.shape[-1] // 2
    padded = F.pad(kernels, (margin,) * 4).to(device)
    return torch.fft.rfft2(padded, s=size).conj().resolve_conj()[:, None]


_response = lru_cache(maxsize=32)(_transform)  # kernels are cached themselves, so each is one object


@lru_cache(maxsize=256)
def _fast_length(length: int) -> int:
    """Next multiple of 16 without a prime factor above 5; others transform up to twice as slowly."""
    length += -length % 16
    rest = length
    for factor in (2, 3, 5):
        while rest % factor == 0:
            rest //= factor
    return length if rest == 1 else _fast_length(length + 16)


@lru_cache(maxsize=64)
def gaussian_kernel(sigma: float, size: int) -> Tensor:
    """Sample a Gaussian ``[1, size, size]`` of sum 1; ``sigma`` in pixels."""
    x = torch.arange(size, dtype=torch.float64) - size // 2
    line = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = line[:, None] * line[None, :]
    return (kernel / kernel.sum()).float()[None]


@lru_cache(maxsize=64)
def disk_kernel(radius: float) -> Tensor:
    """Build a disk ``[1, K, K]`` of sum 1: every pixel weighs the area that the disk covers of it."""
    reach = math.ceil(radius - 0.5)
    steps = 512
    x = (np.arange((2 * reach + 1) * steps) + 0.5) / steps - reach - 0.5
    half = np.sqrt(np.maximum(radius**2 - x**2, 0))  # half height of the disk above abscissa x
    rows = np.arange(-reach, reach + 1)[:, None]
    top = np.minimum(half, rows + 0.5)
    bottom = np.maximum(-half, rows - 0.5)
    area = np.maximum(top - bottom, 0).reshape(len(rows), -1, steps).mean(-1)
    return torch.from_numpy(area / area.sum()).float()[None]


@lru_cache(maxsize=4096)
def motion_kernel(length: float, angle: float, reach: int) -> Tensor:
    """Draw an antialiased line ``[K, K]`` of sum 1 through the centre, K = 2 reach + 1.

    A pixel weighs one minus its distance to the segment of ``length - 1`` pixels, and nothing beyond a
    distance of one; ``angle`` in degrees, anticlockwise. Definition of MATLAB's ``fspecial('motion')``.
    """
    phi = math.radians(angle)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    y = -y  # rows run downwards
    along = x * math.cos(phi) + y * math.sin(phi)
    across = y * math.cos(phi) - x * math.sin(phi)
    beyond = np.maximum(np.abs(along) - (length - 1) / 2, 0)
    kernel = np.maximum(1 - np.hypot(across, beyond), 0)
    return torch.from_numpy(kernel / kernel.sum()).float()
