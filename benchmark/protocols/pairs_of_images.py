"""Krasula's analysis as tables: one of the methods, one of the differences between them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from benchmark.evidence import decides
from benchmark.statistics.bootstrap import MIN_UNITS
from benchmark.statistics.discrimination import Discrimination, Tallies, discriminate
from benchmark.statistics.estimates import COLUMNS, tidy
from benchmark.statistics.significance import holm

from .rows import number
from .samples import Samples, join


def discrimination(
    scores_by_method: Mapping[str, pd.DataFrame],
    manifest: pd.DataFrame,
    *,
    higher_is_better: Mapping[str, bool],
    mos_higher_is_better: bool,
    ratings: float | None = 1.0,
    level: float = 0.95,
    tallies: Tallies | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tell different images from similar ones, and the better from the worse (Krasula et al. 2016).

    Parameters
    ----------
    scores_by_method, higher_is_better, mos_higher_is_better
        As in `differences`.
    manifest
        ``image, mos, mos_std`` and, where it exists, ``reference``.
    ratings
        Number of ratings behind each opinion: its standard error is ``mos_std`` over the root of it. 1 takes
        the deviation itself, the cautious reading where the number is not known. None takes the manifest's
        column ``ratings``, and 1 where that is empty.
    level
        Confidence at which two opinions count as different.
    tallies
        Counts kept from an earlier call, as in `benchmark.statistics.discriminate`.

    Returns
    -------
    methods
        ``method`` and the tidy columns: ``auc_different_similar``, ``auc_better_worse`` and
        ``correct_classification`` (without interval).
    differences
        ``method_a, method_b`` and the tidy columns of the differences of both areas, ``p, p_holm`` with
        images (references) as the units, and ``p_delong`` as published analyses have it, pairs taken as
        independent.

    Raises
    ------
    ValueError
        If the manifest has no ``mos_std``, or fewer than one rating is claimed.
    """
    if ratings is not None and ratings < 1:
        raise ValueError(f"ratings is the number of ratings an opinion: at least 1, not {ratings}")
    samples = join(scores_by_method, manifest, higher_is_better, mos_higher_is_better).rated()
    stated = number(samples.frame, "ratings")
    count = (
        np.where(np.isnan(stated), 1.0, stated) if ratings is None else np.full(stated.size, float(ratings))
    )
    error = number(samples.frame, "mos_std") / np.sqrt(count)
    if np.isnan(error).all():
        raise ValueError("discrimination needs the deviation of every opinion: the manifest has no mos_std")
    known = ~np.isnan(error)
    counts = count[known].min(), count[known].max()
    missing = int((~known).sum())
    if missing:
        samples, error = samples.take(known, f"{missing} images without mos_std left out"), error[known]
    finite = np.asarray(np.isfinite(samples.scores).all(axis=0))  # two infinite scores have no difference
    if not finite.all():
        words = f"{int((~finite).sum())} images with an infinite score left out"
        samples, error = samples.take(finite, words), error[finite]
    areas = discriminate(
        samples.scores, samples.mos, error, level=level, groups=samples.groups, tallies=tallies
    )
    protocol = _words(samples, areas, counts, level)
    names = list(scores_by_method)
    return _methods(areas, names, samples, protocol), _differences(areas, names, samples, protocol)


def _words(samples: Samples, found: Discrimination, ratings: tuple[float, float], level: float) -> str:
    unit = "images" if samples.groups is None else f"references ({samples.units})"
    pairs = f"{found.different} different and {found.similar} similar pairs"
    few, many = ratings
    error = f"mos_std / sqrt({few:g})" if few == many else f"mos_std / sqrt({few:g} to {many:g} ratings)"
    error = "mos_std" if many == 1 else error
    words = f"{pairs} at {level:.0%}, error {error}; {unit} as units"
    return "; ".join([words, *samples.notes])


def _methods(found: Discrimination, names: list[str], samples: Samples, protocol: str) -> pd.DataFrame:
    rows = []
    areas = {"different_similar": found.different_similar, "better_worse": found.better_worse}
    n, few = len(samples.frame), samples.units < MIN_UNITS
    for k, name in enumerate(names):
        for label, auc in areas.items():
            bounds = (np.nan, np.nan) if few else auc.interval(k)
            words, estimate = f"{protocol}; 95% normal on the logit", (float(auc.value[k]), *bounds, n)
            rows.append(tidy({"method": name}, f"auc_{label}", estimate, words, units=samples.units))
        correct = (float(found.correct[k]), np.nan, np.nan, n)
        words = f"{protocol}; no interval"
        rows.append(tidy({"method": name}, "correct_classification", correct, words, units=samples.units))
    return pd.DataFrame(rows, columns=["method", *COLUMNS])


def _differences(found: Discrimination, names: list[str], samples: Samples, protocol: str) -> pd.DataFrame:
    tables = []
    n, enough = len(samples.frame), decides(samples.units)
    areas = {"different_similar": found.different_similar, "better_worse": found.better_worse}
    for label, auc in areas.items():
        rows = []
        for a, b in combinations(range(len(names)), 2):
            gap = float(auc.value[a] - auc.value[b])
            half = np.nan if samples.units < MIN_UNITS else 1.959964 * auc.error_of_difference(a, b)
            tests = (auc.test(a, b)[1], auc.test(a, b, delong=True)[1]) if enough else (np.nan, np.nan)
            pair, estimate = {"method_a": names[a], "method_b": names[b]}, (gap, gap - half, gap + half, n)
            row = tidy(pair, f"auc_{label}", estimate, f"{protocol}; 95% normal", units=samples.units)
            rows.append(row | dict(zip(("p", "p_delong"), tests, strict=True)))
        table = pd.DataFrame(rows, columns=["method_a", "method_b", *COLUMNS, "p", "p_delong"])
        tables.append(table.assign(p_holm=holm(table["p"].to_numpy(np.float64))))
    return pd.concat(tables, ignore_index=True)
