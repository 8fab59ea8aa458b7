"""Bootstrap of images, or of whole references with all their images, and the intervals read from it.

Resamples are drawn in blocks of a fixed size, each from its own seed, so that a resample depends on the
seed and its number alone: not on memory, nor on which methods are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmark.arrays import Floats

from .weighted import PREPARE, Evaluate

MIN_UNITS = 5
"""With fewer images (or references) no interval is given and no test made.

Four can be ordered in 24 ways: even a perfect order has a two-sided p of 1/12, so that nothing at all can be
said at 95%. Five give 1/60.
"""
BLOCK = 16
"""Resamples drawn from one seed."""
TOGETHER = 16 * 10_000
"""Counts evaluated at a time: they stay inside the processor's cache."""


def cluster_numbers(groups: ArrayLike | None, n: int) -> NDArray[np.intp] | None:
    """Return the cluster of each image, numbered from zero; None where every image is its own cluster."""
    if groups is None:
        return None
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise ValueError(f"groups must name one reference an image: shape {labels.shape} for {n} images")
    distinct, number = np.unique(labels, return_inverse=True)
    return None if distinct.size == n else np.asarray(number.reshape(-1))


def draw(n: int, resamples: int, seed: int, groups: ArrayLike | None = None) -> Iterator[Floats]:
    """Yield blocks of counts ``[b, n]``: how often each image is in each resample.

    Parameters
    ----------
    n
        Number of images.
    resamples
        Number of resamples over all blocks.
    seed
        Seed of the draws.
    groups
        Reference of each image, ``[n]``: whole references are drawn then, since the images made from one
        picture are not independent.
    """
    number = cluster_numbers(groups, n)
    size = n if number is None else int(number.max()) + 1
    few = BLOCK * max(1, TOGETHER // (BLOCK * max(n, size, 1)))
    for start in range(0, resamples, few):
        of = _kept if size * BLOCK <= TOGETHER else _counts  # those of very many images would fill the memory
        counts = of(size, start, min(resamples, start + few), seed)
        yield counts if number is None else counts[:, number]


def _counts(size: int, first: int, last: int, seed: int) -> Floats:
    """Counts of the resamples ``first`` to ``last``, ``[b, size]``; ``first`` begins a block."""
    counts = np.empty((last - first, size))
    for start in range(first, last, BLOCK):
        picked = np.random.default_rng([seed, start // BLOCK]).integers(0, size, (BLOCK, size))
        for row, drawn in zip(counts[start - first :], picked, strict=False):
            row[:] = np.bincount(drawn, minlength=size)
    counts.flags.writeable = False
    return counts


# Of the same number of images or references there are many sets: those of each distortion.
_kept = lru_cache(maxsize=32)(_counts)


def resample(
    evaluate: Evaluate, n: int, *, resamples: int = 1000, seed: int = 0, groups: ArrayLike | None = None
) -> Floats:
    """Evaluate a prepared statistic on every resample; returns ``[M, resamples]``."""
    if resamples < 1:
        raise ValueError(f"resamples must be positive, not {resamples}")
    return np.concatenate([evaluate(counts) for counts in draw(n, resamples, seed, groups)], axis=1)


def bootstrap(
    scores: ArrayLike,
    target: ArrayLike,
    statistic: str = "srcc",
    *,
    groups: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Floats:
    """Bootstrap a statistic of one or several methods on the same images.

    All methods see the same resamples, so differences between rows of the result are paired.

    Parameters
    ----------
    scores
        ``[n]`` or ``[M, n]``.
    target
        Opinions, ``[n]``.
    statistic
        ``"srcc"``, ``"krcc"``, ``"plcc"`` or ``"rmse"``.
    groups
        Reference of each image, to resample references; None to resample images.
    resamples, seed
        Number of resamples and seed of the draws.

    Returns
    -------
    ndarray
        ``[M, resamples]``; NaN where a resample leaves the statistic undefined.

    Raises
    ------
    ValueError
        If the statistic is unknown, shapes disagree, or values are NaN.
    """
    if statistic not in PREPARE:
        raise ValueError(f"unknown statistic {statistic!r}: choose from {', '.join(PREPARE)}")
    x, y = np.atleast_2d(np.asarray(scores, dtype=np.float64)), np.asarray(target, dtype=np.float64)
    if x.ndim != 2 or y.shape != x.shape[1:]:
        raise ValueError(f"scores {x.shape} and target {y.shape} do not belong together")
    if np.isnan(x).any() or np.isnan(y).any():
        raise ValueError("NaN among the values: leave those images out, and say how many")
    return resample(PREPARE[statistic](x, y), y.size, resamples=resamples, seed=seed, groups=groups)


def interval(
    draws: ArrayLike,
    value: float | None = None,
    *,
    units: int | None = None,
    acceleration: float = 0.0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Interval from bootstrap draws: percentile, or BCa where the value is given.

    Parameters
    ----------
    draws
        ``[resamples]``; undefined resamples are NaN.
    value
        The statistic on the data itself: corrects the bias (BCa). None takes the plain percentiles.
    units
        Number of images, or of references where references were resampled. The percentiles then move
        outwards as Student's t and the lost degree of freedom ask for: without that, intervals from a few
        units are too narrow. None leaves them where they are.
    acceleration
        Skewness correction of BCa (see `benchmark.statistics.influence`).
    level
        Coverage aimed at.

    Returns
    -------
    tuple of float
        Low and high. NaN, NaN for fewer than five units, and where more than one resample in a hundred is
        undefined: the data are too few, or too many of them equal, to say anything.

    References
    ----------
    B. Efron, Better bootstrap confidence intervals, JASA 82(397), 1987.
    T. C. Hesterberg, What teachers should know about the bootstrap, The American Statistician 69(4), 2015,
    section 3.3 (expanded percentiles).
    """
    values = np.asarray(draws, dtype=np.float64)
    known = values[~np.isnan(values)]
    few = units is not None and units < MIN_UNITS
    if few or known.size < max(2, 0.99 * values.size) or (value is not None and np.isnan(value)):
        return float("nan"), float("nan")
    z = np.array([-1.0, 1.0]) * _reach(units, level)
    if value is not None:
        below = np.mean(known < value) + np.mean(known == value) / 2
        bias = stats.norm.ppf(np.clip(below, 0.5 / known.size, 1 - 0.5 / known.size))
        z = bias + (bias + z) / (1 - acceleration * (bias + z))
    low, high = np.quantile(known, stats.norm.cdf(z))
    return float(low), float(high)


def _reach(units: int | None, level: float) -> float:
    """Standard errors that an interval reaches to either side."""
    tail = (1 + level) / 2
    if units is None:
        return float(stats.norm.ppf(tail))
    return float(stats.t.ppf(tail, max(units - 1, 1)) * np.sqrt(units / max(units - 1, 1)))
