"""What a score measures besides quality: its correlation with resolution, file size, or any other fact."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .correlation import as_pair, srcc


def partial_srcc(score: ArrayLike, mos: ArrayLike, fact: ArrayLike) -> float:
    """Spearman's correlation of score and opinion with a third ranking held fixed, in [-1, 1].

    If a method merely reads the size of the file, the correlation vanishes once file size is taken out.

    Parameters
    ----------
    score, mos, fact
        ``[n]`` each; the fact is, say, the number of bytes a pixel.

    Returns
    -------
    float
        NaN where it is undefined: a constant among the three, or one that the fact determines.

    Raises
    ------
    ValueError
        On NaN values or shapes that differ.

    References
    ----------
    M. G. Kendall, A. Stuart, The Advanced Theory of Statistics, vol. 2, chapter 27.
    """
    a, b = as_pair(score, mos)
    _, c = as_pair(a, fact)
    r, r_a, r_b = srcc(a, b), srcc(a, c), srcc(b, c)
    rest = (1 - r_a**2) * (1 - r_b**2)
    if np.isnan(rest) or rest <= 1e-14:
        return float("nan")
    return float(np.clip((r - r_a * r_b) / np.sqrt(rest), -1, 1))
