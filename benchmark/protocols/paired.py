"""Two methods on the same images, and whether one of them is better."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from benchmark.statistics.bootstrap import bootstrap, interval
from benchmark.statistics.dependent import meng
from benchmark.statistics.influence import acceleration, difference_test, influence
from benchmark.statistics.significance import holm, win_tie_loss
from benchmark.statistics.weighted import PREPARE

from .rows import COLUMNS, DEFAULT, Resampling, describe
from .samples import Samples, join

TESTED = ("srcc", "krcc", "plcc")
_COLUMNS = ["method_a", "method_b", *COLUMNS, "p", "p_meng"]


def differences(
    scores_by_method: Mapping[str, pd.DataFrame],
    manifest: pd.DataFrame,
    *,
    higher_is_better: Mapping[str, bool],
    mos_higher_is_better: bool,
    statistic: str = "srcc",
    how: Resampling = DEFAULT,
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

    Returns
    -------
    DataFrame
        ``method_a, method_b, statistic, value, low, high, n, protocol, p, p_meng, p_holm``: ``value`` is
        the statistic of a minus that of b with its paired bootstrap interval, ``p`` tests that there is no
        difference (`benchmark.statistics.difference_test`, two-sided) and ``p_holm`` corrects it for all
        pairs of this table. ``p_meng`` is the closed form for normal data, a check, where images have no
        references.

    Raises
    ------
    ValueError
        If the statistic is unknown, columns are missing or images listed twice.
    """
    if statistic not in TESTED:
        raise ValueError(f"unknown statistic {statistic!r}: choose from {', '.join(TESTED)}")
    samples = join(scores_by_method, manifest, higher_is_better, mos_higher_is_better).rated()
    names = list(scores_by_method)
    rows = _pairs(samples, names, statistic, how) if len(samples.frame) else []
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64)))


def _pairs(samples: Samples, names: list[str], statistic: str, how: Resampling) -> list[dict[str, object]]:
    n, groups = len(samples.frame), samples.groups
    value = PREPARE[statistic](samples.scores, samples.mos)(np.ones((1, n)))[:, 0]
    draws = bootstrap(
        samples.scores, samples.mos, statistic, groups=groups, resamples=how.resamples, seed=how.seed
    )
    moved = [influence(s, samples.mos, statistic, groups=groups) for s in samples.scores]
    words = "zero-shot, whole set, paired; p by the infinitesimal jackknife on Fisher's z"
    protocol = describe(samples, how, words)
    rows = []
    for a, b in combinations(range(len(names)), 2):
        gap = float(value[a] - value[b])
        bounds = (np.nan, np.nan)
        if np.isfinite(gap) and samples.units > 1:
            corrected = how.interval == "bca"
            skew = acceleration(moved[a] - moved[b]) if corrected else 0.0
            bounds = interval(
                draws[a] - draws[b], gap if corrected else None, units=samples.units, acceleration=skew
            )
        p = difference_test((value[a], value[b]), (moved[a], moved[b]))[1]
        closed = _meng(samples, statistic, (a, b), (value[a], value[b]))
        cells = (names[a], names[b], statistic, gap, *bounds, n, protocol, p, closed)
        rows.append(dict(zip(_COLUMNS, cells, strict=True)))
    return rows


def _meng(samples: Samples, statistic: str, pair: tuple[int, int], values: tuple[float, float]) -> float:
    """P value of Meng's closed form, a check; NaN where images are not independent or it does not apply."""
    a, b = samples.scores[list(pair)]
    if samples.groups is not None or statistic == "krcc" or not np.isfinite([a, b]).all():
        return float("nan")
    between = float(PREPARE[statistic](a[None], b)(np.ones((1, a.size)))[0, 0])
    return meng(float(values[0]), float(values[1]), between, a.size)[1]


def wins(table: pd.DataFrame, *, statistic: str = "srcc", alpha: float = 0.05) -> pd.DataFrame:
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
