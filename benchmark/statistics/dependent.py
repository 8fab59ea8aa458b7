"""Closed forms: tests of two correlations that share a variable.

They assume bivariate normal data and independent images, which quality scores rarely are and images of one
reference never are. They check the bootstrap, and serve where only correlations are published.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

Test = tuple[float, float]


def williams(r_a: float, r_b: float, r_ab: float, n: int) -> Test:
    """Williams' T2 of two correlations with one variable in common.

    Parameters
    ----------
    r_a, r_b
        Correlations of two methods with the opinions.
    r_ab
        Correlation of the two methods with each other.
    n
        Number of images.

    Returns
    -------
    tuple of float
        Student's t with n - 3 degrees of freedom (positive where a agrees better) and its two-sided p value;
        NaN, NaN where it is undefined.

    References
    ----------
    E. J. Williams, The comparison of regression variables, JRSS B 21(2), 1959; in the form of
    J. H. Steiger, Tests for comparing elements of a correlation matrix, Psychological Bulletin 87(2), 1980,
    eq. 7.
    """
    if not _usable(r_a, r_b, r_ab, n):
        return float("nan"), float("nan")
    determinant = 1 - r_a**2 - r_b**2 - r_ab**2 + 2 * r_a * r_b * r_ab
    mean = (r_a + r_b) / 2
    spread = 2 * (n - 1) / (n - 3) * determinant + mean**2 * (1 - r_ab) ** 3
    if spread <= 0:
        return float("nan"), float("nan")
    t = (r_a - r_b) * np.sqrt((n - 1) * (1 + r_ab) / spread)
    return float(t), float(2 * stats.t.sf(abs(t), n - 3))


def steiger(r_a: float, r_b: float, r_ab: float, n: int) -> Test:
    """Steiger's Z1* of two correlations with one variable in common, pooled correlation in the covariance.

    Parameters and result as in `williams`, the statistic being standard normal.

    References
    ----------
    J. H. Steiger, Tests for comparing elements of a correlation matrix, Psychological Bulletin 87(2), 1980,
    eq. 14.
    """
    if not _usable(r_a, r_b, r_ab, n):
        return float("nan"), float("nan")
    pooled = ((r_a + r_b) / 2) ** 2
    covariance = (r_ab * (1 - 2 * pooled) - pooled / 2 * (1 - 2 * pooled - r_ab**2)) / (1 - pooled) ** 2
    return _normal(np.sqrt((n - 3) / (2 - 2 * covariance)) * (np.arctanh(r_a) - np.arctanh(r_b)))


def meng(r_a: float, r_b: float, r_ab: float, n: int) -> Test:
    """Meng, Rosenthal and Rubin's Z of two correlations with one variable in common.

    Parameters and result as in `williams`, the statistic being standard normal.

    References
    ----------
    X.-L. Meng, R. Rosenthal, D. B. Rubin, Comparing correlated correlation coefficients, Psychological
    Bulletin 111(1), 1992, eq. 1 to 3.
    """
    if not _usable(r_a, r_b, r_ab, n):
        return float("nan"), float("nan")
    square = (r_a**2 + r_b**2) / 2
    f = min((1 - r_ab) / (2 * (1 - square)), 1.0)
    h = (1 - f * square) / (1 - square)
    return _normal((np.arctanh(r_a) - np.arctanh(r_b)) * np.sqrt((n - 3) / (2 * (1 - r_ab) * h)))


def _usable(r_a: float, r_b: float, r_ab: float, n: int) -> bool:
    """Whether a test can be made: defined, not perfect, two methods that differ, enough images."""
    values = np.array([r_a, r_b, r_ab])
    if np.isnan(values).any() or n <= 3:
        return False
    if (np.abs(values) > 1).any():
        raise ValueError(f"correlations lie in [-1, 1], not {values.tolist()}")
    return bool(abs(r_a) < 1 and abs(r_b) < 1 and r_ab < 1)


def _normal(z: float) -> Test:
    return float(z), float(2 * stats.norm.sf(abs(z)))
