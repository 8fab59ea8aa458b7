"""IL-NIQE as its paper tells it: map by map in numpy and scipy; 8-bit pixels in, a few blocks out."""

import math

import numpy as np
from scipy import ndimage, stats

from tests.reference.niqe import aggd, cubic, patch_numbers


def resize_columns(x, size):
    """Resize the first axis of ``x`` (0 to 255) in 8 bits."""
    scale, old = size / len(x), len(x)
    mirrored = list(range(old)) + list(range(old - 1, -1, -1))
    result = []
    for out in range(size):
        centre = (out + 0.5) / scale - 0.5
        reach = 2 / min(scale, 1)
        near = range(math.floor(centre - reach), math.ceil(centre + reach) + 1)
        weights = [cubic((p - centre) * min(scale, 1)) for p in near]
        row = sum(w * x[mirrored[p % (2 * old)]] for w, p in zip(weights, near, strict=True)) / sum(weights)
        result.append(np.clip(np.floor(row + 0.5), 0, 255))
    return np.array(result)


def resize(pixels, side):
    x = pixels.astype(float)
    if side / x.shape[0] <= side / x.shape[1]:
        return resize_columns(resize_columns(x, side).swapaxes(0, 1), side).swapaxes(0, 1)
    return resize_columns(resize_columns(x.swapaxes(0, 1), side).swapaxes(0, 1), side)


def gaussian(offsets, sigma):
    return np.exp(-(np.asarray(offsets, float) ** 2) / (2 * sigma**2))


def local(x):
    bell = gaussian(range(-2, 3), 5 / 6)
    window = np.outer(bell, bell) / bell.sum() ** 2
    mean = ndimage.correlate(x, window, mode="nearest")
    deviation = np.sqrt(np.abs(ndimage.correlate(x * x, window, mode="nearest") - mean**2))
    centred = x - mean
    centred[np.abs(centred) < 1e-9] = 0
    return centred / (deviation + 1), deviation


def gradients(x, sigma):
    radius = math.ceil(3 * sigma)
    at = np.arange(-radius, radius + 1)
    bell = gaussian(at, sigma)
    across, down = (
        ndimage.correlate1d(
            ndimage.correlate1d(x, at * bell, axis=axis, mode="constant"),
            bell,
            axis=1 - axis,
            mode="constant",
        )
        for axis in (1, 0)
    )
    return across, down


def gabor(side, wavelength, orientation):
    """Transfer function pixel by pixel of frequency space, vectorised over one axis."""
    frequencies = np.fft.ifftshift(np.arange(-(side // 2), side - side // 2) / side)
    rows = []
    for fy in frequencies:
        radius = np.sqrt(frequencies**2 + fy**2)
        radius[radius == 0] = np.nan
        angle = np.arctan2(-fy, frequencies)
        apart = np.abs((angle - orientation + np.pi) % (2 * np.pi) - np.pi)
        radial = np.exp(-(np.log(radius * wavelength) ** 2) / (2 * np.log(0.55) ** 2))
        rows.append(np.nan_to_num(radial) * np.exp(-(apart**2) / (2 * (np.pi / 4 / 1.10) ** 2)))
    return np.array(rows)


def maps(rgb, scale):
    """The 109 maps of one scale, each with what is to be fitted to it."""
    r, g, b = np.moveaxis(rgb, -1, 0)
    opponents = [
        0.30 * r + 0.04 * g - 0.35 * b,
        0.34 * r - 0.60 * g + 0.17 * b,
        0.06 * r + 0.63 * g + 0.27 * b,
    ]
    sigma = 1.66 / scale**0.28
    found = [("structure", local(opponents[2])[0])]
    slopes = [gradients(o, sigma) for o in opponents]
    found += [("magnitude", np.hypot(*pair)) for pair in slopes]
    logs = [np.log(channel + 1e-5) for channel in (r, g, b)]
    red, green, blue = (log - log.mean() for log in logs)
    found += [
        ("moments", (red + green + blue) / np.sqrt(3)),
        ("moments", (red + green - 2 * blue) / np.sqrt(6)),
        ("moments", (red - green) / np.sqrt(2)),
    ]
    found += [("signed", slope) for pair in slopes for slope in pair]
    spectrum, derived, magnitudes = np.fft.fft2(opponents[2]), [], []
    for step in range(3):
        for orientation in range(4):
            wavelength = 2.4 / scale**0.87 * 1.31**step
            response = np.fft.ifft2(gabor(len(r), wavelength, orientation * np.pi / 4) * spectrum)
            for part in (response.real, response.imag):
                found.append(("signed", part))
                pair = gradients(part, sigma)
                derived += [("signed", slope) for slope in pair]
                magnitudes.append(("magnitude", np.hypot(*pair)))
    return found + derived + magnitudes


def numbers(kind, block):
    if kind == "structure":
        return patch_numbers(block)
    if kind == "moments":
        return [block.mean(), block.var(ddof=1)]
    if kind == "signed":
        shape, _, left, right = aggd(block)
        return [shape, (left + right) / 2]
    shape, _, scale = stats.weibull_min.fit(block.ravel(), floc=0)
    return [scale, shape]


def shrink(rgb):
    """Blur by a 6 x 6 Gaussian that reaches two pixels back and three ahead, take every second pixel."""
    bell = gaussian(np.arange(6) - 2.5, 0.9)
    bell /= bell.sum()
    padded = np.pad(rgb, ((2, 3), (2, 3), (0, 0)), mode="edge")
    rows, columns = rgb.shape[:2]
    blurred = sum(
        bell[i] * bell[j] * padded[i : i + rows, j : j + columns] for i in range(6) for j in range(6)
    )
    return blurred[::2, ::2]


def features(pixels, blocks):
    """Features ``[len(blocks), 468]`` and sharpness of the chosen ``(row, column)`` blocks."""
    rgb = resize(pixels, 524)[:504, :504]
    luminance = 0.06 * rgb[..., 0] + 0.63 * rgb[..., 1] + 0.27 * rgb[..., 2]
    deviation = local(luminance)[1]
    found, sharpness = [[] for _ in blocks], []
    for scale in (1, 2):
        side = 84 // scale
        every = maps(rgb, scale)
        for (row, column), into in zip(blocks, found, strict=True):
            where = np.s_[row * side : (row + 1) * side, column * side : (column + 1) * side]
            for kind, values in every:
                into += numbers(kind, values[where])
            if scale == 1:
                sharpness.append(deviation[where].mean())
        rgb = shrink(rgb)
    return np.array(found), np.array(sharpness)


def score(rows, mean, covariance, centre, axes):
    """Distance of complete block rows ``[N, 468]`` from a pristine model, one block at a time."""
    projected = (rows - centre) @ axes
    inverse = np.linalg.pinv((np.cov(projected, rowvar=False) + covariance) / 2)
    return np.mean([np.sqrt((row - mean) @ inverse @ (row - mean)) for row in projected])
