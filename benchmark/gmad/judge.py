"""Adjudication of pairs by scores that exist already: human ones (MOS) or a full-reference proxy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr


def judge_by_scores(
    pairs: pd.DataFrame, mos: pd.Series, mos_std: pd.Series | None = None, scale: float | None = None
) -> pd.Series:
    """Preference for ``high_image`` over ``low_image``, as opinion scores of both predict it.

    Ratings of an image are taken as normal around its MOS (Thurstone's model): a subject prefers the one
    image with probability ``p = Φ((m_high - m_low) / sqrt(s_high² + s_low²))``, and the preference is
    ``100 (2p - 1)``. A difference that drowns in the spread of the ratings thus counts little.

    Parameters
    ----------
    pairs
        Frame of `select_pairs`.
    mos
        Scores by image, larger is better (negate DMOS).
    mos_std
        Standard deviation of the ratings of each image, in units of ``mos``; missing values take ``scale``.
    scale
        Deviation of the ratings where none is known. Default: the standard deviation of ``mos`` over the
        images, as a proxy has no spread of its own.

    Returns
    -------
    Series
        Preference in [-100, 100] with the index of ``pairs``: 100 when everybody agrees with the attacker, 0
        where both images are the same, missing at empty levels.

    Raises
    ------
    ValueError
        If an image of a pair has no score, a deviation is negative, or ``scale`` is not positive.
    """
    fallback = float(np.std(mos.to_numpy(dtype=float)[mos.notna().to_numpy()])) if scale is None else scale
    if scale is not None and scale <= 0:
        raise ValueError(f"scale={scale} must be positive; it is the standard deviation of a rating")
    if not mos.index.is_unique:
        raise ValueError(
            f"image {mos.index[mos.index.duplicated()][0]!r} has two scores; keep one row an image"
        )
    asked = pairs["low_image"].notna()
    needed = pd.unique(pd.concat([pairs.loc[asked, "low_image"], pairs.loc[asked, "high_image"]]))
    missing = [image for image in needed if image not in mos.index or pd.isna(mos[image])]
    if missing:
        raise ValueError(f"{len(missing)} images of the pairs have no score, the first is {missing[0]!r}")
    deviations = pd.Series(fallback, index=mos.index, dtype=float)
    if mos_std is not None:
        deviations = mos_std.reindex(mos.index).astype(float).fillna(fallback)
        if (deviations < 0).any():
            raise ValueError(f"mos_std of {deviations.index[deviations < 0][0]!r} is negative")
    low, high = pairs.loc[asked, "low_image"], pairs.loc[asked, "high_image"]
    difference = mos.loc[high].to_numpy(dtype=float) - mos.loc[low].to_numpy(dtype=float)
    spread = np.hypot(deviations.loc[high].to_numpy(), deviations.loc[low].to_numpy())
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = difference / spread  # without spread every subject sees the difference: ±inf is the limit
    ratio[difference == 0] = 0.0
    preference = pd.Series(np.nan, index=pairs.index, name="preference")
    preference[asked] = 100 * (2 * ndtr(ratio) - 1)
    return preference
