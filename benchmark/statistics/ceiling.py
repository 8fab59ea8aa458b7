"""How well a perfect method could agree with opinions that are means of a few ratings.

The opinion of a picture is its true mean plus an error whose size follows from the spread of its ratings and
their number. A method that knew every true mean would still correlate with the opinions by less than one;
that correlation is the ceiling, and the correlation of any method is read as a share of it.

References
----------
C. Spearman, The proof and measurement of association between two things, American Journal of Psychology
15(1), 1904: correction for attenuation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmark.arrays import Floats

from .bootstrap import MIN_UNITS
from .correlation import as_pair, srcc
from .influence import influence

_BINS, _IN_A_BIN = 20, 20
_WORK, _FEWEST, _MOST = 40_000, 4, 40  # pictures simulated in all, and bounds of how often each is
_STEP = 0.01


def reliability(mos: ArrayLike, error: ArrayLike) -> float:
    """Share of the variance of opinions that is not the error of their ratings, in [0, 1].

    The square of the highest Pearson correlation that a method can reach.

    Parameters
    ----------
    mos
        Opinions, ``[n]``.
    error
        Standard error of each: the deviation of its ratings over the root of their number, ``[n]``.

    Returns
    -------
    float
        NaN for fewer than two opinions, or opinions that are all equal.

    Raises
    ------
    ValueError
        If shapes disagree, a value is not finite, or an error is negative.
    """
    a, e = as_pair(mos, error, finite=True)
    if (e < 0).any():
        raise ValueError("standard errors must not be negative")
    if a.size < 2 or np.ptp(a) == 0:
        return float("nan")
    return float(np.clip(1 - np.mean(e**2) / a.var(ddof=1), 0, 1))


class Moved(NamedTuple):
    """A number, and how much each image moves it.

    Parameters
    ----------
    value
        In [0, 1]; NaN where opinions are nothing but error.
    influence
        Influence of each image, ``[n]`` (`benchmark.statistics.influence`); 0 of images that it is not of.
    """

    value: float
    influence: Floats


class Ceiling(NamedTuple):
    """What a perfect method is expected to reach.

    Parameters
    ----------
    whole
        Spearman's correlation.
    lower, upper
        The same among the images in the lower and in the upper half of opinions.
    reliability
        The square of Pearson's correlation (`reliability`).
    """

    whole: Moved
    lower: Moved
    upper: Moved
    reliability: Moved


def ceiling(mos: ArrayLike, deviation: ArrayLike, ratings: ArrayLike, *, seed: int = 0) -> Ceiling:
    """Simulate a perfect method: true opinions are drawn in by as much as their errors spread them out.

    Parameters
    ----------
    mos
        Opinions, ``[n]``.
    deviation
        Standard deviation of the ratings of each, ``[n]``.
    ratings
        How many each has, ``[n]`` or one number.
    seed
        Of the errors that are drawn; they are normal, each of its picture's size.

    Raises
    ------
    ValueError
        If shapes disagree, a value is not finite, a deviation negative or a number of ratings below 1.
    """
    a, d = as_pair(mos, deviation, finite=True)
    count = np.broadcast_to(np.asarray(ratings, dtype=np.float64), a.shape)
    if not (count >= 1).all():
        raise ValueError("ratings is the number of ratings an opinion: at least 1")
    known = reliability(a, d / np.sqrt(count))
    if not known > 0:
        return Ceiling(*[Moved(np.nan, np.full(a.size, np.nan))] * 4)
    e = _shrunk(a, d, count) / np.sqrt(count)
    centred, draws = a - a.mean(), int(np.clip(-(-_WORK // a.size), _FEWEST, _MOST))
    # Other pictures would also give another reliability, and so another shrinking of the opinions.
    spread, noise_part = float(np.mean(centred**2)), d**2 / count
    of_reliability = (1 - known) * (centred**2 / spread - 1) - (noise_part - noise_part.mean()) / spread
    of_reliability /= a.size
    near = np.clip([known - _STEP, known + _STEP], 1e-6, 1)
    found, moved, ends = np.zeros(3), np.zeros((3, a.size)), np.zeros((2, 3))
    for k in range(draws):
        noise = e * np.random.default_rng([seed, k]).normal(size=a.size)
        for place, (truth, rated, part) in enumerate(_parts(centred, noise, known)):
            found[place] += srcc(truth[part], rated[part])
            moved[place, part] += influence(truth[part], rated[part])
        for end, share_kept in zip(ends, near, strict=True):
            end += [
                srcc(truth[part], rated[part]) for truth, rated, part in _parts(centred, noise, share_kept)
            ]
    slopes = (ends[1] - ends[0]) / draws / (near[1] - near[0])
    influences = moved / draws + slopes[:, None] * of_reliability
    whole, lower, upper = map(Moved, (found / draws).tolist(), influences)
    return Ceiling(whole, lower, upper, Moved(known, of_reliability))


def _parts(
    centred: Floats, noise: Floats, known: float
) -> Iterator[tuple[Floats, Floats, NDArray[np.bool_]]]:
    """True opinions, opinions with their errors, and which are looked at: all, the lower half, the upper."""
    truth = np.sqrt(known) * centred
    rated = truth + noise
    for part in (np.ones(rated.size, dtype=bool), *halves(rated)):
        yield truth, rated, part


def _shrunk(mos: Floats, deviation: Floats, ratings: Floats) -> Floats:
    """Draw deviations towards those of pictures of like opinion, by as much as few ratings leave to chance.

    Taken as they are, the deviations of a few ratings make some pictures look free of error, and the ceiling
    too high.
    """
    square = deviation**2
    bins = max(1, min(_BINS, mos.size // _IN_A_BIN))
    place = np.empty(mos.size, dtype=np.intp)
    place[np.argsort(mos, kind="stable")] = np.arange(mos.size) * bins // mos.size
    middle = (np.bincount(place, square) / np.bincount(place))[place]
    chance = np.mean(2 * square**2 / (ratings + 1))  # variance of a variance of normal ratings
    seen = np.mean((square - middle) ** 2)
    kept = float(np.clip(1 - chance / seen, 0, 1)) if seen > 0 else 0.0
    return np.asarray(np.sqrt(middle + kept * (square - middle)))


def halves(mos: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which images lie in the lower and in the upper half of opinions; those at the median in the upper."""
    a = np.asarray(mos, dtype=np.float64)
    high = a >= np.median(a) if a.size else np.zeros(0, dtype=bool)
    return ~high, high


def share(
    value: float, influences: ArrayLike, top: Moved, groups: ArrayLike | None = None, *, level: float = 0.95
) -> tuple[float, float, float]:
    """Share of the ceiling that a correlation reaches, and its interval.

    Both are measured on the same images, so the interval carries what drawing other images does to the one,
    to the other, and to both at once (the delta method over images, or over whole references).

    Parameters
    ----------
    value
        Spearman's correlation of a method with the opinions.
    influences
        Influence of each image on it, ``[n]``.
    top
        The ceiling of the same images, as `Ceiling.whole`.
    groups
        Reference of each image; None where images are independent.
    level
        Coverage aimed at.

    Returns
    -------
    share, low, high
        NaN where one of the two is undefined, without an interval for fewer than five units. The share of a
        method that is as good as perfect may pass 1.
    """
    moved = np.asarray(influences, dtype=np.float64)
    ratio = value / top.value
    parts = moved / top.value - ratio * top.influence / top.value
    if not np.isfinite(ratio) or not np.isfinite(parts).all():
        return float("nan"), float("nan"), float("nan")
    if groups is not None:
        number = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
        parts = np.asarray(np.bincount(number, parts), dtype=np.float64)
    units = parts.size
    if units < MIN_UNITS:
        return float(ratio), float("nan"), float("nan")
    half = stats.t.ppf((1 + level) / 2, units - 1) * np.sqrt(np.sum(parts**2) * units / (units - 1))
    return float(ratio), float(ratio - half), float(ratio + half)
