"""Two methods on the same images, and whether one of them is better."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from benchmark.statistics.bootstrap import bootstrap, interval
from benchmark.statistics.influence import difference_test, influence
from benchmark.statistics.significance import holm, win_tie_loss
from benchmark.statistics.weighted import PREPARE

from .rows import COLUMNS, Resampling, describe
from .samples import Samples, join

TESTED = ("srcc", "krcc", "plcc")


def differences(
    scores_by_method: Mapping[str, pd.DataFrame],
    manifest: pd.DataFrame,
    *,
    higher_is_better: Mapping[str, bool],
    mos_higher_is_better: bool,
    statistic: str = "srcc",
    resamples: int = 1000,
    seed: int = 0,
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
    resamples, seed
        Of the paired bootstrap.

    Returns
    -------
    DataFrame
        ``method_a, method_b, statistic, value, low, high, n, protocol, p, p_holm``: ``value`` is the
        statistic of a minus that of b with its paired bootstrap interval, ``p`` tests that there is no
        difference (`benchmark.statistics.difference_test`, two-sided) and ``p_holm`` corrects it for all
        pairs of this table.

    Raises
    ------
    ValueError
        If the statistic is unknown, columns are missing or images listed twice.
    """
    if statistic not in TESTED:
        raise ValueError(f"unknown statistic {statistic!r}: choose from {', '.join(TESTED)}")
    samples = join(scores_by_method, manifest, higher_is_better, mos_higher_is_better).rated()
    names = list(scores_by_method)
    rows = _pairs(samples, names, statistic, Resampling(resamples, seed)) if len(samples.frame) else []
    table = pd.DataFrame(rows, columns=["method_a", "method_b", *COLUMNS, "p"])
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
            bounds = interval(draws[a] - draws[b], units=samples.units)
        p = difference_test((value[a], value[b]), (moved[a], moved[b]))[1]
        cells = (names[a], names[b], statistic, gap, *bounds, n, protocol, p)
        rows.append(dict(zip(["method_a", "method_b", *COLUMNS, "p"], cells, strict=True)))
    return rows


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
