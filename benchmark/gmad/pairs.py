"""Search of a data set for the pairs on which two methods disagree most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.gmad.scale import check_scores


def select_pairs(scores: pd.DataFrame, levels: int = 6, half_width: float = 9.0) -> pd.DataFrame:
    """Let every method attack every other at ``levels`` levels of the defender's score.

    The centre of the defender's level k = 1 … ``levels`` is ``min + (k - 1/2) (max - min) / levels``; the
    images within ``half_width`` of it are alike to the defender. Among them the one the attacker scores
    lowest and the one it scores highest are the pair [1]_.

    Parameters
    ----------
    scores
        Scores from 0 (worst) to 100 (best), one row an image (index: names), one column a method; see
        `benchmark.gmad.common_scale`.
    levels
        Number of levels.
    half_width
        Half the width of a level, in points of the common scale.

    Returns
    -------
    DataFrame
        One row a defender, attacker and level, in this order: ``defender, attacker, level, low_image,
        high_image, gap, tied, weight``. ``gap`` is how much the attacker scores ``high_image`` above
        ``low_image``; ``tied`` how many further images it scores as one of the two;
        ``weight`` the share of the defender's images at this level among those at all its levels. A level
        without images keeps its row: no images, ``gap`` missing, weight 0. Where the attacker sees no
        difference either, ``gap`` is 0 and both images are the same. A defender that scores all images alike
        has one level.

    Raises
    ------
    ValueError
        For fewer than two methods or images, repeated names, missing scores, scores outside 0 … 100, or
        settings that are not positive.

    Notes
    -----
    Ties go to the image whose name sorts first, so the order of the rows does not matter.

    References
    ----------
    .. [1] K. Ma et al., "Group MAD competition: a new methodology to compare objective image quality models",
       CVPR 2016.
    """
    _check(scores, levels, half_width)
    ordered = scores.sort_index()
    names = ordered.index.to_numpy(dtype=object)
    methods = ordered.columns.to_numpy(dtype=object)
    # Methods in rows: the searches below then run over contiguous memory.
    values = np.ascontiguousarray(ordered.to_numpy(dtype=float).T)
    blocks = []
    for defender in range(len(methods)):
        attackers = np.flatnonzero(np.arange(len(methods)) != defender)
        order = np.argsort(values[defender], kind="stable")
        climbing = values[defender, order]
        attacks = values[attackers]
        span = climbing[-1] - climbing[0]
        centres = np.unique(climbing[0] + (np.arange(levels) + 0.5) * span / levels)
        first = np.searchsorted(climbing, centres - half_width, side="left")
        last = np.searchsorted(climbing, centres + half_width, side="right")
        counts = last - first
        weights = counts / max(int(counts.sum()), 1)
        for k, (start, stop) in enumerate(zip(first, last, strict=True)):
            block = pd.DataFrame(
                {"defender": methods[defender], "attacker": methods[attackers], "level": k + 1}
            )
            inside = np.sort(order[start:stop])  # by name, so that of equal ones the first by name is taken
            found = _extremes(attacks[:, inside], names[inside])
            blocks.append(block.assign(**found, weight=weights[k]))
    pairs = pd.concat(blocks, ignore_index=True)
    place = {method: at for at, method in enumerate(methods)}
    by = ["defender", "attacker", "level"]
    return pairs.sort_values(by, key=lambda c: c.map(place) if c.name != "level" else c, ignore_index=True)


def _extremes(window: NDArray[np.float64], names: NDArray[Any]) -> dict[str, Any]:
    """Return what each attacker (row) scores lowest and highest among images (columns), and how far apart."""
    if not len(names):
        return {"low_image": None, "high_image": None, "gap": np.nan, "tied": 0}
    low, high = window.argmin(axis=1), window.argmax(axis=1)
    rows = np.arange(len(window))
    least, most = window[rows, low], window[rows, high]
    alike = (window == least[:, None]) | (window == most[:, None])
    tied = alike.sum(axis=1) - 1 - (low != high)
    return {"low_image": names[low], "high_image": names[high], "gap": most - least, "tied": tied}


def _check(scores: pd.DataFrame, levels: int, half_width: float) -> None:
    if scores.shape[1] < 2:
        raise ValueError(
            f"a competition needs at least two methods, got {list(scores.columns)}; "
            "add one to the setting 'methods'"
        )
    if levels < 1 or half_width <= 0:
        raise ValueError(f"levels={levels} and half_width={half_width} must be positive")
    check_scores(scores)
    values = scores.to_numpy(dtype=float)
    low, high = values.min(), values.max()
    if low < -1e-9 or high > 100 + 1e-9:
        raise ValueError(f"scores run from {low:g} to {high:g}; map them to 0 … 100 with common_scale first")
