"""How sure a fitted curve from scores to opinions is, picture clusters taken whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from scipy.stats import norm

from benchmark.arrays import Floats
from benchmark.statistics.bootstrap import MIN_UNITS
from benchmark.statistics.mapping import Mapping


def band(
    curve: Mapping, x: ArrayLike, mos: ArrayLike, at: ArrayLike, groups: NDArray[np.intp] | None = None
) -> tuple[Floats, Floats]:
    """Bounds of the curve's 95% confidence band, by the delta method with clustered errors.

    The parameters' covariance is the sandwich of Liang and Zeger (1986), which asks neither that errors are
    equally wide everywhere nor that pictures of one reference err independently.

    Parameters
    ----------
    curve
        As `benchmark.statistics.fit` gives it.
    x, mos
        What it was fitted to, ``[n]``.
    at
        Scores at which the bounds are wanted, ``[k]``.
    groups
        Number of each picture's reference; every picture by itself where there are none.

    Returns
    -------
    tuple of arrays
        Lower and upper bound, ``[k]`` each, in units of the opinion; NaN for fewer than five references (or
        pictures): the errors of one reference sum to 0 at the best curve, which would make its band a line.
    """
    scores, opinions = np.asarray(x, np.float64), np.asarray(mos, np.float64)
    slopes = _slopes(curve, scores)
    size = np.linalg.norm(slopes, axis=0)
    size[size == 0] = 1.0
    slopes = slopes / size
    pulls = slopes * (opinions - curve(scores))[:, None]
    clusters = np.arange(scores.size) if groups is None else np.unique(groups, return_inverse=True)[1]
    count = int(clusters.max()) + 1
    if count < MIN_UNITS:
        nowhere = np.full(np.shape(at), np.nan)
        return nowhere, nowhere
    sums = np.zeros((count, slopes.shape[1]))
    np.add.at(sums, clusters, pulls)
    bread = np.linalg.pinv(slopes.T @ slopes, rcond=1e-10, hermitian=True)
    covariance = bread @ (sums.T @ sums) @ bread * count / max(count - 1, 1)
    places = np.asarray(at, np.float64)
    there = _slopes(curve, places) / size
    half = norm.ppf(0.975) * np.sqrt(np.einsum("ki,ij,kj->k", there, covariance, there).clip(0))
    middle = curve(places)
    return middle - half, middle + half


def _slopes(curve: Mapping, x: Floats) -> Floats:
    """Derivatives of the curve by its parameters at scores, ``[n, p]``."""
    b = curve.parameters
    if curve.form == "logistic4":
        width = abs(b[3])
        step = expit((x - b[2]) / width)
        bend = (b[0] - b[1]) * step * (1 - step) / width
        return np.stack([step, 1 - step, -bend, -bend * (x - b[2]) / width], axis=1)
    step = expit(b[1] * (x - b[2]))
    bend = b[0] * step * (1 - step)
    return np.stack([step - 0.5, bend * (x - b[2]), -bend * b[1], x, np.ones_like(x)], axis=1)
