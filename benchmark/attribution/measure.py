"""How well a map points at a region that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pointing_game(saliency: ArrayLike, region: ArrayLike) -> float:
    """Whether the maximum lies inside the region (Zhang et al., Top-down neural attention, IJCV 2018).

    Parameters
    ----------
    saliency
        Map ``[H, W]``; only its order matters.
    region
        Boolean ``[H, W]``, neither empty nor full.

    Returns
    -------
    float
        1 or 0; where several pixels share the maximum, the share of them inside.

    Raises
    ------
    ValueError
        If the shapes differ, the map is not finite, or the region is empty or full.
    """
    values, inside = _pair(saliency, region)
    return float(inside[values == values.max()].mean())


def energy_inside(saliency: ArrayLike, region: ArrayLike) -> float:
    """Share of the positive part of the map that lies inside the region (Wang et al., Score-CAM, 2020).

    Parameters and errors as in `pointing_game`. A map without any positive value says nothing: the share of
    the region, what an even map would give.
    """
    values, inside = _pair(saliency, region)
    energy = np.maximum(values, 0).astype(np.float64)
    total = energy.sum()
    return float(energy[inside].sum() / total) if total > 0 else float(inside.mean())


def auc(saliency: ArrayLike, region: ArrayLike) -> float:
    """Area under the ROC curve of the map as a detector of the region's pixels; ties count half.

    Parameters and errors as in `pointing_game`.
    """
    values, inside = _pair(saliency, region)
    hits, others = np.sort(values[inside]), np.sort(values[~inside])
    # Twice the number of others below each hit, ties once: two sorts are faster than ranks of all.
    below = np.searchsorted(others, hits, "left") + np.searchsorted(others, hits, "right")
    return float(below.sum() / (2 * len(hits) * len(others)))


def _pair(saliency: ArrayLike, region: ArrayLike) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
    values, inside = np.asarray(saliency), np.asarray(region, dtype=bool)
    if values.dtype != np.float32:
        values = values.astype(np.float64)
    if values.shape != inside.shape:
        raise ValueError(
            f"map {values.shape} and region {inside.shape} differ in shape; upsample the map first"
        )
    if not np.isfinite(values).all():
        raise ValueError("the map holds values that are not finite")
    if inside.all() or not inside.any():
        raise ValueError("the region must hold some pixels, and leave some out")
    return values.ravel(), inside.ravel()
