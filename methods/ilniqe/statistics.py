"""What IL-NIQE measures in the blocks of a picture: 234 numbers a block at each of two scales."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from methods._shared.pristine import nss

SIDE = 524
"""Pictures are made square, with this side in pixels."""

BLOCK = 84
"""Side of a block at full scale; six by six blocks fit."""

FEATURES = 468
"""Numbers that describe a block: 234 at full scale and 234 at half scale."""

# Opponent colours from RGB: red-green, yellow-blue, luminance.
_OPPONENTS = ((0.30, 0.04, -0.35), (0.34, -0.60, 0.17), (0.06, 0.63, 0.27))

# Log-Gabor filters: wavelength of the finest in pixels, steps between the three scales, bandwidth, and the
# ratio of angular interval to angular deviation. Then the deviation of the derivatives of Gaussians. At half
# scale the wavelength and that deviation are divided by two to the power given.
_WAVELENGTH, _WAVELENGTH_POWER, _STEP, _BANDWIDTH, _ANGULAR = 2.4, 0.87, 1.31, 0.55, 1.10
_SCALES, _ORIENTATIONS = 3, 4
_SIGMA, _SIGMA_POWER = 1.66, 0.28

# Below these a value is float error of the transforms: its sign or logarithm would mean nothing.
_NOTHING = 1e-8
_LEAST_MAGNITUDE = 1e-4

# Columns that are convolved at once; a divisor of the sides of both scales.
_TILE = 28


def describe(image: Tensor) -> tuple[Tensor, Tensor]:
    """Describe the blocks of one picture, row by row.

    Parameters
    ----------
    image
        ``[3, H, W]``, RGB in [0, 1], any size.

    Returns
    -------
    features, sharpness
        ``[36, 468]`` and ``[36]`` float64. A number that a block does not have, for want of texture, is NaN.
        Sharpness is the mean local deviation of luminance.
    """
    rgb = nss.resize((image.double() * 255).round(), SIDE, SIDE)
    inside = SIDE - SIDE % BLOCK
    rgb = rgb[:, :inside, :inside]
    opponents = torch.einsum("oc,chw->ohw", rgb.new_tensor(_OPPONENTS), rgb)
    full, sharpness = _describe_scale(rgb, opponents, 1)
    half, _ = _describe_scale(_shrink(rgb), _shrink(opponents), 2)
    return torch.cat([full, half], dim=-1), sharpness


def _describe_scale(rgb: Tensor, opponents: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Describe blocks at full (``scale`` 1) or half scale (2): ``[36, 234]``, and their sharpness."""
    block, sigma = BLOCK // scale, _SIGMA / scale**_SIGMA_POWER
    coefficients, deviation = nss.normalise(opponents[2:], 5)
    structure = nss.block_features(nss.blocks(coefficients, block)[0])

    # Logarithms of colours in the axes of Ruderman, Cronin and Chiao; the constant keeps black finite.
    red, green, blue = (log - log.mean() for log in (rgb + 1e-5).log())
    axes = [(red + green + blue) / 3**0.5, (red + green - 2 * blue) / 6**0.5, (red - green) / 2**0.5]
    logs = nss.blocks(torch.stack(axes), block).flatten(2)

    responses = _responses(opponents[2], _WAVELENGTH / scale**_WAVELENGTH_POWER)
    colours = [_slopes(colour, sigma, block) for colour in opponents]
    textures = [_slopes(response, sigma, block) for response in responses]
    signed = [sums for sums, _ in colours]
    signed += [_sums(nss.blocks(response[None], block)) for response in responses]
    signed += [sums for sums, _ in textures]
    shape, _, left, right = nss.aggd_of(torch.cat(signed), block**2)

    parts = [
        structure,
        *(magnitudes for _, magnitudes in colours),
        _interleave(logs.mean(-1), logs.var(-1)),
        _interleave(shape, (left + right) / 2),
        *(magnitudes for _, magnitudes in textures),
    ]
    return torch.cat(parts, dim=-1), nss.blocks(deviation, block)[0].mean((-2, -1))


def fit_weibull(logs: Tensor) -> tuple[Tensor, Tensor]:
    """Fit a Weibull distribution by maximum likelihood.

    Parameters
    ----------
    logs
        Logarithms ``[..., N]`` of the values.

    Returns
    -------
    scale, shape
        Each ``[...]``; NaN where all values are equal.
    """
    most = logs.amax(-1)
    logs = logs - most.unsqueeze(-1)  # powers of values up to 1 cannot overflow
    mean = logs.mean(-1)
    shape = 1.2 / (logs.square().mean(-1) - mean.square()).sqrt()
    # Halley's method for the one root of an increasing function, from an estimate by moments.
    for _ in range(100):
        power = (logs * shape.unsqueeze(-1)).exp_()
        total, first, second, third = power.mean(-1), *(power.mul_(logs).mean(-1) for _ in range(3))
        first, second, third = first / total, second / total, third / total
        value = shape * (first - mean) - 1
        variance = second - first.square()
        slope = first - mean + shape * variance
        bend = 2 * variance + shape * (third - 3 * first * second + 2 * first**3)
        newton = value / slope
        step = newton / (1 - (newton * bend / slope / 2).clamp(max=0.5))
        step = torch.minimum(step, shape / 2)
        shape = shape - step
        if not bool((step.abs() > 0.02 * shape).any()):
            break
    # The mean power at the last shape, from those at the one before.
    total = total * (1 - step * first + step.square() / 2 * second)
    return (total.log() / shape + most).exp(), shape


def _responses(luminance: Tensor, wavelength: float) -> list[Tensor]:
    """Filter ``[H, W]`` by log-Gabor filters: real and imaginary part of the first, of the second, ...

    Returned in float32: transforms spread their error over the whole map, what follows does not.
    """
    spectrum = torch.fft.fft2(luminance)
    found = []
    for gabor in _log_gabors(len(luminance), wavelength).to(luminance.device):
        response = torch.fft.ifft2(gabor * spectrum)
        found += [response.real.float(), response.imag.float()]
    return found


def _slopes(x: Tensor, sigma: float, block: int) -> tuple[Tensor, Tensor]:
    """Describe the slopes of ``[H, W]``, zeros around, one map at a time, which fits the cache.

    Returns `_sums` of the slopes across and down, ``[2, 36, 6]``, and scale and shape of their magnitudes,
    ``[36, 2]``.
    """
    bell, slope = _bands(sigma).to(x)
    around = torch.nn.functional.pad(x, ((len(bell) - _TILE) // 2,) * 4)
    across, down = (
        nss.blocks(_convolve(_convolve(around, first), second)[None].float(), block)
        for first, second in ((slope, bell), (bell, slope))
    )
    squares = across.square().addcmul_(down, down).clamp_(min=_LEAST_MAGNITUDE**2)
    scale_and_shape = fit_weibull(squares[0].flatten(1).log_().mul_(0.5))
    return torch.cat([_sums(across), _sums(down)]), torch.stack(scale_and_shape, -1).double()


def _sums(maps: Tensor) -> Tensor:
    """Sum up the values ``[M, 36, block, block]`` above and below zero, see `nss.sums`: ``[M, 36, 6]``."""
    return nss.sums(torch.nn.functional.hardshrink(maps, _NOTHING))


def _interleave(first: Tensor, second: Tensor) -> Tensor:
    """Join ``[M, 36]`` and ``[M, 36]`` to ``[36, 2 M]``: first and second of map 0, of map 1, ..."""
    return torch.stack([first, second], 1).flatten(0, 1).T


def _convolve(x: Tensor, band: Tensor) -> Tensor:
    """Convolve ``[H, W + reach]`` along its rows; returns the result's transpose ``[W, H]``.

    Some columns at a time, with what lies beside them, are multiplied by a band of the kernel's values, which
    takes a sixth of the time of Fourier transforms.
    """
    tiles = x.unfold(1, *band.shape).permute(1, 2, 0)
    return torch.bmm(band.T.expand(len(tiles), -1, -1), tiles).flatten(0, 1)


@functools.lru_cache(maxsize=4)
def _bands(sigma: float) -> Tensor:
    """Matrices ``[2, _TILE + reach, _TILE]`` that convolve with a Gaussian and with its slope."""
    radius = math.ceil(3 * sigma)
    at = torch.arange(-radius, radius + 1, dtype=torch.float64)
    bell = torch.exp(-(at**2) / (2 * sigma**2))
    bands = torch.zeros(2, _TILE + 2 * radius, _TILE, dtype=torch.float64)
    for column in range(_TILE):
        bands[:, column : column + 2 * radius + 1, column] = torch.stack([bell, -at * bell])
    return bands


@functools.lru_cache(maxsize=4)
def _log_gabors(side: int, wavelength: float) -> Tensor:
    """Transfer functions ``[12, side, side]``, four orientations a scale, zero frequency in the corner."""
    frequency = torch.fft.fftfreq(side, dtype=torch.float64)
    y, x = torch.meshgrid(frequency, frequency, indexing="ij")
    radius, angle = torch.hypot(x, y), torch.atan2(-y, x)
    radius[0, 0] = 1  # its logarithm is not looked at: no filter passes frequency zero
    filters = []
    for scale in range(_SCALES):
        centre = 1 / (wavelength * _STEP**scale)
        radial = torch.exp(-((radius / centre).log() ** 2) / (2 * math.log(_BANDWIDTH) ** 2))
        radial[0, 0] = 0
        for orientation in range(_ORIENTATIONS):
            apart = angle - orientation * math.pi / _ORIENTATIONS
            apart = torch.atan2(apart.sin(), apart.cos())  # the shorter way round
            deviation = math.pi / _ORIENTATIONS / _ANGULAR
            filters.append(radial * torch.exp(-(apart**2) / (2 * deviation**2)))
    return torch.stack(filters)


def _shrink(x: Tensor) -> Tensor:
    """Blur ``[C, H, W]`` by a 6 x 6 Gaussian, sigma 0.9, borders replicated, and take every second pixel."""
    at = torch.arange(6, dtype=torch.float64) - 2.5
    bell = torch.exp(-(at**2) / (2 * 0.9**2))
    # As MATLAB centres an even window: two pixels before, three after.
    return nss.weighted(x, bell / bell.sum(), before=2, step=2)
