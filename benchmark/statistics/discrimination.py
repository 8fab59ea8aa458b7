"""Krasula's analysis: does a score tell pictures apart that people tell apart, and the better from the worse.

Every pair of images is *different* when the opinions differ by more than their errors allow, else *similar*.
Two areas under the ROC curve follow, both exact: **different/similar**, the chance that a different pair is
further apart in score than a similar one, and **better/worse**, the chance that the score orders different
pairs as people do. `benchmark.statistics.pairs` counts them.

References
----------
L. Krasula, K. Fliegel, P. Le Callet, M. Klima, On the accuracy of objective image and video quality models:
new methodology for performance evaluation, QoMEX 2016.
E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Comparing the areas under two or more correlated receiver
operating characteristic curves: a nonparametric approach, Biometrics 44(3), 1988.
"""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from .pairs import CELLS, DIFFERENT, IGNORED, ROWS, Floats, Keys, Pairs, Tally, kinds_of, levels_of, tally_of

#: Counts of methods by a digest of all that they rest on; sorting a method's pairs is what takes long.
Tallies = MutableMapping[str, Tally]


@dataclass(frozen=True)
class Auc:
    """Areas under the ROC curve of M methods, with what their errors follow from.

    Parameters
    ----------
    value
        ``[M]``, in [0, 1]; NaN where one kind of pair does not exist.
    covariance
        ``[M, M]`` with images (or references) as the units. Every image is in n - 1 pairs, which therefore
        are not independent; this counts them as they are.
    delong
        ``[M, M]`` after DeLong et al. with pairs as independent units, as published analyses have it: far too
        small, shown for comparison.
    """

    value: Floats
    covariance: Floats
    delong: Floats

    def test(self, a: int, b: int, *, delong: bool = False) -> tuple[float, float]:
        """Test that two methods have the same area; returns z (positive where ``a`` is larger) and p."""
        error, gap = self.error_of_difference(a, b, delong=delong), float(self.value[a] - self.value[b])
        if np.isnan(gap):
            return float("nan"), float("nan")
        if error < 1e-7:
            return (0.0, 1.0) if abs(gap) < 1e-9 else (float("nan"), float("nan"))
        return gap / error, float(2 * stats.norm.sf(abs(gap / error)))

    def error_of_difference(self, a: int, b: int, *, delong: bool = False) -> float:
        """Return the standard error of the difference between two areas."""
        c = self.delong if delong else self.covariance
        return float(np.sqrt(max(c[a, a] + c[b, b] - 2 * c[a, b], 0.0)))

    def interval(self, a: int, *, level: float = 0.95) -> tuple[float, float]:
        """Normal interval of one area on the scale of its logit, images as units."""
        value, error = float(self.value[a]), float(np.sqrt(self.covariance[a, a]))
        if np.isnan(value) or not 0 < value < 1:
            return value, value
        half = stats.norm.ppf((1 + level) / 2) * error / (value * (1 - value))
        low, high = 1 / (1 + np.exp(-np.log(value / (1 - value)) - np.array([-half, half])))
        return float(low), float(high)


@dataclass(frozen=True)
class Discrimination:
    """Krasula's three measures of M methods.

    Parameters
    ----------
    different_similar, better_worse
        The two areas.
    correct
        ``[M]``: share of different pairs that the score orders as people do, ties counting one half.
    different, similar
        Number of pairs of either kind.
    """

    different_similar: Auc
    better_worse: Auc
    correct: Floats
    different: int
    similar: int


def discriminate(
    scores: ArrayLike,
    mos: ArrayLike,
    error: ArrayLike,
    *,
    level: float = 0.95,
    groups: ArrayLike | None = None,
    workers: int = 2,
    tallies: Tallies | None = None,
) -> Discrimination:
    """Analyse all pairs of images.

    Parameters
    ----------
    scores
        ``[M, n]`` or ``[n]``, more being better. Scores closer than 2e-9 of their range count as equal, finer
        than float32 scores are.
    mos
        Opinions, ``[n]``, more being better.
    error
        Standard error of each opinion, ``[n]``.
    level
        Confidence at which two opinions count as different (two-sided z test).
    groups
        Reference of each image: references instead of images are the units of the covariance.
    workers
        Threads; take one where several processes share the cores already. The result is the same.
    tallies
        Counts that are kept from an earlier call; those that are missing are made and added, and
        those of no method here are taken out. One method more then costs its own sort alone.

    Returns
    -------
    Discrimination
        4 bytes a pair and thread are needed: 200 MB for 10,000 images.

    Raises
    ------
    ValueError
        If shapes disagree, values are not finite, or an error is negative.
    """
    s = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    y, e = np.asarray(mos, dtype=np.float64), np.asarray(error, dtype=np.float64)
    if y.ndim != 1 or s.shape[1:] != y.shape or e.shape != y.shape:
        raise ValueError(f"scores {s.shape}, mos {y.shape} and error {e.shape} do not belong together")
    if not (np.isfinite(s).all() and np.isfinite(y).all() and np.isfinite(e).all()):
        raise ValueError(
            "pairs need finite scores, opinions and errors: leave the others out, and say how many"
        )
    if (e < 0).any():
        raise ValueError("the errors of the opinions must not be negative")
    order = np.argsort(y, kind="stable")
    pairs = Pairs(levels_of(s[:, order]), kinds_of(y[order], e[order], level))
    units = np.arange(y.size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    of_images = hashlib.sha256(y[order].tobytes() + e[order].tobytes() + repr(level).encode()).hexdigest()
    names = [hashlib.sha256(of_images.encode() + row.tobytes()).hexdigest() for row in pairs.levels]
    counted = _counted(pairs, names, {} if tallies is None else tallies, workers)
    return _analyse(pairs, counted, units.reshape(-1)[order], workers)


@dataclass(frozen=True)
class _Areas:
    """Both areas of one method; ``tables[2, cell]`` holds the pull of a pair on either."""

    different_similar: float
    better_worse: float
    correct: float
    tables: NDArray[np.float32]


def _counted(pairs: Pairs, names: list[str], tallies: Tallies, workers: int) -> list[Tally]:
    """Return the counts of every method, those that are not kept made side by side."""
    missing = [k for k, name in enumerate(names) if name not in tallies]
    buffers: SimpleQueue[Keys] = SimpleQueue()  # touching new memory would cost more than the sort
    for _ in range(min(workers, len(missing))):
        buffers.put(np.empty(pairs.size, dtype=np.uint32))

    def one(method: int) -> Tally:
        keys = buffers.get()
        try:
            return tally_of(pairs, method, keys)
        finally:
            buffers.put(keys)

    with ThreadPoolExecutor(workers) as pool:
        for method, tally in zip(missing, pool.map(one, missing), strict=True):
            tallies[names[method]] = tally
    for name in set(tallies) - set(names):
        del tallies[name]
    return [tallies[name] for name in names]


def _analyse(pairs: Pairs, tallies: list[Tally], units: NDArray[np.intp], workers: int) -> Discrimination:
    different = sum(int(np.count_nonzero(k == DIFFERENT)) for k in pairs.kinds)
    similar = sum(int(np.count_nonzero(k == 0)) for k in pairs.kinds)
    areas = [_areas(tally, different, similar) for tally in tallies]
    by_pair, by_image = _covariances(pairs, [a.tables for a in areas], units, workers)
    values = np.array([[a.different_similar, a.better_worse, a.correct] for a in areas]).T
    two = [Auc(values[k], by_image[k], by_pair[k]) for k in range(2)]
    return Discrimination(two[0], two[1], values[2], different, similar)


def _areas(tally: Tally, different: int, similar: int) -> _Areas:
    """Both areas from the counts of one method."""
    right = int(tally.below[1, -1])
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.float64(tally.apart) / (np.float64(different) * similar)
        zero = tally.zero
        better = (np.float64(right) ** 2 - zero**2 / 2 + 2 * tally.order) / np.float64(different) ** 2
        correct = np.float64(right - zero / 2) / different
    tables = _tables(tally, float(apart), float(better), different, similar)
    return _Areas(float(apart), float(better), float(correct), tables)


def _tables(tally: Tally, apart: float, better: float, different: int, similar: int) -> NDArray[np.float32]:
    """Tabulate how a pair pulls on the two areas: its placement less the area, one share of its kind."""
    lower, upper = tally.below[:, :-1], tally.below[:, 1:]
    middle, total = (lower + upper) / 2, tally.below[:, -1].astype(np.float64)
    tables = np.zeros((2, 3 * CELLS + 1))
    of_similar, of_right, of_wrong = (slice(k * CELLS, (k + 1) * CELLS) for k in range(3))
    if different and similar:
        tables[0, of_similar] = ((different - middle[1] - middle[2]) / different - apart) / similar
        tables[0, of_right] = tables[0, of_wrong] = (middle[0] / similar - apart) / different
    if different:
        tables[1, of_right] = 2 * ((total[1] + middle[2]) / different - better) / different
        tables[1, of_wrong] = 2 * ((total[1] - middle[1]) / different - better) / different
        # Of two pairs without any difference neither is ahead: they count one half, not one.
        tables[1, CELLS] -= tally.zero**2 / max(upper[1, 0], 1) / different**2
    return tables.astype(np.float32)  # the cell behind the last pulls on nothing


def _covariances(
    pairs: Pairs, tables: list[NDArray[np.float32]], units: NDArray[np.intp], workers: int
) -> tuple[Floats, Floats]:
    """Covariance of both areas, ``[2, M, M]`` each: pairs as units, and images (references) as units."""
    m, n = pairs.levels.shape
    by_pair = np.zeros((2, m, m))
    pulls = np.zeros((2, m, n))
    largest = max(kind.size for kind in pairs.kinds) if pairs.kinds else 0
    buffers: SimpleQueue[tuple[Keys, NDArray[np.intp], NDArray[np.float32]]] = SimpleQueue()
    for _ in range(workers):
        room = np.empty(2 * m * largest, dtype=np.float32)
        buffers.put((np.empty(largest, dtype=np.uint32), np.empty(largest, dtype=np.intp), room))

    def block(k: int) -> tuple[NDArray[np.float32], ...]:
        keys, index, room = borrowed = buffers.get()
        kind = pairs.kinds[k]
        pull = room[: 2 * m * kind.size].reshape(2, m, *kind.shape)
        keys, index = keys[: kind.size], index[: kind.size].reshape(kind.shape)
        # Similar pairs have the first cells, rightly ordered ones the next, wrongly ordered ones the last.
        wrong = (kind == DIFFERENT).astype(np.int32) * CELLS
        first = wrong + (kind == IGNORED).astype(np.int32) * (3 * CELLS)
        for method in range(m):
            index[...] = pairs.cells(method, k, wrong, first, keys)
            np.take(tables[method][0], index, out=pull[0, method], mode="clip")
            np.take(tables[method][1], index, out=pull[1, method], mode="clip")
        flat = pull.reshape(2, m, -1)
        found = flat @ flat.transpose(0, 2, 1), pull.sum(axis=3), pull.sum(axis=2)
        buffers.put(borrowed)
        return found

    with ThreadPoolExecutor(workers) as pool:
        for k, (gram, of_rows, of_columns) in enumerate(pool.map(block, range(len(pairs.kinds)))):
            start = k * ROWS
            by_pair += gram
            pulls[:, :, start : start + of_rows.shape[2]] += of_rows
            pulls[:, :, start:] += of_columns
    summed = np.zeros((2, m, int(units.max(initial=-1)) + 1))
    for image, unit in enumerate(units):
        summed[:, :, unit] += pulls[:, :, image]
    return by_pair, summed @ summed.transpose(0, 2, 1)
