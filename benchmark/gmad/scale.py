"""Scores of all methods on one scale from 0 (worst) to 100 (best)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark import naming
from benchmark.statistics import fit


def common_scale(
    frame: pd.DataFrame,
    how: str = "rank",
    mos: pd.Series | None = None,
    higher_is_better: Mapping[str, bool] | None = None,
) -> pd.DataFrame:
    """Map the scores of every method to 0 (worst) … 100 (best).

    Parameters
    ----------
    frame
        Scores, one row an image (index: image names), one column a method.
    how
        ``"rank"``: the share of images scored lower, ties averaged. ``"logistic"``: a rising four-parameter
        logistic fitted to ``mos``, whose range becomes 0 … 100; what the curve puts outside is clipped. A
        method that falls with the MOS, against its own direction, predicts the mean MOS throughout.
    mos
        Mean opinion scores by image, larger is better. Only for ``"logistic"``.
    higher_is_better
        Direction of each method; methods that are not named are taken as "higher is better".

    Returns
    -------
    DataFrame
        Same index and columns. A method whose scores are all equal is 50 throughout with ``"rank"``.

    Raises
    ------
    ValueError
        For an unknown ``how``, a direction for an unknown method, missing scores, fewer than two images, or
        ``"logistic"`` without a MOS for every image.
    """
    check_scores(frame)
    directions = dict(higher_is_better or {})
    for name in directions:
        if name not in frame.columns:
            hint = naming.hint(name, map(str, frame.columns))
            raise ValueError(f"higher_is_better names the method {name!r}, which has no scores; {hint}")
    signs = np.array([1.0 if directions.get(name, True) else -1.0 for name in frame.columns])
    oriented = frame.astype(float) * signs
    if how == "rank":
        return (oriented.rank() - 1) * (100 / (len(frame) - 1))
    if how == "logistic":
        if mos is None:
            raise ValueError("how='logistic' needs mos; give it, or use how='rank'")
        missing = frame.index[~frame.index.isin(mos.dropna().index)]
        if len(missing):
            raise ValueError(
                f"{len(missing)} images have no mos, the first is {missing[0]!r}; use how='rank'"
            )
        target = mos.loc[frame.index].to_numpy(dtype=float)
        return oriented.apply(lambda column: _logistic_to_mos(column.to_numpy(), target))
    raise ValueError(f"how={how!r} is unknown; choose 'rank' or 'logistic'")


def check_scores(frame: pd.DataFrame) -> None:
    """Raise ValueError unless ``frame`` is a full table of finite scores with unique names."""
    if len(frame) < 2:
        raise ValueError(f"a competition needs at least two images, got {len(frame)}")
    for axis, labels in (("image", frame.index), ("method", frame.columns)):
        if not labels.is_unique:
            raise ValueError(f"{axis} {labels[labels.duplicated()][0]!r} appears twice in the scores")
    broken = ~np.isfinite(frame.to_numpy(dtype=float))
    if broken.any():
        row, column = np.argwhere(broken)[0]
        raise ValueError(
            f"{int(broken.any(axis=1).sum())} images lack a score, the first is {frame.index[row]!r} by "
            f"{frame.columns[column]!r}; score them again, or leave those images out for every method"
        )


def _logistic_to_mos(scores: NDArray[np.float64], mos: NDArray[np.float64]) -> NDArray[np.float64]:
    """Predict the MOS by VQEG's logistic; its range becomes 0 … 100."""
    bottom, span = mos.min(), mos.max() - mos.min()
    if span == 0:
        raise ValueError("every image has the same mos; a logistic cannot be fitted, use how='rank'")
    flat = np.full(len(scores), mos.mean())
    if np.ptp(scores) == 0:
        return np.asarray(100 * (flat - bottom) / span)
    curve = fit(scores, mos)
    # A falling curve would turn the method round: the best that does not fall is the mean.
    predicted = flat if curve.direction < 0 else curve(scores)
    return np.clip(100 * (predicted - bottom) / span, 0, 100)
