"""Agreement of one score with one opinion: correlations, error, outliers. Signs are shown, never dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from benchmark.arrays import Floats


def as_pair(x: ArrayLike, y: ArrayLike, *, finite: bool = False) -> tuple[Floats, Floats]:
    """Check two paired samples and return them as float64 vectors.

    Parameters
    ----------
    x, y
        Vectors of one length.
    finite
        Whether infinite values are refused too: ranks survive them, moments do not.

    Raises
    ------
    ValueError
        If the shapes differ, a value is NaN, or ``finite`` and a value is infinite.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"two vectors of one length are needed, not shapes {a.shape} and {b.shape}")
    missing = int(np.isnan(a).sum() + np.isnan(b).sum())
    if missing:
        raise ValueError(
            f"{missing} of {2 * a.size} values are NaN: leave those images out, and say how many"
        )
    if finite and not (np.isfinite(a).all() and np.isfinite(b).all()):
        count = int(np.isinf(a).sum() + np.isinf(b).sum())
        raise ValueError(
            f"{count} values are infinite: only rank statistics (srcc, krcc) are defined for them"
        )
    return a, b


def rounding(scores: ArrayLike) -> float:
    """Return how far scores of a method may differ and be equal: 1e-5 of the distance of their quartiles.

    Float32 scores of equal pictures differ in their last bits from batch to batch, and ranks would take that
    for an order.
    """
    known = np.asarray(scores, dtype=np.float64)
    known = known[np.isfinite(known)]
    low, high = np.quantile(known, [0.25, 0.75]) if known.size else (0.0, 0.0)
    return float(1e-5 * (high - low))


def plcc(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's linear correlation of the raw values, in [-1, 1].

    NaN where it is undefined: fewer than two values, or one side constant.

    Raises
    ------
    ValueError
        On NaN or infinite values, or shapes that differ.
    """
    a, b = as_pair(x, y, finite=True)
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    # Scaling first keeps the squares of huge or tiny scores inside the range of float64.
    a, b = (a - a.mean()) / np.ptp(a), (b - b.mean()) / np.ptp(b)
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def srcc(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation in [-1, 1]; ties share their mean rank, infinite values are extreme ranks.

    NaN where it is undefined: fewer than two values, or one side constant.

    Raises
    ------
    ValueError
        On NaN values, or shapes that differ.
    """
    a, b = as_pair(x, y)
    return plcc(stats.rankdata(a), stats.rankdata(b))


def srcc_columns(x: ArrayLike, y: ArrayLike) -> Floats:
    """Spearman's rank correlation of each column of ``x [N, A]`` with ``y [N]``, as `srcc`; ``[A]``.

    Raises
    ------
    ValueError
        On NaN values, or shapes that differ.
    """
    columns, other = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if columns.ndim != 2 or other.shape != columns.shape[:1]:
        raise ValueError(f"columns of one length are needed, not shapes {columns.shape} and {other.shape}")
    if np.isnan(columns).any() or np.isnan(other).any():
        raise ValueError("some values are NaN: leave those images out, and say how many")
    a, b = stats.rankdata(columns, axis=0), stats.rankdata(other)
    a, b = a - a.mean(axis=0), b - b.mean()
    with np.errstate(invalid="ignore"):  # a constant side: 0 / 0
        return np.asarray(np.clip(b @ a / np.sqrt((b @ b) * (a * a).sum(axis=0)), -1.0, 1.0))


def krcc(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's tau-b in [-1, 1] (corrected for ties); infinite values are extreme ranks.

    NaN where it is undefined: fewer than two values, or one side constant.

    Raises
    ------
    ValueError
        On NaN values, or shapes that differ.
    """
    a, b = as_pair(x, y)
    if a.size < 2 or np.all(a == a[0]) or np.all(b == b[0]):
        return float("nan")
    return float(stats.kendalltau(stats.rankdata(a), stats.rankdata(b), variant="b").statistic)


def rmse(predicted: ArrayLike, mos: ArrayLike) -> float:
    """Root mean square error in units of the MOS, divisor n; NaN for no values.

    Raises
    ------
    ValueError
        On NaN or infinite values, or shapes that differ.
    """
    a, b = as_pair(predicted, mos, finite=True)
    return float(np.sqrt(np.mean((a - b) ** 2))) if a.size else float("nan")


def outlier_ratio(predicted: ArrayLike, mos: ArrayLike, deviation: ArrayLike, *, width: float = 2.0) -> float:
    """Share of images whose prediction errs by more than ``width`` deviations of their MOS, in [0, 1].

    Parameters
    ----------
    predicted
        Scores mapped onto the scale of the MOS, ``[n]``.
    mos
        Mean opinions, ``[n]``.
    deviation
        What the ratings of each image scatter by, ``[n]``: VQEG uses the standard error of the MOS; where
        only the standard deviation is published it is used instead, which is far more lenient. Say which.
    width
        Number of deviations allowed; VQEG's two.

    Raises
    ------
    ValueError
        On NaN, infinite or negative deviations, or shapes that differ.

    References
    ----------
    VQEG, Final report from the Video Quality Experts Group on the validation of objective models of video
    quality assessment, 2000, metric 6.
    """
    a, b = as_pair(predicted, mos, finite=True)
    _, d = as_pair(a, deviation, finite=True)
    if (d < 0).any():
        raise ValueError("deviations must not be negative")
    return float(np.mean(np.abs(a - b) > width * d)) if a.size else float("nan")
