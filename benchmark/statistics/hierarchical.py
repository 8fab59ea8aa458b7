"""Several data sets as a sample of data sets: a mean, the spread between them, and what a new one would say.

The model is the linear mixed one with the data set as a random effect and the error of each correlation
known: Fisher's z of a data set scatters about the mean with the spread between data sets and its own error.
statsmodels estimates the spread (Paule and Mandel); intervals follow Hartung and Knapp, whose error never
falls below the plain one, with Student's t.

References
----------
J. P. T. Higgins, S. G. Thompson, D. J. Spiegelhalter, A re-evaluation of random-effects meta-analysis,
JRSS A 172(1), 2009: the prediction for a new study.
G. Knapp, J. Hartung, Improved tests for a random effects meta-regression with a single covariate, Statistics
in Medicine 22(17), 2003.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

FEWEST = 3
"""Data sets that a spread between data sets, and so a prediction, needs: two leave no degree of freedom."""
_EXACT = 1e-12


@dataclass(frozen=True)
class Hierarchical:
    """Mean of an effect over data sets, and of what a new data set would show.

    Parameters
    ----------
    mean, error
        Mean over data sets and its standard error.
    low, high
        95% interval of the mean, Student's t with one degree of freedom less than there are data sets.
    spread
        Standard deviation between data sets, their own errors taken out.
    new_low, new_high
        95% prediction interval of the effect on a new data set of the same kind.
    chance
        Probability that the effect is positive there.
    sets
        Number of data sets.
    """

    mean: float
    error: float
    low: float
    high: float
    spread: float
    new_low: float
    new_high: float
    chance: float
    sets: int


def hierarchical(effect: ArrayLike, error: ArrayLike, *, level: float = 0.95) -> Hierarchical | None:
    """Estimate mean and spread of an effect over data sets.

    Parameters
    ----------
    effect
        Of each data set, on a scale without ends: Fisher's z of a correlation, or the difference of two,
        ``[K]``.
    error
        Its standard error, ``[K]``.
    level
        Coverage of both intervals.

    Returns
    -------
    Hierarchical or None
        None for fewer than three data sets.

    Raises
    ------
    ValueError
        If the shapes disagree or a number is missing.
    """
    y, s = np.asarray(effect, dtype=np.float64), np.asarray(error, dtype=np.float64)
    if y.ndim != 1 or y.shape != s.shape or not np.isfinite([y, s]).all():
        raise ValueError(
            f"effects {y.shape} and errors {s.shape}, all finite, are needed of the same data sets"
        )
    k = y.size
    if k < FEWEST:
        return None
    from statsmodels.stats.meta_analysis import combine_effects  # here, since it takes a second

    with np.errstate(divide="ignore", invalid="ignore"):  # shares of variance that are not asked for
        found = combine_effects(y, np.maximum(s**2, _EXACT), method_re="iterated")
    mean, tau = float(found.mean_effect_re), float(np.sqrt(max(found.tau2, 0.0)))
    wide = float(max(found.sd_eff_w_re, found.sd_eff_w_re_hksj))
    half = float(stats.t.ppf((1 + level) / 2, k - 1)) * wide
    new = float(np.hypot(tau, wide))
    reach = float(stats.t.ppf((1 + level) / 2, k - 2)) * new
    chance = float(stats.t.cdf(mean / new, k - 2))
    return Hierarchical(mean, wide, mean - half, mean + half, tau, mean - reach, mean + reach, chance, k)
