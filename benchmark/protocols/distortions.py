"""Inside a data set: each distortion type, each level of it, and whether scores fall as levels rise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.statistics import rounding, weighted
from benchmark.statistics.estimates import COLUMNS

from .rows import DEFAULT, Floats, Resampling, measured, number, resampled, text
from .samples import Samples, join


def by_distortion(
    scores: pd.DataFrame,
    manifest: pd.DataFrame,
    *,
    higher_is_better: bool,
    mos_higher_is_better: bool,
    how: Resampling = DEFAULT,
) -> pd.DataFrame:
    """``srcc`` and ``srcc_level`` within each distortion type, and ``srcc`` within each level of it.

    Parameters
    ----------
    scores, manifest, higher_is_better, mos_higher_is_better, how
        As in `zero_shot`.

    Returns
    -------
    DataFrame
        ``distortion, statistic, value, low, high, n, protocol``; empty where the manifest names no
        distortion. Pictures of level 0 are pristine and belong to none. The statistic ``srcc`` at one
        level is called ``srcc_at_level_<level>``. What of a type, of a level or of a series differs in its
        scores by `benchmark.statistics.rounding` of all of them alone has one score.
    """
    samples = join({"method": scores}, manifest, {"method": higher_is_better}, mos_higher_is_better)
    tables = []
    names = text(samples.frame, "distortion")
    names[number(samples.frame, "level") == 0] = ""  # pristine pictures, whatever they are called
    least = rounding(samples.scores[0])
    for name in sorted(set(names) - {""}):
        part = samples.take(names == name)
        rated = part.rated()
        rows = []
        if len(rated.frame):
            words = "within one distortion type"
            rows.append(resampled("srcc", weighted.prepare_srcc, _evened(rated, least), how, words))
            rows += _at_levels(rated, how, least)
        rows += level_rows(part, how, least)
        tables.append(pd.DataFrame(rows, columns=COLUMNS).assign(distortion=name))
    if not tables:
        return pd.DataFrame(columns=["distortion", *COLUMNS])
    return pd.concat(tables, ignore_index=True)[["distortion", *COLUMNS]]


def level_rows(samples: Samples, how: Resampling, least: float | None = None) -> list[dict[str, object]]:
    """Tidy row ``srcc_level``: mean Spearman of score and falling level, none where there are no levels.

    ``n`` and ``units`` count the pictures of series alone: what is the only level of its reference and
    distortion says nothing of an order. ``least`` is how far scores may differ and be equal: that of all of
    the method's, where these are a part.
    """
    known = samples.take(~np.isnan(number(samples.frame, "level")))
    if known.groups is None:
        return []
    least = rounding(known.scores[0]) if least is None else least
    part = known.take(_in_series(known))
    if not len(part.frame):
        return []
    values, owner, flat = level_correlations(part, least)
    words = "mean over reference and distortion of the Spearman correlation with falling level"
    words += f"; {values.size} series"
    words += f", of which {flat} with one score for all levels count 0" if flat else ""

    def evaluate(counts: Floats) -> Floats:
        times = np.take(counts, owner, axis=1)
        total = times.sum(axis=1)
        return np.asarray((times @ values / np.where(total > 0, total, np.nan))[None])

    return [measured("srcc_level", evaluate, part, how, words)]


def _in_series(samples: Samples) -> NDArray[np.bool_]:
    """Whether each picture has another of its reference and distortion at another level."""
    keys = [np.asarray(samples.groups), text(samples.frame, "distortion")]
    return pd.Series(number(samples.frame, "level")).groupby(keys).transform("nunique").gt(1).to_numpy()


def level_correlations(samples: Samples, least: float) -> tuple[Floats, NDArray[np.intp], int]:
    """Spearman's correlation of score with minus level in every series of one reference and distortion.

    Returns
    -------
    values
        One correlation a series of at least two distinct levels; 0 where the method gives one score to all
        of them (but for ``least``): it does not tell the levels apart.
    owner
        A row of each series: its reference is what a resample draws.
    flat
        Number of series counted 0 for that reason.
    """
    keys = pd.DataFrame({"reference": samples.groups, "distortion": text(samples.frame, "distortion")})
    series = keys.groupby(["reference", "distortion"], sort=True).ngroup().to_numpy()
    columns = pd.DataFrame({"score": samples.scores[0], "level": -number(samples.frame, "level")})
    ranks = columns.groupby(series).rank()
    ranks -= ranks.groupby(series).transform("mean")
    a, b = ranks["score"].to_numpy(), ranks["level"].to_numpy()
    shared, in_score, in_level = (np.bincount(series, v) for v in (a * b, a * a, b * b))
    keep = in_level > 0
    scores = columns["score"].groupby(series)
    with np.errstate(invalid="ignore"):  # infinite scores have no distance
        spread = scores.max().to_numpy() - scores.min().to_numpy()
    flat = keep & ((in_score == 0) | (spread <= least))
    values = shared / np.sqrt(np.where(keep & ~flat, in_score * in_level, 1))
    owner = np.unique(series, return_index=True)[1]
    return np.where(flat, 0.0, values)[keep], owner[keep], int(flat.sum())


def _at_levels(samples: Samples, how: Resampling, least: float) -> list[dict[str, object]]:
    level = number(samples.frame, "level")
    words = "within one distortion type and level"
    parts = ((v, _evened(samples.take(level == v), least)) for v in np.unique(level[~np.isnan(level)]))
    return [resampled(f"srcc_at_level_{v:g}", weighted.prepare_srcc, part, how, words) for v, part in parts]


def _evened(samples: Samples, least: float) -> Samples:
    """Give pictures whose scores all lie within ``least`` of each other one score; others stay."""
    low, high = samples.scores[0].min(), samples.scores[0].max()
    if low < high and high - low <= least:
        return replace(samples, scores=np.full_like(samples.scores, low))
    return samples
