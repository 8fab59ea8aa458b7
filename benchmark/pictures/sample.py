"""Which pictures of a large data set are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Extremes kept at either end of every column.
ENDS = 25


def sample(names: Sequence[str], columns: pd.DataFrame, most: int, seed: int = 0) -> NDArray[np.intp]:
    """Places of the pictures shown, in their order: all, or all extremes and a seeded draw of the others.

    Parameters
    ----------
    names
        Of the pictures, ``[n]``; the draw depends on them alone, not on their order or number.
    columns
        ``[n, k]`` numbers (opinions, scores, residuals), whose `ENDS` lowest and highest are all kept.
    most
        How many, unless the extremes alone are more.
    seed
        Of the draw.
    """
    if len(names) <= most:
        return np.arange(len(names))
    kept = set[int]()
    for _, column in columns.items():
        order = np.argsort(column.to_numpy(np.float64), kind="stable")[: int(column.notna().sum())]
        kept.update(order[:ENDS].tolist(), order[-ENDS:].tolist())
    lots = [hashlib.sha256(f"{seed} {name}".encode()).digest() for name in names]
    for place in sorted(range(len(names)), key=lots.__getitem__):
        if len(kept) >= most:
            break
        kept.add(place)
    return np.array(sorted(kept))
