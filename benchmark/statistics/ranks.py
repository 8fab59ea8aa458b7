"""How certain a rank is: from the joint bootstrap of all methods on the same images.

The percentiles of the resampled ranks are no interval: where methods are nearly level, the one that happens
to lead hardly ever falls far in a resample, though it may be the worst. An interval follows instead from
which differences are clear: a method ranks behind those clearly better and before those clearly worse.

References
----------
M. Mogstad, J. P. Romano, A. M. Shaikh, D. Wilhelm, Inference for ranks with applications to mobility across
neighbourhoods and academic achievement across countries, Review of Economic Studies 91(1), 2024: marginal
intervals of ranks.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmark.arrays import Floats

LETTERS = string.ascii_letters


@dataclass(frozen=True)
class Ranks:
    """Ranks of M methods, 1 being the best, and how certain they are.

    Parameters
    ----------
    rank
        ``[M]``; methods that are level share their mean rank.
    low, high
        Interval of each rank, ``[M]``, whole numbers: it covers the true rank (of methods truly level any of
        the ranks that they share) with at least the level asked for.
    first
        Share of resamples in which a method is the best, ``[M]``; methods level there share it. It answers
        "who would lead on other pictures like these", and is no p value.
    """

    rank: Floats
    low: NDArray[np.int_]
    high: NDArray[np.int_]
    first: Floats


def ranks(value: ArrayLike, draws: ArrayLike, *, units: int, level: float = 0.95) -> Ranks:
    """Rank methods by a statistic of which more is better.

    Parameters
    ----------
    value
        The statistic on the data, ``[M]``, no NaN.
    draws
        The same in every resample, ``[M, resamples]``: the columns belong together (`bootstrap`), so that the
        dependence of the methods is in them. A resample in which one is undefined, NaN, is left out.
    units
        Number of images or references resampled; few of them widen the intervals as Student's t asks for.
    level
        Coverage of each interval of a rank.

    Raises
    ------
    ValueError
        If the shapes disagree, a value is NaN, or no resample is defined for all methods.
    """
    v, d = np.asarray(value, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    if v.ndim != 1 or d.ndim != 2 or len(d) != v.size or np.isnan(v).any():
        raise ValueError(f"values {v.shape} without NaN and draws {d.shape} of the same methods are needed")
    d = d[:, ~np.isnan(d).any(axis=0)]
    if not d.shape[1]:
        raise ValueError("no resample is defined for all methods")
    leads = d == d.max(axis=0)
    better, worse = _clear(v, d, units, level)
    return Ranks(
        rank=stats.rankdata(-v),
        low=1 + better.sum(axis=1),
        high=v.size - worse.sum(axis=1),
        first=(leads / leads.sum(axis=0)).mean(axis=1),
    )


def _clear(value: Floats, draws: Floats, units: int, level: float) -> tuple[NDArray[np.bool_], ...]:
    """Which methods (columns) are clearly better, and clearly worse, than that of each row.

    All differences of one method are judged together: the threshold is the quantile of the largest of them,
    each over its standard error, in the resamples.
    """
    better = np.zeros((value.size, value.size), dtype=bool)
    worse = better.copy()
    stretch = stats.t.ppf((1 + level) / 2, max(units - 1, 1)) / stats.norm.ppf((1 + level) / 2)
    stretch *= np.sqrt(units / max(units - 1, 1))
    for j in range(value.size):
        gap, moved = value - value[j], draws - draws[j]
        error = moved.std(axis=1)
        known = error > 0
        if not known.any():
            continue
        largest = (np.abs(moved - gap[:, None])[known] / error[known, None]).max(axis=0)
        reach = np.quantile(largest, level) * stretch * error
        better[j], worse[j] = gap > reach, gap < -reach
    return better, worse


def letters(p: ArrayLike, *, alpha: float = 0.05) -> list[str]:
    """Compact letters: methods that share one are not told apart, methods that share none are.

    A letter is a largest set of methods no two of which are told apart: a maximal clique.

    Parameters
    ----------
    p
        Adjusted p value of every pair, ``[M, M]``, symmetric, methods in the order of their rank; a pair that
        could not be tested, NaN, counts as not told apart.
    alpha
        Level below which two are told apart.

    References
    ----------
    H.-P. Piepho, An algorithm for a letter-based representation of all-pairwise comparisons, J. Computational
    and Graphical Statistics 13(2), 2004.
    """
    import networkx  # here, since few tables need it

    alike = ~(np.asarray(p, dtype=np.float64) < alpha)
    graph = networkx.from_numpy_array(np.triu(alike, 1))
    groups = sorted(sorted(group) for group in networkx.find_cliques(graph))
    found = [""] * len(alike)
    for k, group in enumerate(groups):
        for member in group:
            found[member] += LETTERS[k] if k < len(LETTERS) else f"({k + 1})"
    return found
