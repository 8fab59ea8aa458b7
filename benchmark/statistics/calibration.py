"""What a score means: errors of a map from scores to opinions, and pairs ordered rightly by their distance.

Both are means over images, or over pairs of them, with intervals that follow from the influence of each image
(or each reference with all its images).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmark.arrays import Floats

from .bootstrap import MIN_UNITS
from .correlation import as_pair

Estimate = tuple[float, float, float]
SHIFTS = 64
"""Pairs an image at most: 64 x n pairs say nearly as much as all, and cost a sort less."""
_SAME = 1e-9
"""Distances of opinions that differ by no more than this, in their own units, are equal but for rounding."""


def mean_interval(values: ArrayLike, groups: ArrayLike | None = None, *, level: float = 0.95) -> Estimate:
    """Mean of values with Student's interval over images, or over whole references.

    Parameters
    ----------
    values
        ``[n]``.
    groups
        Reference of each image; None where images are independent.
    level
        Coverage aimed at.

    Returns
    -------
    value, low, high
        Without an interval, NaN, for fewer than five units.
    """
    v = np.asarray(values, dtype=np.float64)
    mean = float(v.mean())
    return (mean, *_bounds(mean, _summed((v - mean) / v.size, groups), level))


def rmse_interval(errors: ArrayLike, groups: ArrayLike | None = None) -> Estimate:
    """Root mean square of errors ``[n]`` with its interval, that of the mean square (`mean_interval`)."""
    value, low, high = mean_interval(np.square(np.asarray(errors, dtype=np.float64)), groups)
    return float(np.sqrt(value)), float(np.sqrt(np.maximum(low, 0))), float(np.sqrt(high))


def ordered_pairs(
    scores: ArrayLike,
    mos: ArrayLike,
    edges: Sequence[float],
    groups: ArrayLike | None = None,
    *,
    seed: int = 0,
    level: float = 0.95,
) -> list[tuple[float, float, float, int, int]]:
    """Share of pairs of images whose order the scores tell rightly, by how far apart the opinions are.

    Parameters
    ----------
    scores, mos
        Of the images, ``[n]``, more being better on both sides. Scores that are equal are half right.
    edges
        Rising distances of opinion, k + 1 of them for k classes; a class holds its upper edge, to 1e-9: on a
        grid of ratings many pairs lie on one, and float rounding would share them out. Opinions that are
        equal have no order and are in none.
    groups
        Reference of each image.
    seed
        Of the pairs, where there are more than `SHIFTS` an image; else all are counted.
    level
        Coverage of the intervals: images (references) are the units, on the scale of the logit.

    Returns
    -------
    list of (share, low, high, pairs, units)
        One a class; NaN for a class without pairs. ``units`` are the images (references) of its pairs: of
        fewer than five there is no interval.
    """
    x, y = as_pair(scores, mos)
    n, k = x.size, len(edges) - 1
    order = np.random.default_rng([seed, n]).permutation(n)
    x, y = x[order], y[order]
    steps = np.arange(1, n // 2 + 1)
    if steps.size > SHIFTS:
        steps = np.random.default_rng([seed, n, 1]).permutation(np.arange(1, (n - 1) // 2 + 1))[:SHIFTS]
    right, met = np.zeros((k, n)), np.zeros((k, n))
    for step in steps:
        one = np.arange(n if 2 * step < n else n // 2)  # half the circle apart: there and back is one pair
        other = (one + step) % n
        gap = y[one] - y[other]
        place = np.searchsorted(edges, np.abs(gap) - _SAME, side="left") - 1
        used = (np.abs(gap) > _SAME) & (place >= 0) & (place < k)
        hit = (1 + np.sign(x[one] - x[other]) * np.sign(gap)) / 2
        for ends in (one, other):  # both images of a pair take part in it
            cell = place[used] * n + ends[used]
            right += np.bincount(cell, hit[used], k * n).reshape(k, n)
            met += np.bincount(cell, minlength=k * n).reshape(k, n)
    named = None if groups is None else np.asarray(groups)[order]
    return [_share(right[c], met[c], named, level) for c in range(k)]


def _share(
    right: Floats, met: Floats, groups: NDArray[np.generic] | None, level: float
) -> tuple[float, float, float, int, int]:
    total, there = met.sum() / 2, met > 0
    if not total:
        return float("nan"), float("nan"), float("nan"), 0, 0
    value = float(right.sum() / 2 / total)
    parts = _summed(((right - value * met) / total)[there], None if groups is None else groups[there])
    if not 0 < value < 1 or parts.size < MIN_UNITS:
        return value, float("nan"), float("nan"), int(total), parts.size
    low, high = _bounds(float(np.log(value / (1 - value))), parts / (value * (1 - value)), level)
    return value, float(1 / (1 + np.exp(-low))), float(1 / (1 + np.exp(-high))), int(total), parts.size


def _summed(parts: Floats, groups: ArrayLike | None) -> Floats:
    if groups is None:
        return parts
    return np.asarray(np.bincount(np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1), parts))


def _bounds(value: float, parts: Floats, level: float) -> tuple[float, float]:
    units = parts.size
    if units < MIN_UNITS:
        return float("nan"), float("nan")
    half = stats.t.ppf((1 + level) / 2, units - 1) * np.sqrt(np.sum(parts**2) * units / (units - 1))
    return float(value - half), float(value + half)
