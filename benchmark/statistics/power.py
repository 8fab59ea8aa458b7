"""What a comparison could have shown: the smallest difference that it resolves, and "as good as"."""

from __future__ import annotations

import numpy as np
from scipy import stats


def resolvable(error: float, units: int, *, level: float = 0.05, power: float = 0.8) -> float:
    """Smallest true difference that a two-sided test shows with a given power.

    Parameters
    ----------
    error
        Standard error of the difference of two methods on the same images, its dependence included.
    units
        Number of images, or of references where there are any: degrees of freedom are one less.
    level
        Of the test; ``level`` over the number of tests for the strictest step of Holm's procedure.
    power
        Chance, in (0, 1), that the test shows such a difference.

    Returns
    -------
    float
        In the units of ``error``; NaN where that is NaN or there are fewer than two units.

    References
    ----------
    J. M. Bland, The tyranny of power: is there a better way to calculate sample size? BMJ 339, 2009: the sum
    of the two quantiles, here Student's.
    """
    if not 0 < power < 1 or not 0 < level < 1:
        raise ValueError(f"level {level} and power {power} lie between 0 and 1")
    if units < 2:
        return float("nan")
    return float(error * (stats.t.ppf(1 - level / 2, units - 1) + stats.t.ppf(power, units - 1)))


def equivalence(gap: float, error: float, units: int, margin: float) -> float:
    """Two one-sided tests (TOST) that a difference lies within a margin; returns the larger p value.

    Parameters
    ----------
    gap, error
        Difference and its standard error.
    units
        As in `resolvable`.
    margin
        Differences up to this size, in the units of ``gap``, count as none.

    Returns
    -------
    float
        Below 5%, the two are as good as each other to within the margin. 0 or 1 for an error of zero; NaN
        where a number is missing.

    References
    ----------
    D. J. Schuirmann, A comparison of the two one-sided tests procedure and the power approach for assessing
    the equivalence of average bioavailability, J. Pharmacokinetics and Biopharmaceutics 15(6), 1987.
    """
    if margin <= 0:
        raise ValueError(f"margin={margin} must be positive: what difference would not matter?")
    if np.isnan([gap, error]).any() or units < 2:
        return float("nan")
    if error == 0:
        return float(abs(gap) >= margin)
    return float(stats.t.sf((margin - abs(gap)) / error, units - 1))
