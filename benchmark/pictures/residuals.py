"""What a method's score says of each picture, and what people said: the residual of the fitted mapping."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.pictures.band import band
from benchmark.protocols.samples import join
from benchmark.statistics.mapping import fit

#: Points of a curve.
POINTS = 80
RESIDUALS = ("image", "score", "fitted", "residual")
CURVE = ("score", "fitted", "low", "high")


def explained(
    scores: pd.DataFrame, manifest: pd.DataFrame, mapping: str = "logistic4"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit the mapping of one method on one data set; return what it leaves of every picture, and the curve.

    Scores and opinions keep their own directions, as a scatter plot shows them.

    Parameters
    ----------
    scores
        ``image, score``.
    manifest
        ``image, mos`` and, where it exists, ``reference``: pictures of one reference are taken whole.
    mapping
        ``"logistic4"`` or ``"logistic5"``.

    Returns
    -------
    tuple of DataFrame
        `RESIDUALS`, a row a picture that has a score: ``fitted`` is the opinion that the score stands for,
        ``residual`` the opinion less that; both NaN where there is no opinion or no curve. And `CURVE`,
        `POINTS` rows over the range of the scores with the 95% band; empty where no curve can be fitted.
    """
    samples = join({"": scores}, manifest, {"": True}, True)
    x, mos = samples.scores[0], samples.mos
    table = pd.DataFrame({"image": samples.frame["image"], "score": x, "fitted": np.nan, "residual": np.nan})
    known = np.isfinite(x) & np.isfinite(mos)
    try:
        curve = fit(x[known], mos[known], mapping)
    except ValueError:  # too few, or all scores the same: zero_shot.csv has the reason
        return table, pd.DataFrame(columns=list(CURVE))
    table.loc[known, "fitted"] = curve(x[known])
    table["residual"] = mos - table["fitted"]
    at = np.linspace(x[known].min(), x[known].max(), POINTS)
    groups = None if samples.groups is None else samples.groups[known]
    low, high = band(curve, x[known], mos[known], at, groups)
    return table, pd.DataFrame({"score": at, "fitted": curve(at), "low": low, "high": high})
