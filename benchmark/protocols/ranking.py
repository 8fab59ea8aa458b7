"""Ranks of methods on one data set and over several: how certain they are, and who is not told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from zlib import crc32

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.evidence import ENOUGH, decides
from benchmark.statistics.estimates import COLUMNS
from benchmark.statistics.ranks import letters, ranks
from benchmark.statistics.significance import holm

from .rows import Floats

OVERALL = "all"
"""Name that stands for all data sets together in a table of ranks."""


def rank_table(
    value: pd.Series, draws: pd.DataFrame, *, units: int, n: int, protocol: str, p: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Rank, its interval, the chance of being first, and compact letters.

    Parameters
    ----------
    value
        A statistic of which more is better, by method; methods without a value take no part.
    draws
        The same in every resample: a column a method, a row a resample of all of them together.
    units, n
        References (or images) and images behind it.
    protocol
        How the draws were made, in words.
    p
        ``method_a, method_b, p_holm`` of the pairs, for the letters; none without it.

    Returns
    -------
    DataFrame
        ``method`` and the tidy columns with the statistics ``rank`` (interval of the rank; 1 is best) and
        ``first`` (share of resamples in which it is first), and ``letters``: methods that share one are not
        told apart. Nothing but the rank's value below `benchmark.evidence.ENOUGH` units.
    """
    known = value.dropna().sort_values(ascending=False, kind="stable")
    names, columns = [str(name) for name in known.index], ["method", *COLUMNS, "letters"]
    if known.empty:
        return pd.DataFrame(columns=columns)
    ranked = ranks(known.to_numpy(), draws[names].to_numpy(np.float64).T, units=units)
    enough = decides(units)
    marks = letters(_matrix(names, p)) if enough and p is not None else [""] * len(names)
    protocol += "" if enough else f"; no interval: {ENOUGH} references or images would be needed"
    rows = []
    for k, name in enumerate(names):
        bounds = (ranked.low[k], ranked.high[k]) if enough else (np.nan, np.nan)
        share = ranked.first[k] if enough else np.nan
        rows.append((name, "rank", ranked.rank[k], *bounds, n, units, protocol, marks[k]))
        rows.append((name, "first", share, np.nan, np.nan, n, units, protocol, ""))
    return pd.DataFrame(rows, columns=columns)


def over_sets(
    values: Mapping[str, pd.Series], draws: Mapping[str, pd.DataFrame], *, seed: int = 0
) -> tuple[pd.Series, pd.DataFrame, list[str]]:
    """Mean of Fisher's z over data sets, as measured and in every resample of all of them.

    The data sets are held fixed, their pictures are not: what other data sets would say is another question
    (`benchmark.protocols.new_sets`).

    Parameters
    ----------
    values
        By data set, the correlation of each method.
    draws
        By data set, the correlations in every resample (as many everywhere).
    seed
        Of the order in which resamples of different data sets meet.

    Returns
    -------
    value, draws
        Of the methods that have a value on every data set taken.
    sets
        The data sets taken: those on which all methods have one, or else all, with fewer methods.
    """
    table = pd.DataFrame(values)
    sets = list(table.columns[table.notna().all()]) or list(table.columns)
    methods = list(table.index[table[sets].notna().all(axis=1)])
    together = []
    for name in sets:
        part = z(draws[name][methods].to_numpy(np.float64))
        # A resample's number settles which pictures it holds by their places in a list: mix the numbers.
        order = np.random.default_rng([seed, crc32(name.encode())]).permutation(len(part))
        together.append(part[order])
    mean = pd.DataFrame(np.mean(together, axis=0), columns=methods)
    return pd.Series(z(table.loc[methods, sets].to_numpy()).mean(axis=1), index=methods), mean, sets


def pair_tests(value: pd.Series, draws: pd.DataFrame, *, units: int) -> pd.DataFrame:
    """Test every pair of methods by the bootstrap's standard error: ``method_a, method_b, p, p_holm``."""
    rows = []
    for a, b in combinations(value.index, 2):
        error = float(np.nanstd(draws[a] - draws[b]) * np.sqrt(units / max(units - 1, 1)))
        gap = float(value[a] - value[b])
        p = float(2 * stats.t.sf(abs(gap) / error, max(units - 1, 1))) if error > 0 else float(gap == 0)
        rows.append((a, b, p if decides(units) else np.nan))
    table = pd.DataFrame(rows, columns=["method_a", "method_b", "p"])
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64)))


def of_fair(table: pd.DataFrame, methods: Collection[str]) -> pd.DataFrame:
    """Rows of a table of pairs both of whose methods are among ``methods``."""
    return table[table["method_a"].isin(methods) & table["method_b"].isin(methods)]


def _matrix(names: Sequence[str], pairs: pd.DataFrame) -> Floats:
    place = {name: k for k, name in enumerate(names)}
    table = np.full((len(names), len(names)), np.nan)
    for row in of_fair(pairs, names).to_dict("records"):
        a, b = place[row["method_a"]], place[row["method_b"]]
        table[a, b] = table[b, a] = row["p_holm"]
    return table


def z(value: Floats) -> Floats:
    """Fisher's z, a perfect correlation a little below infinity."""
    return np.asarray(np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12)))
