"""Where methods are wrong: pictures that all of them misjudge, pairs that two of them order oppositely."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.arrays import Floats

#: Deviations of a difference beyond which people order two pictures clearly.
CLEAR = 1.96


def failures(ranks: Floats, opinion: Floats, count: int) -> list[tuple[int, float]]:
    """Pictures that every method misjudges in the same direction, those first that the mildest errs most on.

    Parameters
    ----------
    ranks
        ``[M, n]``, rank of each picture by each method as a share, 1 the best.
    opinion
        ``[n]``, the same by people.
    count
        How many, at most.

    Returns
    -------
    list of (int, float)
        Place of the picture, and by what share of the ranking even the closest method is off: above 0, all
        rank it better than people do.
    """
    error = ranks - opinion
    same = (error > 0).all(axis=0) | (error < 0).all(axis=0)
    least = np.where(same, np.abs(error).min(axis=0), 0.0)
    order = np.argsort(-least, kind="stable")[:count]
    return [(int(k), float(np.sign(error[0, k]) * least[k])) for k in order if least[k] > 0]


def opposed(ranks: Floats, mos: Floats, error: Floats | None, count: int) -> pd.DataFrame:
    """Pairs that two methods order oppositely, furthest apart to both, and people order clearly.

    Parameters
    ----------
    ranks
        ``[2, n]``, rank of each picture by both methods as a share, 1 the best.
    mos
        ``[n]``, opinions turned so that more is better.
    error
        ``[n]``, standard error of each opinion: people order a pair clearly where the difference is beyond
        `CLEAR` times that of the difference. Where there is none, where it is beyond half the standard
        deviation of all opinions.
    count
        How many, at most; no picture stands in two of them.

    Returns
    -------
    DataFrame
        ``better, worse`` (places in ``mos``, as people order them), ``right`` (which method, 0 or 1, agrees
        with people), ``margin`` (by what share of the ranking both methods part them, the smaller of both).
    """
    gap = mos[:, None] - mos[None]
    noise = np.full_like(gap, mos.std() / 2) if error is None else CLEAR * np.hypot(error[:, None], error)
    first, second = (rank[:, None] - rank[None] for rank in ranks)
    margin = np.where((gap > noise) & (first * second < 0), np.minimum(abs(first), abs(second)), 0.0)
    rows, used = list[tuple[int, int, int, float]](), set[int]()
    # Enough candidates that the best pictures of a few pairs do not fill all places.
    for flat in np.argsort(-margin, axis=None, kind="stable")[: 50 * mos.size]:
        better, worse = (int(k) for k in np.unravel_index(flat, margin.shape))
        if margin[better, worse] <= 0 or len(rows) == count:
            break
        if {better, worse} & used:
            continue
        used |= {better, worse}
        rows.append((better, worse, int(second[better, worse] > 0), float(margin[better, worse])))
    return pd.DataFrame(rows, columns=["better", "worse", "right", "margin"])
