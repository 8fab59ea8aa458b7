"""Natural scene statistics: what NIQE and its family measure on the luma of a picture.

Everything is computed in float64: a local variance is a small difference of large numbers.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.special import gamma
from torch import Tensor

from benchmark.machine import keep_freed

LUMA = (0.2989, 0.5870, 0.1140)
"""Weights of MATLAB's ``rgb2gray``, by which the published NIQE and BRISQUE parameters were made."""

# The shape of a generalised Gaussian is read off a table, as the original does: 0.2 to 10 in steps of 0.001.
_shape = np.arange(200, 10001) / 1000
_SHAPE = torch.from_numpy(_shape)
_RATIO = torch.from_numpy(gamma(2 / _shape) ** 2 / (gamma(1 / _shape) * gamma(3 / _shape)))
_SPREAD = torch.from_numpy(np.sqrt(gamma(1 / _shape) / gamma(3 / _shape)))
_MEAN = torch.from_numpy(gamma(2 / _shape) / gamma(1 / _shape))

# Right, below, below right, below left.
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


def luma(images: Tensor) -> Tensor:
    """Turn ``[B, 3, H, W]`` RGB in [0, 1] into ``[B, H, W]`` float64 luma, whole numbers in 0 to 255.

    Whole numbers because ``rgb2gray`` of an 8-bit picture gives them. The weights have four decimals, so
    exact halves occur in 8-bit pictures; the small addition sends them all up, whatever the float error.
    """
    red, green, blue = images.unbind(1)
    sums = red.double().mul_(LUMA[0] * 255)
    return sums.add_(green, alpha=LUMA[1] * 255).add_(blue, alpha=LUMA[2] * 255).add_(0.50005).floor_()


def window(size: int = 7) -> Tensor:
    """One axis of the Gaussian window of ``size`` pixels (odd), sigma ``size / 6``; float64, sums to 1."""
    bell = torch.exp(-((torch.arange(size) - size // 2).double() ** 2) / (2 * (size / 6) ** 2))
    return bell / bell.sum()


def smooth(x: Tensor, size: int = 7) -> Tensor:
    """Average ``[B, H, W]`` under the Gaussian window of ``size`` pixels, borders replicated."""
    return weighted(x, window(size), size // 2)


def weighted(x: Tensor, weights: Tensor, before: int, step: int = 1) -> Tensor:
    """Average ``[B, H, W]`` under a window, borders replicated, at every ``step``-th place.

    Parameters
    ----------
    x
        What is averaged.
    weights
        The window along both axes.
    before
        How many of the weights lie before the place.
    step
        From one place to the next.
    """
    after, weights = len(weights) - 1 - before, weights.to(x.device)
    x = torch.nn.functional.pad(x[None], (before, after) * 2, mode="replicate")[0]
    for axis in (1, 2):
        near = x.unfold(axis, len(weights), step).unbind(-1)
        x = near[0] * weights[0]
        for value, weight in zip(near[1:], weights[1:], strict=True):
            x.addcmul_(value, weight)
    return x


def normalise(x: Tensor, size: int = 7) -> tuple[Tensor, Tensor]:
    """Subtract the local mean and divide by the local deviation plus one (MSCN coefficients).

    Parameters
    ----------
    x
        Luma ``[B, H, W]`` on the scale 0 to 255; the one that is added to keep flat places finite is in its
        units.
    size
        Width of the Gaussian window in pixels, odd.

    Returns
    -------
    coefficients, deviation
        Both ``[B, H, W]``.
    """
    keep_freed()
    mean = smooth(x, size)
    deviation = (smooth(x * x, size) - mean * mean).abs_().sqrt_()
    centred = x - mean
    # Flat places hold float error, about 1e-13, whose signs would count in the fit; what is really there
    # exceeds 1e-10, the least weight of the window times the least step of halved luma.
    centred[centred.abs() < 1e-10] = 0
    return centred.div_(deviation + 1), deviation


def halve(x: Tensor) -> Tensor:
    """Shrink ``[B, H, W]`` to half its size, rounded up, as MATLAB's ``imresize(x, 0.5)`` does."""
    for axis in (1, 2):
        x = _resample(x, axis, math.ceil(x.shape[axis] / 2), 0.5)
    return x


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Resize ``[B, H, W]``, whole numbers in 0 to 255, as MATLAB's ``imresize(x, [height, width])`` does.

    For 8-bit pictures it works in 8 bits: one axis after the other, the one that shrinks more first, rounded
    after each. Exact halves occur; the small addition sends them all up, whatever the float error.
    """
    for axis in sorted((1, 2), key=lambda axis: (0, height, width)[axis] / x.shape[axis]):
        size = (0, height, width)[axis]
        x = _resample(x, axis, size, size / x.shape[axis]).add_(0.5 + 1e-9).floor_().clamp_(0, 255)
    return x


def blocks(x: Tensor, size: int) -> Tensor:
    """Cut ``[B, H, W]`` into ``[B, N, size, size]``, row by row without overlap; a remainder is left out."""
    tiles = x.unfold(1, size, size).unfold(2, size, size)
    return tiles.reshape(len(x), -1, size, size)


def fit_aggd(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fit an asymmetric generalised Gaussian to all values of each block by matching moments.

    Parameters
    ----------
    x
        Values ``[..., H, W]``.

    Returns
    -------
    shape, mean, left, right
        Each ``[...]``: shape in 0.2 to 10, mean, and the two scales beta. A block with no value below or none
        above zero lacks that scale: it is NaN, and so is the mean; the shape is then 0.2.

    References
    ----------
    .. [1] N. Lasmar, Y. Stitou, Y. Berthoumieu. Multiscale skewed heavy tailed model for texture analysis.
       ICIP 2009.
    .. [2] A. Mittal, R. Soundararajan, A. C. Bovik. Making a "completely blind" image quality analyzer.
       IEEE Signal Processing Letters 20(3), 2013, equations 4 to 8.
    """
    return aggd_of(sums(x), x.shape[-2] * x.shape[-1])


def sums(x: Tensor, nothing: float = 0.0) -> Tensor:
    """Sum up the values of each block: ``[..., H, W]`` to ``[..., 6]`` float64.

    How many lie below zero, their magnitudes and the squares of these; and the same of those above. Values
    whose magnitude is at most ``nothing`` are neither.
    """
    x = x.flatten(-2)
    above = torch.threshold(x, nothing, 0)
    below = torch.threshold_(above - x, nothing, 0)
    found = [
        part
        for side in (below, above)
        for part in (side.sum(-1), torch.linalg.vector_norm(side, dim=-1).square(), side.sign_().sum(-1))
    ]
    return torch.stack([found[at] for at in (2, 0, 1, 5, 3, 4)], -1).double()


def aggd_of(sums: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fit as `fit_aggd` does to blocks of ``count`` values, of which only the `sums` are known."""
    few, below, square_below, many, above, square_above = sums.unbind(-1)
    magnitude = (above + below) / count
    left, right = (square_below / few).sqrt(), (square_above / many).sqrt()
    skew = left / right
    ratio = magnitude.square() / ((square_above + square_below) / count)
    entry = _nearest(ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2)
    spread = _SPREAD.to(sums.device)[entry]
    left, right = left * spread, right * spread
    return _SHAPE.to(sums.device)[entry], (right - left) * _MEAN.to(sums.device)[entry], left, right


def fit_ggd(x: Tensor) -> tuple[Tensor, Tensor]:
    """Fit a zero-mean generalised Gaussian to ``x [..., H, W]``; returns shape (0.2 to 10) and variance."""
    x = x.flatten(-2)
    variance = x.square().mean(-1)
    return _SHAPE.to(x.device)[_nearest(x.abs().mean(-1).square() / variance)], variance


def variance_of(shape: Tensor, scale: Tensor) -> Tensor:
    """Variance of a generalised Gaussian of the given shape and scale beta."""
    return scale.square() * (torch.lgamma(3 / shape) - torch.lgamma(1 / shape)).exp()


def neighbours(coefficients: Tensor) -> list[Tensor]:
    """Products of ``[..., H, W]`` with the neighbour to the right, below, below right and below left.

    At the edges the neighbour is the one on the opposite edge.
    """
    return [coefficients * coefficients.roll(shift, dims=(-2, -1)) for shift in _NEIGHBOURS]


def block_features(coefficients: Tensor) -> Tensor:
    """Describe each block of MSCN coefficients ``[..., H, W]`` by 18 numbers ``[..., 18]``.

    Shape and mean scale of the coefficients; then shape, mean, left and right scale of their products with
    each of the four neighbours.
    """
    shape, _, left, right = fit_aggd(coefficients)
    numbers = [shape, (left + right) / 2]
    for products in neighbours(coefficients):
        numbers += fit_aggd(products)
    return torch.stack(numbers, dim=-1)


def moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean ``[..., D]`` and covariance ``[..., D, D]`` of ``rows [..., N, D]``; NaN is a missing value.

    As in the original, a column's mean leaves out its own missing values and the covariance leaves out every
    row with one; the covariance of fewer than two rows is zero. The original gives no score where a column
    has no value at all; here its mean is 0, which scales and means tend to as texture vanishes.
    """
    complete = rows.isfinite().all(-1, keepdim=True)
    count = complete.sum(-2, keepdim=True)
    kept = rows.where(complete, 0)
    centred = (rows - kept.sum(-2, keepdim=True) / count.clamp(min=1)).where(complete, 0)
    return rows.nanmean(-2).nan_to_num(0), centred.mT @ centred / (count - 1).clamp(min=1)


def distance(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> Tensor:
    """Distance ``[...]`` between multivariate Gaussians, by the pseudo-inverse of their mean covariance.

    Means are ``[..., D]`` and covariances ``[..., D, D]``, broadcast against each other.
    """
    away = (mean - other_mean).unsqueeze(-1)
    inverse = torch.linalg.pinv((covariance + other_covariance) / 2, hermitian=True)
    return (away.mT @ inverse @ away).squeeze((-2, -1)).clamp(min=0).sqrt()


def _nearest(ratio: Tensor) -> Tensor:
    """Position in the table of the shape whose ratio is nearest; the first one for NaN."""
    table = _RATIO.to(ratio.device)
    after = torch.searchsorted(table, ratio).clamp(1, len(table) - 1)
    nearest = after - (ratio - table[after - 1] <= table[after] - ratio).long()
    return torch.where(ratio.isfinite(), nearest, 0)


def _resample(x: Tensor, axis: int, size: int, scale: float) -> Tensor:
    """Bicubic resampling of one axis: the kernel widened where it shrinks, borders mirrored."""
    matrix = _weights(x.shape[axis], size, scale)
    matrix = matrix.to_sparse() if x.device.type == "cpu" else matrix.to(x.device)
    # One channel at a time, which fits the cache.
    rows = (channel.movedim(axis - 1, 0).contiguous() for channel in x)
    return torch.stack([(matrix @ of).movedim(0, axis - 1) for of in rows])


def _weights(length: int, size: int, scale: float) -> Tensor:
    """What each of ``length`` values adds to each of ``size``, ``[size, length]``, most of it 0."""
    narrow = min(scale, 1.0)
    centre = (torch.arange(size, dtype=torch.float64)[:, None] + 0.5) / scale - 0.5
    reach = math.ceil(2 / narrow)
    at = centre.floor().long() + torch.arange(1 - reach, reach + 1)
    away = ((at - centre) * narrow).abs()
    # Cubic convolution (Keys 1981, a = -1/2).
    near, far = 1.5 * away**3 - 2.5 * away**2 + 1, -0.5 * away**3 + 2.5 * away**2 - 4 * away + 2
    weights = torch.where(away <= 1, near, torch.where(away < 2, far, 0))
    weights /= weights.sum(1, keepdim=True)
    at %= 2 * length
    at = torch.where(at < length, at, 2 * length - 1 - at)  # the edge pixel repeated
    return torch.zeros(size, length, dtype=torch.float64).scatter_add_(1, at, weights)
