"""Many tests at once: correction of their p values, and wins, ties and losses counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust p values by Holm's step-down procedure; NaN, a test that could not be made, is not counted.

    References
    ----------
    S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statistics 6, 1979.
    """
    values = np.asarray(p, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if order.size else steps
    return adjusted


def win_tie_loss(p: ArrayLike, gap: ArrayLike, *, alpha: float = 0.05) -> NDArray[np.int_]:
    """Count for every pair of methods the data sets on which the first is better, level, or worse.

    Parameters
    ----------
    p
        Adjusted p value of every pair on every data set, ``[K, M, M]``; NaN where there is none.
    gap
        First minus second, ``[K, M, M]``.
    alpha
        Level below which a difference is one.

    Returns
    -------
    ndarray
        ``[M, M, 3]``: wins, ties and losses of the row against the column; their sum is the number of data
        sets on which the two were compared.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """
    probability, difference = np.asarray(p, dtype=np.float64), np.asarray(gap, dtype=np.float64)
    if probability.ndim != 3 or probability.shape != difference.shape:
        raise ValueError(f"p {probability.shape} and gap {difference.shape} must both be [K, M, M]")
    known = ~np.isnan(probability) & ~np.isnan(difference)
    clear = known & (probability < alpha)
    wins, losses = clear & (difference > 0), clear & (difference < 0)
    return np.stack([kind.sum(axis=0) for kind in (wins, known & ~wins & ~losses, losses)], axis=-1)
