"""Among the pictures of one reference: correlations within each, and their median over references.

Where opinions hold within a scene alone (PIQ23), this is the only figure that there is; elsewhere it says
whether a method orders the versions of one picture, whatever it makes of other pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmark.arrays import Floats
from benchmark.statistics import rounding, weighted

from .rows import Resampling, measured
from .samples import Samples

#: Rated pictures that a reference must have: of fewer, chance orders one set in 24 rightly.
LEAST = 5

READING = "zero-shot, median over references of the correlation among the pictures of each"


def within_references(samples: Samples, how: Resampling) -> list[dict[str, object]]:
    """Tidy rows ``srcc_within``, ``krcc_within`` and ``plcc_raw_within``; none without two such references.

    A method that gives all pictures of a reference one score (but for `benchmark.statistics.rounding`) has 0
    there: it does not tell them apart. A reference whose opinions are all equal is left out.
    """
    if samples.groups is None:
        return []
    _, number, size = np.unique(samples.groups, return_inverse=True, return_counts=True)
    varied = np.array([np.ptp(samples.mos[number == k]) > 0 for k in range(size.size)])
    keep = ((size >= LEAST) & varied)[number]
    part = samples.take(keep)
    if part.units < 2:
        return []
    _, owner, number = np.unique(np.asarray(part.groups), return_index=True, return_inverse=True)
    places = [np.flatnonzero(number == k) for k in range(owner.size)]
    words = f"{READING}; {owner.size} of {size.size} references, with at least {LEAST} rated pictures"
    least = rounding(samples.scores[0])
    flat = np.array([_spread(part.scores[0, place]) <= least for place in places])
    words += f"; {int(flat.sum())} with one score for all count 0" if flat.any() else ""
    rows = []
    for name in ("srcc", "krcc", "plcc"):
        if name == "plcc" and not np.isfinite(part.scores).all():
            continue
        values = np.array([_correlation(name, part, place) for place in places])
        label = {"plcc": "plcc_raw"}.get(name, name)
        rows.append(
            measured(f"{label}_within", _median(np.where(flat, 0.0, values), owner), part, how, words)
        )
    return rows


def _spread(scores: Floats) -> float:
    """Distance of the least and the greatest score; of infinite ones that are all equal 0."""
    low, high = scores.min(), scores.max()
    return float(high - low) if low < high else 0.0


def _correlation(name: str, samples: Samples, place: NDArray[np.intp]) -> float:
    once = np.ones((1, place.size))
    return float(weighted.PREPARE[name](samples.scores[:, place], samples.mos[place])(once)[0, 0])


def _median(values: Floats, owner: np.ndarray) -> weighted.Evaluate:
    """Median of a value for each reference, as often as a resample holds the picture `owner` of it."""
    order = np.argsort(values, kind="stable")
    ordered, first = values[order], owner[order]

    def evaluate(counts: Floats) -> Floats:
        upto = np.cumsum(np.take(counts, first, axis=1), axis=1)
        total = upto[:, -1:]
        middle = [(upto > place).argmax(axis=1) for place in ((total - 1) // 2, total // 2)]
        found = (ordered[middle[0]] + ordered[middle[1]]) / 2
        return np.where(total[:, 0] > 0, found, np.nan)[None]

    return evaluate
