"""Methods compared over several data sets: signed ranks of each pair, mean ranks of all.

A handful of data sets decides little. Every result here says the smallest p value that so many data sets can
give at all, or the gap in mean rank that would have been seen.

References
----------
J. Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7, 2006.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.arrays import Floats

from .significance import holm


def signed_ranks(values: pd.DataFrame) -> pd.DataFrame:
    """Wilcoxon's signed-rank test of every pair of methods over the data sets, Holm over the pairs.

    Parameters
    ----------
    values
        One row a data set, one column a method; more is better. Data sets that lack a method's value do not
        count for its pairs.

    Returns
    -------
    DataFrame
        ``method_a, method_b, median_difference, n, p, p_holm, smallest_p``: ``n`` data sets on which the two
        differ, ``smallest_p`` what n wins of n would give. p is 1 where the two never differ.
    """
    rows = []
    for a, b in combinations(values.columns, 2):
        gap = (values[a] - values[b]).dropna().to_numpy(np.float64)
        moved = gap[gap != 0]
        p = float(stats.wilcoxon(moved, method=_method(moved)).pvalue) if moved.size else 1.0
        median = float(np.median(gap)) if gap.size else np.nan
        smallest = 2.0 ** (1 - moved.size) if moved.size else 1.0
        rows.append((a, b, median, moved.size, p if gap.size else np.nan, smallest))
    columns = ["method_a", "method_b", "median_difference", "n", "p", "smallest_p"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(5, "p_holm", holm(table["p"].to_numpy(np.float64)))
    return table


@dataclass(frozen=True)
class MeanRanks:
    """Friedman's test and what a critical-difference diagram draws.

    Parameters
    ----------
    ranks
        Mean rank of each method, best (1) first.
    n
        Data sets on which every method has a value.
    left_out
        Data sets that lack one.
    p
        Friedman's p value; NaN for fewer than three methods or two data sets.
    nemenyi
        p value of every pair after Nemenyi.
    critical_difference
        Gap in mean rank that is significant at ``alpha`` (Nemenyi).
    power
        Chance that Friedman's test at ``alpha`` would have noticed one method better than the equal others by
        one standard deviation of what data sets scatter by: read it before reading "no difference".
    """

    ranks: pd.Series
    n: int
    left_out: tuple[str, ...]
    p: float
    nemenyi: pd.DataFrame
    critical_difference: float
    power: float


def mean_ranks(
    values: pd.DataFrame, *, alpha: float = 0.05, simulations: int = 2000, seed: int = 0
) -> MeanRanks:
    """Rank methods on every data set and test whether the mean ranks differ.

    `scikit_posthocs.critical_difference_diagram(result.ranks, result.nemenyi)` draws the diagram.

    Parameters
    ----------
    values
        One row a data set, one column a method; more is better.
    alpha
        Level of the tests.
    simulations, seed
        Of the power.

    Raises
    ------
    ValueError
        If fewer than two methods are given.
    """
    if values.shape[1] < 2:
        raise ValueError("ranks need two methods at least")
    complete = values.dropna()
    left_out = tuple(str(name) for name in values.index.difference(complete.index, sort=False))
    n, k = complete.shape
    ranks = complete.rank(axis=1, ascending=False).mean().sort_values()
    p, nemenyi, power = np.nan, pd.DataFrame(np.nan, values.columns, values.columns), np.nan
    if n >= 2 and k >= 3:
        flat = bool(np.ptp(complete.to_numpy(np.float64), axis=1).max() == 0)
        p = 1.0 if flat else float(stats.friedmanchisquare(*complete.to_numpy(np.float64).T).pvalue)
        import scikit_posthocs  # here, since it brings matplotlib and statsmodels: seconds

        nemenyi = scikit_posthocs.posthoc_nemenyi_friedman(complete.to_numpy(np.float64))
        nemenyi = pd.DataFrame(nemenyi.to_numpy(), complete.columns, complete.columns)
        power = friedman_power(k, n, alpha=alpha, simulations=simulations, seed=seed)
    return MeanRanks(ranks, n, left_out, p, nemenyi, critical_difference(k, n, alpha=alpha), power)


def critical_difference(methods: int, datasets: int, *, alpha: float = 0.05) -> float:
    """Nemenyi's critical difference of mean ranks (Demsar, section 3.2.2); NaN without data sets."""
    if datasets < 1:
        return float("nan")
    q = stats.studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(methods * (methods + 1) / (6 * datasets)))


def friedman_power(
    methods: int,
    datasets: int,
    *,
    effect: float = 1.0,
    alpha: float = 0.05,
    simulations: int = 2000,
    seed: int = 0,
) -> float:
    """Chance that Friedman's test notices one method ahead of the equal others, by simulation.

    Parameters
    ----------
    methods, datasets
        Size of the comparison.
    effect
        Lead of the one method in standard deviations of the normal scatter over data sets.
    alpha
        Level of the test.
    simulations, seed
        Of the simulation; its error is at most half a standard deviation over root ``simulations``.
    """
    draws = np.random.default_rng(seed).normal(size=(simulations, datasets, methods))
    draws[..., 0] += effect
    mean = stats.rankdata(draws, axis=2).mean(axis=1)
    spread = ((mean - (methods + 1) / 2) ** 2).sum(axis=1)
    statistic = 12 * datasets / (methods * (methods + 1)) * spread
    return float(np.mean(statistic > stats.chi2.ppf(1 - alpha, methods - 1)))


def _method(moved: Floats) -> str | stats.PermutationMethod:
    """Choose the distribution under the null: exact for a few data sets, with ties through all signs."""
    if moved.size <= 50 and np.unique(np.abs(moved)).size == moved.size:
        return "exact"
    return stats.PermutationMethod(n_resamples=2**13) if moved.size <= 13 else "approx"
