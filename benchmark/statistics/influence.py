"""How much each image moves a correlation: standard errors without resampling, and BCa's acceleration.

The influence of an image is the derivative of the statistic with respect to its weight (the infinitesimal
jackknife). For the rank correlations it follows from running sums, in O(n log n) rather than the O(n^2 log n)
of leaving out one image after the other.

References
----------
L. A. Jaeckel, The infinitesimal jackknife, Bell Laboratories Memorandum MM 72-1215-11, 1972.
B. Efron, Better bootstrap confidence intervals, JASA 82(397), 1987, section 6 (acceleration).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from benchmark.arrays import Floats

from .bootstrap import BLOCK, MIN_UNITS, cluster_numbers
from .correlation import as_pair
from .weighted import Concordance, Evaluate, Order, joint


def influence(
    x: ArrayLike, y: ArrayLike, statistic: str = "srcc", *, groups: ArrayLike | None = None
) -> Floats:
    """Influence of each image, or of each reference with all its images, on a correlation.

    Parameters
    ----------
    x, y
        ``[n]`` each, no NaN; finite for ``"plcc"``.
    statistic
        ``"srcc"``, ``"krcc"`` (tau-b) or ``"plcc"``.
    groups
        Reference of each image; the influence of a reference is the sum over its images.

    Returns
    -------
    ndarray
        One value an image (or reference, sorted by name), scaled so that the square root of their sum of
        squares is the standard error. NaN where the correlation is undefined.
    """
    if statistic not in _INFLUENCE:
        raise ValueError(f"unknown statistic {statistic!r}: choose from {', '.join(_INFLUENCE)}")
    a, b = as_pair(x, y, finite=statistic == "plcc")
    values = _INFLUENCE[statistic](a, b)
    if groups is None:
        return values
    number = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    return np.asarray(np.bincount(number, values))


def acceleration(influences: ArrayLike) -> float:
    """BCa's acceleration, a sixth of the skewness of the influences; 0 where they are undefined."""
    values = np.asarray(influences, dtype=np.float64)
    spread = float(np.sum(values**2))
    return float(np.sum(values**3) / (6 * spread**1.5)) if spread > 0 else 0.0


def jackknife_acceleration(
    evaluate: Evaluate, n: int, *, groups: ArrayLike | None = None, parts: int = 100
) -> float:
    """BCa's acceleration of any statistic of counts, by leaving out a part of the images at a time.

    Third moments of influences add up over images, so parts of several images say as much about their
    skewness as single images do, up to the error of estimating it from ``parts`` values.

    Parameters
    ----------
    evaluate
        Prepared statistic of one method (`benchmark.statistics.weighted`).
    n
        Number of images.
    groups
        Reference of each image: references are left out whole.
    parts
        At most so many evaluations; with fewer images (or references) each is left out alone.

    Returns
    -------
    float
        0 where a part cannot be left out without leaving the statistic undefined.
    """
    number = cluster_numbers(groups, n)
    units = n if number is None else int(number.max()) + 1
    part = np.random.default_rng(units).permutation(units) % min(units, parts)
    mine = part if number is None else part[number]
    blocks = np.array_split(np.arange(part.max() + 1), range(BLOCK, part.max() + 1, BLOCK))
    left = [evaluate((mine[None] != block[:, None]).astype(np.float64))[0] for block in blocks]
    values = np.concatenate(left)
    return acceleration(values.mean() - values) if np.isfinite(values).all() else 0.0


def influence_interval(value: float, influences: ArrayLike, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a correlation without resampling: Fisher's z and the infinitesimal jackknife.

    Parameters
    ----------
    value
        The correlation.
    influences
        Of the images or references (`influence`), ``[units]``.
    level
        Coverage aimed at.

    Returns
    -------
    tuple of float
        Low and high; NaN, NaN where the correlation is undefined or there are fewer than five units. A
        perfect correlation has the interval of its own value.
    """
    parts = np.asarray(influences, dtype=np.float64)
    if np.isnan(value) or np.isnan(parts).any() or parts.size < MIN_UNITS:
        return float("nan"), float("nan")
    if abs(value) >= 1:
        return value, value
    error = np.sqrt(np.sum(parts**2) * parts.size / (parts.size - 1)) / (1 - value**2)
    half = stats.t.ppf((1 + level) / 2, parts.size - 1) * error
    low, high = np.tanh(np.arctanh(value) + np.array([-half, half]))
    return float(low), float(high)


def jackknife_interval(left_out: ArrayLike, value: float, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a correlation by the jackknife on Fisher's z.

    Wider than the infinitesimal jackknife's, whose error is too small for Pearson's correlation.

    Parameters
    ----------
    left_out
        The correlation without each image (or reference) in turn, ``[units]``.
    value
        The correlation.
    level
        Coverage aimed at.

    Returns
    -------
    tuple of float
        As `influence_interval`; NaN, NaN too where one image decides whether the correlation is defined.

    References
    ----------
    R. G. Miller, The jackknife: a review, Biometrika 61(1), 1974, section 3.3 (transformations).
    """
    parts = np.asarray(left_out, dtype=np.float64)
    if np.isnan(value) or np.isnan(parts).any() or parts.size < MIN_UNITS:
        return float("nan"), float("nan")
    if abs(value) >= 1:
        return value, value
    z = np.arctanh(np.clip(parts, -1 + 1e-15, 1 - 1e-15))
    error = np.sqrt((parts.size - 1) * z.var())
    half = stats.t.ppf((1 + level) / 2, parts.size - 1) * error
    low, high = np.tanh(np.arctanh(value) + np.array([-half, half]))
    return float(low), float(high)


def plcc_left_out(x: ArrayLike, y: ArrayLike, *, groups: ArrayLike | None = None) -> Floats:
    """Pearson's correlation without each image, or without each reference (sorted by name), in turn.

    ``[units]``; NaN where it is undefined. Values must be finite.
    """
    a, b = as_pair(x, y, finite=True)
    a, b = a - a.mean(), b - b.mean()
    number = cluster_numbers(groups, a.size)
    number = np.arange(a.size) if number is None else number
    sums = [np.bincount(number, v) for v in (np.ones(a.size), a, b, a * a, b * b, a * b)]
    n, s_a, s_b, s_aa, s_bb, s_ab = (total.sum() - total for total in sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        in_a, in_b = s_aa - s_a**2 / n, s_bb - s_b**2 / n
        value = (s_ab - s_a * s_b / n) / np.sqrt(in_a * in_b)
    floor = 1e-14  # what rounding leaves of a constant
    defined = (in_a > floor * (a @ a)) & (in_b > floor * (b @ b))
    return np.where(defined, np.clip(value, -1, 1), np.nan)


def difference_test(
    values: tuple[float, float], influences: tuple[ArrayLike, ArrayLike]
) -> tuple[float, float]:
    """Test that two methods correlate equally with the same opinions.

    The difference of Fisher's z over its infinitesimal jackknife standard error, against Student's t with
    one degree of freedom less than there are units. It assumes neither normal scores nor, with influences of
    references, independent images; on the scale of z it keeps its size for the high correlations and the
    few images at which a test of the plain difference is too timid.

    Parameters
    ----------
    values
        The correlations of two methods.
    influences
        Their influences (`influence`), ``[units]`` each.

    Returns
    -------
    tuple of float
        The statistic (positive where the first agrees better) and its two-sided p value. 0 and 1 where the
        two never differ; NaN, NaN where a correlation is undefined, or perfect while the other is not.
    """
    r = np.array(values, dtype=np.float64)
    parts = np.array(influences, dtype=np.float64)
    units = parts.shape[1]
    if np.isnan(r).any() or np.isnan(parts).any() or units < MIN_UNITS:
        return float("nan"), float("nan")
    if np.allclose(parts[0], parts[1], rtol=0, atol=1e-13) and abs(r[0] - r[1]) < 1e-12:
        return 0.0, 1.0
    if (np.abs(r) >= 1).any():
        return float("nan"), float("nan")
    slope = 1 / (1 - r**2)
    error = np.sqrt(np.sum((slope[0] * parts[0] - slope[1] * parts[1]) ** 2) * units / (units - 1))
    t = float((np.arctanh(r[0]) - np.arctanh(r[1])) / error)
    return t, float(2 * stats.t.sf(abs(t), units - 1))


def _of_ratio(
    shared: tuple[Floats, float], left: tuple[Floats, float], right: tuple[Floats, float]
) -> Floats:
    """Chain rule for ``S_xy / sqrt(S_xx S_yy)``, each part given as its gradient and its value."""
    product = left[1] * right[1]
    if product <= 0:
        return np.full_like(shared[0], np.nan)
    value = shared[1] / np.sqrt(product)
    return np.asarray(shared[0] / np.sqrt(product) - value / 2 * (left[0] / left[1] + right[0] / right[1]))


def _plcc(x: Floats, y: Floats) -> Floats:
    a, b = x - x.mean(), y - y.mean()
    return _of_ratio((a * b, float(a @ b)), (a * a, float(a @ a)), (b * b, float(b @ b)))


def _srcc(x: Floats, y: Floats) -> Floats:
    of_x, of_y = Order.of(x), Order.of(y)
    a, b = _signs(of_x, np.ones(x.size)), _signs(of_y, np.ones(x.size))
    # a_j = sum_k w_k sign(x_j - x_k): an image moves its own terms and, through sign, everyone's ranks.
    shared = a * b - _signs(of_x, b) - _signs(of_y, a)
    left, right = a * a - 2 * _signs(of_x, a), b * b - 2 * _signs(of_y, b)
    return _of_ratio((shared, float(a @ b)), (left, float(a @ a)), (right, float(b @ b)))


def _signs(order: Order, weight: Floats) -> Floats:
    """For each image i the sum over k of ``weight_k sign(v_i - v_k)``."""
    size = np.add.reduceat(weight[order.index], order.first)
    result = np.empty(weight.size)
    result[order.index] = (2 * np.cumsum(size) - size - size.sum())[order.group]
    return result


def _krcc(x: Floats, y: Floats) -> Floats:
    of_x, of_y = Order.of(x), Order.of(y)
    n = x.size
    concordant = Concordance.of(x, of_y).of_each()
    both = Order.of(joint(x, y))
    tied_x, tied_y, tied = (_sizes(order) for order in (of_x, of_y, both))
    untied = n - tied_x - tied_y + tied
    shared = 2 * concordant - untied  # concordant less discordant pairs of each image
    left, right = n - tied_x, n - tied_y
    parts = [(2 * np.asarray(part), float(np.sum(part))) for part in (shared, left, right)]
    return _of_ratio(parts[0], parts[1], parts[2])


def _sizes(order: Order) -> Floats:
    """Size of each image's group of ties."""
    result = np.empty(order.index.size)
    result[order.index] = np.diff(np.append(order.first, order.index.size))[order.group]
    return result


_INFLUENCE: dict[str, Callable[[Floats, Floats], Floats]] = {"plcc": _plcc, "srcc": _srcc, "krcc": _krcc}
