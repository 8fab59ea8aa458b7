"""Several runs of one thing: over seeds, and over data sets."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.evidence import decided
from benchmark.statistics.across import MeanRanks, mean_ranks, signed_ranks
from benchmark.statistics.estimates import COLUMNS


def seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread of each number over training seeds.

    Parameters
    ----------
    runs
        Tidy tables of the runs under one another with a column ``seed``; the other columns besides the tidy
        ones (``method``, ``dataset`` ...) say what belongs together.

    Returns
    -------
    DataFrame
        Those keys, the tidy columns and ``sd``: ``value`` is the mean, ``low`` and ``high`` bound with 95%
        the next single run (mean +- t sd sqrt(1 + 1/runs)), cut at the ends of what the statistic can be. A
        published figure is one run: inside these bounds its difference is no more than seeds make. NaN bounds
        for one run. ``n`` counts runs.

    Raises
    ------
    ValueError
        If ``runs`` has no column ``seed``, or one seed gives a number twice.
    """
    if "seed" not in runs:
        raise ValueError("runs lack the column 'seed' that tells them apart")
    known = {*COLUMNS, "seed", "published", "standing", "version"}
    keys = [*(c for c in runs.columns if c not in known), "statistic"]
    twice = runs.duplicated([*keys, "seed"])
    if twice.any():
        first = runs[twice].iloc[0]
        raise ValueError(f"seed {first['seed']!r} gives {first['statistic']!r} twice")
    rows = []
    for group, part in runs.groupby(keys, sort=False, dropna=False):
        values = part["value"].dropna().to_numpy(np.float64)
        n = values.size
        reading = _reading(part)
        mean = float(values.mean()) if n else np.nan
        sd = float(values.std(ddof=1)) if n > 1 else np.nan
        half = float(stats.t.ppf(0.975, n - 1)) * sd * np.sqrt(1 + 1 / n) if n > 1 else np.nan
        undefined = f"; {len(part) - n} runs undefined" if len(part) > n else ""
        which = ", ".join(map(str, part.loc[part["value"].notna(), "seed"]))
        protocol = f"{reading}; mean of {n} seeds ({which}); bounds of one further run, 95%{undefined}"
        units = part["units"].min() if "units" in part else np.nan
        ends = np.clip([mean - half, mean + half], *_range(str(group[-1])))
        rows.append((*group, mean, *ends.tolist(), n, units, protocol, sd))
    return pd.DataFrame(rows, columns=[*keys[:-1], *COLUMNS, "sd"])


def _range(statistic: str) -> tuple[float, float]:
    """Ends of what a statistic of agreement can be; a share of the ceiling may pass 1."""
    if statistic in ("outlier_ratio", "rmse"):
        return 0.0, 1.0 if statistic == "outlier_ratio" else np.inf
    correlation = statistic.startswith(("srcc", "krcc", "plcc")) and statistic != "srcc_of_ceiling"
    return (-1.0, 1.0) if correlation else (-np.inf, np.inf)


def against_seeds(
    spread: pd.DataFrame, single: pd.DataFrame, *, among: Sequence[str] = ("dataset",)
) -> pd.DataFrame:
    """Whether a number of one run lies where a further seed of another would.

    Parameters
    ----------
    spread
        Numbers over seeds (`seeds`).
    single
        Tidy numbers of single runs of anything else: a variant, or a published figure as ``value``.
    among
        Columns besides ``statistic`` that say which number of ``spread`` a row is held against.

    Returns
    -------
    DataFrame
        The rows of ``single`` that have their number in ``spread``, with its bounds as ``low`` and ``high``,
        ``n`` 1 (a run) and ``within``: True, False, or None where one of the three is undefined or too few
        references or pictures stand behind the row (`benchmark.evidence`).
    """
    keys = [*among, "statistic"]
    bounds = spread[[*keys, "low", "high"]]
    found = single.drop(columns=["low", "high", "within"], errors="ignore").merge(
        bounds, on=keys, validate="many_to_one"
    )
    known = found[["value", "low", "high"]].notna().all(axis=1)
    known &= np.array([decided(row) for row in found.to_dict("records")], dtype=bool)
    inside = found["value"].between(found["low"], found["high"])
    words = "one run, against the bounds of one further seed"
    return found.assign(
        n=1,
        protocol=[f"{_reading(found.iloc[[k]])}; {words}" for k in range(len(found))],
        within=inside.astype(object).where(known, None),
    )


def _reading(runs: pd.DataFrame) -> str:
    """Return what the protocols of some runs share, without how each makes its interval, and their images."""
    each = [[part.strip() for part in str(text).split(";")] for text in runs["protocol"]]
    shared = [p for p in each[0] if all(p in other for other in each) and not _OF_INTERVALS.match(p)]
    count = "/".join(dict.fromkeys(f"{n:.0f}" for n in runs["n"].dropna()))
    return "; ".join([*shared, f"{count} images"])


#: Parts of a protocol that speak of the interval of a single run.
_OF_INTERVALS = re.compile(r"bootstrap|jackknife|infinitesimal|95%|seed |no interval|$")


def across_sets(table: pd.DataFrame, *, statistic: str = "srcc") -> tuple[pd.DataFrame, MeanRanks]:
    """Compare methods over all data sets of a zero-shot table.

    Parameters
    ----------
    table
        Tidy with ``method, dataset``.
    statistic
        Statistic that is ranked, more being better.

    Returns
    -------
    pairs
        Wilcoxon's signed ranks of every pair with Holm (`benchmark.statistics.signed_ranks`).
    ranks
        Friedman's mean ranks with critical difference and power (`benchmark.statistics.mean_ranks`).

    Raises
    ------
    ValueError
        If no row has that statistic, or only one method has.
    """
    part = table[table["statistic"].eq(statistic)]
    if part.empty:
        known = ", ".join(sorted(set(table["statistic"])))
        raise ValueError(f"no rows of statistic {statistic!r}: there are {known}")
    # pivot, not pivot_table: a method given twice must not be averaged in silence.
    values = part.pivot(index="dataset", columns="method", values="value")  # noqa: PD010
    return signed_ranks(values), mean_ranks(values)
