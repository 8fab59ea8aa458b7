"""Among the pictures of one reference: correlations within each, and their median over references.

Where opinions hold within a scene alone (PIQ23), this is the only figure that there is; elsewhere it says
whether a method orders the versions of one picture, whatever it makes of other pictures.
"""

from __future__ import annotations

import numpy as np

from benchmark.arrays import Floats
from benchmark.statistics import weighted

from .rows import Resampling, measured
from .samples import Samples

#: Rated pictures that a reference must have: of fewer, chance orders one set in 24 rightly.
LEAST = 5

READING = "zero-shot, median over references of the correlation among the pictures of each"


def within_references(samples: Samples, how: Resampling) -> list[dict[str, object]]:
    """Tidy rows ``srcc_within``, ``krcc_within`` and ``plcc_raw_within``; none without two such references.

    A method that gives all pictures of a reference one score has 0 there: it does not tell them apart. A
    reference whose opinions are all equal is left out.
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
    rows = []
    for name in ("srcc", "krcc", "plcc"):
        if name == "plcc" and not np.isfinite(part.scores).all():
            continue
        values = np.array([_correlation(name, part, rows) for rows in places])
        flat = int(np.isnan(values).sum())
        said = f"{words}; {flat} with one score for all count 0" if flat else words
        label = {"plcc": "plcc_raw"}.get(name, name)
        rows.append(measured(f"{label}_within", _median(np.nan_to_num(values), owner), part, how, said))
    return rows


def _correlation(name: str, samples: Samples, rows: np.ndarray) -> float:
    once = np.ones((1, rows.size))
    return float(weighted.PREPARE[name](samples.scores[:, rows], samples.mos[rows])(once)[0, 0])


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
