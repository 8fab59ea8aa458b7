"""What IL-NIQE measures in the blocks of a picture: 234 numbers a block at each of two scales."""

from __future__ import annotations

import functools
import math

import torch
from scipy.fft import next_fast_len
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

    across, down = (g.real for g in _derivatives(opponents, sigma))
    gradients = torch.stack([across, down], 1).flatten(0, 1)
    colour_magnitudes = torch.hypot(across, down)

    # Logarithms of colours in the axes of Ruderman, Cronin and Chiao; the constant keeps black finite.
    red, green, blue = (log - log.mean() for log in (rgb + 1e-5).log())
    axes = [(red + green + blue) / 3**0.5, (red + green - 2 * blue) / 6**0.5, (red - green) / 2**0.5]
    logs = nss.blocks(torch.stack(axes), block).flatten(2)

    responses, derivatives, magnitudes = [], [], []
    spectrum = torch.fft.fft2(opponents[2])
    for gabor in _log_gabors(opponents.shape[-1], _WAVELENGTH / scale**_WAVELENGTH_POWER).to(rgb.device):
        response = torch.fft.ifft2(gabor * spectrum)
        across, down = _derivatives(response, sigma)
        responses.append(torch.stack([response.real, response.imag]))
        derivatives.append(torch.stack([across.real, down.real, across.imag, down.imag]))
        magnitudes.append(torch.hypot(derivatives[-1][::2], derivatives[-1][1::2]))

    parts = [
        structure,
        _interleave(*_weibulls(colour_magnitudes, block)),
        _interleave(logs.mean(-1), logs.var(-1)),
        *(_interleave(*_signed(maps, block)) for maps in (gradients, *responses, *derivatives)),
        *(_interleave(*_weibulls(maps, block)) for maps in magnitudes),
    ]
    return torch.cat(parts, dim=-1), nss.blocks(deviation, block)[0].mean((-2, -1))


def fit_weibull(x: Tensor) -> tuple[Tensor, Tensor]:
    """Fit a Weibull distribution to positive values by maximum likelihood.

    Parameters
    ----------
    x
        Positive values ``[..., N]``.

    Returns
    -------
    scale, shape
        Each ``[...]``; NaN where all values are equal.
    """
    logs = x.log()
    most = logs.amax(-1, keepdim=True)
    logs = logs - most  # powers of values up to 1 cannot overflow
    mean = logs.mean(-1)
    shape = 1.2 / logs.std(-1)
    # Newton's method for the one root of an increasing function, from an estimate by moments.
    for _ in range(100):
        weights = (logs * shape.unsqueeze(-1)).exp()
        total, first = weights.sum(-1), torch.linalg.vecdot(weights, logs)
        second = torch.linalg.vecdot(weights, logs.square())
        slope = second / total - (first / total).square() + 1 / shape.square()
        step = (first / total - mean - 1 / shape) / slope
        shape = torch.maximum(shape - step, shape / 2)
        if not bool((step.abs() > 1e-9 * shape).any()):
            break
    power_mean = (logs * shape.unsqueeze(-1)).exp().mean(-1)
    return (power_mean.log() / shape + most.squeeze(-1)).exp(), shape


def _signed(maps: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Shape and mean scale, each ``[M, 36]``, of values of both signs ``[M, H, W]``."""
    shape, _, left, right = nss.fit_aggd(nss.blocks(maps.where(maps.abs() > _NOTHING, 0), block))
    return shape, (left + right) / 2


def _weibulls(maps: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Scale and shape, each ``[M, 36]``, of magnitudes ``[M, H, W]``."""
    return fit_weibull(nss.blocks(maps.clamp(min=_LEAST_MAGNITUDE), block).flatten(2))


def _interleave(first: Tensor, second: Tensor) -> Tensor:
    """Join ``[M, 36]`` and ``[M, 36]`` to ``[36, 2 M]``: first and second of map 0, of map 1, ..."""
    return torch.stack([first, second], 1).flatten(0, 1).T


def _derivatives(x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Convolve ``[..., H, W]`` with the derivatives of a Gaussian across and down, zeros around; complex.

    By Fourier transform: the responses are complex, and real and imaginary part go through it as one.
    """
    radius = math.ceil(3 * sigma)
    height, width = x.shape[-2:]
    spectra = _derivative_spectra(next_fast_len(height + 2 * radius), sigma).to(x.device)
    both = torch.fft.ifft2(torch.fft.fft2(x, s=spectra.shape[1:]).unsqueeze(-3) * spectra)
    across, down = both[..., radius : radius + height, radius : radius + width].unbind(-3)
    return across, down


@functools.lru_cache(maxsize=4)
def _derivative_spectra(side: int, sigma: float) -> Tensor:
    """Spectra ``[2, side, side]`` of the derivatives of a Gaussian, their first pixel in the corner."""
    radius = math.ceil(3 * sigma)
    at = torch.arange(-radius, radius + 1, dtype=torch.float64)
    bell = torch.exp(-(at**2) / (2 * sigma**2))
    kernels = torch.stack([torch.outer(bell, at * bell), torch.outer(at * bell, bell)])
    return torch.fft.fft2(kernels, s=(side, side))


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
    at = torch.arange(6, device=x.device, dtype=torch.float64) - 2.5
    bell = torch.exp(-(at**2) / (2 * 0.9**2))
    bell = bell / bell.sum()
    for axis in (1, 2):
        # As MATLAB centres an even window: two pixels before, three after.
        nearby = torch.arange(-2, x.shape[axis] + 3, device=x.device).clamp(0, x.shape[axis] - 1)
        x = x.index_select(axis, nearby).unfold(axis, 6, 2) @ bell
    return x
