"""NIQE as its paper tells it: plain loops, numpy and scipy, one picture of 8-bit pixels at a time."""

import functools
import math

import numpy as np
from scipy import ndimage


def grey(pixels):
    tenthousandths = pixels.astype(int) @ [2989, 5870, 1140]
    return ((tenthousandths + 5000) // 10000).astype(float)


def gaussian_window():
    window = np.array(
        [[math.exp(-(x * x + y * y) / (2 * (7 / 6) ** 2)) for x in range(-3, 4)] for y in range(-3, 4)]
    )
    return window / window.sum()


def mscn(x):
    window = gaussian_window()
    mean = ndimage.correlate(x, window, mode="nearest")
    square = ndimage.correlate(x * x, window, mode="nearest")
    deviation = np.sqrt(np.abs(square - mean * mean))
    centred = x - mean
    centred[np.abs(centred) < 1e-9] = 0  # float error in flat places; its signs mean nothing
    return centred / (deviation + 1), deviation


def cubic(distance):
    d = abs(distance)
    if d <= 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    if d <= 2:
        return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return 0.0


def shrink_rows(x, scale=0.5):
    """Resize along the first axis: kernel stretched by 1/scale, borders mirrored, weights summing to 1."""
    size = len(x)
    result = []
    for out in range(math.ceil(size * scale)):
        centre = (out + 0.5) / scale - 0.5
        positions = range(math.floor(centre - 2 / scale), math.ceil(centre + 2 / scale) + 1)
        weights = [cubic((p - centre) * scale) for p in positions]
        mirrored = list(range(size)) + list(range(size - 1, -1, -1))
        rows = [x[mirrored[p % (2 * size)]] for p in positions]
        result.append(sum(w * row for w, row in zip(weights, rows, strict=True)) / sum(weights))
    return np.array(result)


@functools.cache
def table():
    g = math.gamma
    grid = np.linspace(0.2, 10, 9801)
    return grid, np.array([g(2 / a) ** 2 / (g(1 / a) * g(3 / a)) for a in grid])


def aggd(values):
    values = np.ravel(values)
    left = np.sqrt(np.mean(values[values < 0] ** 2))
    right = np.sqrt(np.mean(values[values > 0] ** 2))
    skew = left / right
    ratio = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    wanted = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    g = math.gamma
    grid, ratios = table()
    shape = grid[np.argmin((ratios - wanted) ** 2)]
    spread = math.sqrt(g(1 / shape) / g(3 / shape))
    left, right = left * spread, right * spread
    return shape, (right - left) * g(2 / shape) / g(1 / shape), left, right


def patch_numbers(coefficients):
    shape, _, left, right = aggd(coefficients)
    numbers = [shape, (left + right) / 2]
    for down, across in [(0, 1), (1, 0), (1, 1), (1, -1)]:
        neighbours = np.roll(np.roll(coefficients, down, axis=0), across, axis=1)
        numbers += aggd(coefficients * neighbours)
    return numbers


def features(pixels, patch=96):
    """Features ``[N, 36]`` and sharpness ``[N]`` of the patches of ``pixels [H, W, 3]`` uint8."""
    x = grey(pixels)
    down, across = x.shape[0] // patch, x.shape[1] // patch
    x = x[: down * patch, : across * patch]
    found, sharpness = [[] for _ in range(down * across)], []
    for scale in (1, 2):
        coefficients, deviation = mscn(x)
        side = patch // scale
        for n in range(down * across):
            row, column = n // across * side, n % across * side
            found[n] += patch_numbers(coefficients[row : row + side, column : column + side])
            if scale == 1:
                sharpness.append(deviation[row : row + side, column : column + side].mean())
        x = shrink_rows(shrink_rows(x).T).T
    return np.array(found), np.array(sharpness)


def score(pixels, mean, covariance, patch=96):
    rows, _ = features(pixels, patch)
    away = mean - rows.mean(0)
    own = np.cov(rows, rowvar=False) if len(rows) > 1 else np.zeros_like(covariance)
    return float(np.sqrt(away @ np.linalg.pinv((covariance + own) / 2) @ away))


def fit(all_pixels, patch=96):
    kept = []
    for pixels in all_pixels:
        rows, sharpness = features(pixels, patch)
        kept += [row for row, sharp in zip(rows, sharpness, strict=True) if sharp > 0.75 * max(sharpness)]
    return np.mean(kept, 0), np.cov(np.array(kept), rowvar=False)
