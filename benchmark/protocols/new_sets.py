"""From the data sets of a run to others: mean and spread of each method, chances of each pair."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from benchmark.statistics.hierarchical import Hierarchical, hierarchical

from .ranking import z

CHANCES = ["difference", "difference_low", "difference_high", "spread", "chance", "sets"]


def over_new_sets(
    values: Mapping[str, pd.Series], draws: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate what a data set that is not there would show, if it is of the same kind.

    Parameters
    ----------
    values
        By data set, the correlation of each method that takes part there.
    draws
        By data set, the correlations in every resample: a column a method.

    Returns
    -------
    methods
        ``method, statistic, value, low, high, n``: ``mean`` (correlation at the mean of Fisher's z over data
        sets, with its interval), ``new_set`` (the same value with the 95% prediction interval for one more
        data set) and ``spread`` (standard deviation of Fisher's z between data sets); ``n`` counts data sets.
    pairs
        ``method_a, method_b`` and `CHANCES`: the mean difference of Fisher's z, first minus second, with its
        interval and spread, and the chance that the first is ahead on one more data set. NaN with fewer than
        three data sets in common.
    """
    effects = {name: pd.Series(z(value.to_numpy()), index=value.index) for name, value in values.items()}
    moved = {name: pd.DataFrame(z(d.to_numpy()), columns=d.columns) for name, d in draws.items()}
    names = list(dict.fromkeys(m for value in values.values() for m in value.dropna().index))
    rows, pairs = [], []
    for name in names:
        sets = [k for k, value in effects.items() if name in value and np.isfinite(value[name])]
        effect = hierarchical([effects[k][name] for k in sets], [_sd(moved[k][name]) for k in sets])
        rows += _rows(name, effect)
    for a, b in combinations(names, 2):
        both = [k for k, value in effects.items() if {a, b} <= set(value.dropna().index)]
        gaps = [effects[k][a] - effects[k][b] for k in both]
        effect = hierarchical(gaps, [_sd(moved[k][a] - moved[k][b]) for k in both])
        cells = (np.nan,) * 5 if effect is None else _difference(effect)
        pairs.append((a, b, *cells, len(both)))
    methods = pd.DataFrame(rows, columns=["method", "statistic", "value", "low", "high", "n"])
    return methods, pd.DataFrame(pairs, columns=["method_a", "method_b", *CHANCES])


def _sd(drawn: pd.Series) -> float:
    return float(np.nanstd(drawn))


def _rows(name: str, found: Hierarchical | None) -> list[tuple[object, ...]]:
    if found is None:
        return []
    mean, low, high = np.tanh([found.mean, found.low, found.high])
    new_low, new_high = np.tanh([found.new_low, found.new_high])
    return [
        (name, "mean", mean, low, high, found.sets),
        (name, "new_set", mean, new_low, new_high, found.sets),
        (name, "spread", found.spread, np.nan, np.nan, found.sets),
    ]


def _difference(found: Hierarchical) -> tuple[float, ...]:
    return found.mean, found.low, found.high, found.spread, found.chance
