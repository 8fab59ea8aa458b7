"""Two methods on the same images, and whether one of them is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from benchmark.evidence import decides
from benchmark.statistics.bootstrap import bootstrap, interval
from benchmark.statistics.dependent import meng
from benchmark.statistics.estimates import COLUMNS, tidy
from benchmark.statistics.influence import acceleration, difference_test, influence
from benchmark.statistics.power import equivalence, resolvable
from benchmark.statistics.significance import holm, win_tie_loss
from benchmark.statistics.weighted import PREPARE

from .rows import DEFAULT, Floats, Resampling, describe
from .samples import Samples, join

TESTED = ("srcc", "krcc", "plcc")
MARGIN = 0.01
"""Difference of a correlation up to which two methods count as equally good, where nobody says another."""
LEVEL, POWER = 0.05, 0.8
_TESTS = ("p", "p_meng", "error", "resolvable", "p_equivalent")
_COLUMNS = ["method_a", "method_b", *COLUMNS, *_TESTS]


@dataclass(frozen=True)
class Joint:
    """A statistic of several methods on the images that all of them scored, with its joint bootstrap.

    Parameters
    ----------
    names
        The methods.
    statistic
        One of `TESTED`.
    samples
        Scores and opinions.
    value
        The statistic of each, ``[M]``.
    draws
        The same in every resample, ``[M, resamples]``; a column is one resample of all methods.
    how
        How it was resampled.
    """

    names: tuple[str, ...]
    statistic: str
    samples: Samples
    value: Floats
    draws: Floats
    how: Resampling


def joint(
    scores_by_method: Mapping[str, pd.DataFrame],
    manifest: pd.DataFrame,
    *,
    higher_is_better: Mapping[str, bool],
    mos_higher_is_better: bool,
    statistic: str = "srcc",
    how: Resampling = DEFAULT,
) -> Joint | None:
    """Resample all methods together: whole references where there are any, else images.

    Parameters
    ----------
    scores_by_method, manifest, higher_is_better, mos_higher_is_better, statistic, how
        As in `differences`.

    Returns
    -------
    Joint or None
        None where no image has an opinion and a score of every method.

    Raises
    ------
    ValueError
        As `differences`.
    """
    if statistic not in TESTED:
        raise ValueError(f"unknown statistic {statistic!r}: choose from {', '.join(TESTED)}")
    samples = join(scores_by_method, manifest, higher_is_better, mos_higher_is_better).rated()
    if not len(samples.frame):
        return None
    value = PREPARE[statistic](samples.scores, samples.mos)(np.ones((1, len(samples.frame))))[:, 0]
    draws = bootstrap(
        samples.scores, samples.mos, statistic, groups=samples.groups, resamples=how.resamples, seed=how.seed
    )
    return Joint(tuple(scores_by_method), statistic, samples, value, draws, how)


def differences(
    scores_by_method: Mapping[str, pd.DataFrame],
    manifest: pd.DataFrame,
    *,
    higher_is_better: Mapping[str, bool],
    mos_higher_is_better: bool,
    statistic: str = "srcc",
    how: Resampling = DEFAULT,
    margin: float = MARGIN,
) -> pd.DataFrame:
    """Every pair of methods on the images that all of them scored.

    Parameters
    ----------
    scores_by_method
        For each method a frame with ``image, score``.
    manifest
        ``image, mos`` and, where they exist, ``reference``: references are resampled whole then.
    higher_is_better
        Direction of each method's score.
    mos_higher_is_better
        Direction of the opinions.
    statistic
        ``"srcc"``, ``"krcc"`` or ``"plcc"`` (raw).
    how
        How intervals are made.
    margin
        Difference up to which two methods count as equally good.

    Returns
    -------
    DataFrame
        `differences_of` the methods.

    Raises
    ------
    ValueError
        If the statistic is unknown, columns are missing or images listed twice.
    """
    together = joint(
        scores_by_method,
        manifest,
        higher_is_better=higher_is_better,
        mos_higher_is_better=mos_higher_is_better,
        statistic=statistic,
        how=how,
    )
    return differences_of(together, margin=margin)


def differences_of(found: Joint | None, *, margin: float = MARGIN) -> pd.DataFrame:
    """Every pair of methods that were resampled together.

    Returns
    -------
    DataFrame
        ``method_a, method_b, statistic, value, low, high, n, units, protocol, p, p_meng, error, resolvable,
        p_equivalent, p_holm``. ``value`` is the statistic of a minus that of b with its paired bootstrap
        interval; ``p`` tests that there is no difference (`benchmark.statistics.difference_test`, two-sided)
        and ``p_holm`` corrects it for all pairs of this table; ``p_meng`` is the closed form for normal data,
        a check, where images have no references. ``error`` is the bootstrap's standard error of the
        difference, ``resolvable`` the least true difference that the corrected test shows with a chance of
        80% or more, and ``p_equivalent`` tests that the difference is less than the margin (TOST). Below
        `benchmark.evidence.ENOUGH` units all but value, interval and error are NaN.
    """
    rows = _pairs(found, margin) if found is not None else []
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64)))


def resolvable_of(table: pd.DataFrame) -> pd.DataFrame:
    """Sum up what the pairs of one data set could have shown, from their `differences_of`.

    Returns
    -------
    DataFrame
        Tidy columns with ``resolvable_least``, ``resolvable_median`` and ``resolvable_most`` over the pairs.
    """
    if table.empty:
        return pd.DataFrame(columns=COLUMNS)
    least, one = table["resolvable"], table.iloc[0]
    shares = {"least": least.min(), "median": least.median(), "most": least.max()}
    about = (np.nan, np.nan, one["n"], one["units"], one["protocol"])
    rows = [(f"resolvable_{name}", value, *about) for name, value in shares.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _pairs(found: Joint, margin: float) -> list[dict[str, object]]:
    samples, statistic, value = found.samples, found.statistic, found.value
    n, units, groups = len(samples.frame), samples.units, samples.groups
    moved = [influence(s, samples.mos, statistic, groups=groups) for s in samples.scores]
    pairs = list(combinations(range(len(found.names)), 2))
    strictest = LEVEL / max(len(pairs), 1)
    words = "whole set, paired; p by the infinitesimal jackknife on Fisher's z"
    words += f"; resolvable with {POWER:.0%} power at Holm's strictest level; margin {margin:g}"
    protocol = describe(samples, found.how, words)
    rows = []
    for a, b in pairs:
        gap, drawn = float(value[a] - value[b]), found.draws[a] - found.draws[b]
        bounds, error, tests = (np.nan, np.nan), np.nan, (np.nan,) * 4
        if np.isfinite(gap) and units > 1:
            corrected = found.how.interval == "bca"
            skew = acceleration(moved[a] - moved[b]) if corrected else 0.0
            bounds = interval(drawn, gap if corrected else None, units=units, acceleration=skew)
            error = float(np.nanstd(drawn) * np.sqrt(units / (units - 1)))
        if decides(units):
            p = difference_test((value[a], value[b]), (moved[a], moved[b]))[1]
            closed = _meng(samples, statistic, (a, b), (value[a], value[b]))
            least = resolvable(error, units, level=strictest, power=POWER)
            tests = (p, closed, least, equivalence(gap, error, units, margin))
        p, closed, least, equal = tests
        row = tidy(
            {"method_a": found.names[a], "method_b": found.names[b]},
            statistic,
            (gap, *bounds, n),
            protocol,
            units=units,
        )
        rows.append(row | dict(zip(_TESTS, (p, closed, error, least, equal), strict=True)))
    return rows


def _meng(samples: Samples, statistic: str, pair: tuple[int, int], values: tuple[float, float]) -> float:
    """P value of Meng's closed form, a check; NaN where images are not independent or it does not apply."""
    a, b = samples.scores[list(pair)]
    if samples.groups is not None or statistic == "krcc" or not np.isfinite([a, b]).all():
        return float("nan")
    between = float(PREPARE[statistic](a[None], b)(np.ones((1, a.size)))[0, 0])
    return meng(float(values[0]), float(values[1]), between, a.size)[1]


def wins(table: pd.DataFrame, *, statistic: str = "srcc", alpha: float = LEVEL) -> pd.DataFrame:
    """Count over data sets how often each method is better than, level with, or worse than each other one.

    Parameters
    ----------
    table
        `differences` of several data sets under one another.
    statistic
        Statistic that is compared.
    alpha
        Level for ``p_holm``.

    Returns
    -------
    DataFrame
        ``method_a, method_b, wins, ties, losses``, both orders of every pair.
    """
    part = table[table["statistic"].eq(statistic)]
    names = sorted({*part["method_a"], *part["method_b"]})
    sets = list(dict.fromkeys(part["dataset"])) if "dataset" in part else [None]
    p = np.full((len(sets), len(names), len(names)), np.nan)
    gap = p.copy()
    for row in part.to_dict("records"):
        k = sets.index(row.get("dataset"))
        a, b = names.index(row["method_a"]), names.index(row["method_b"])
        p[k, a, b] = p[k, b, a] = row["p_holm"]
        gap[k, a, b], gap[k, b, a] = row["value"], -row["value"]
    counted = win_tie_loss(p, gap, alpha=alpha)
    rows = [
        (a, b, *map(int, counted[i, j])) for i, a in enumerate(names) for j, b in enumerate(names) if i != j
    ]
    return pd.DataFrame(rows, columns=["method_a", "method_b", "wins", "ties", "losses"])
