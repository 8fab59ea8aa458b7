"""Krasula's analysis: does a score tell pictures apart that people tell apart, and the better from the worse.

Every pair of images is *different* when the opinions differ by more than their errors allow, else *similar*.
Two areas under the ROC curve follow, both exact: **different/similar**, the chance that a different pair is
further apart in score than a similar one, and **better/worse**, the chance that the score orders different
pairs as people do. A data set of n images has n(n-1)/2 pairs; they are never held in floating point. The
difference of two scores becomes 30 bits of an integer and the kind of pair its two lowest bits, so that one
sort of 4 bytes a pair answers both questions.

References
----------
L. Krasula, K. Fliegel, P. Le Callet, M. Klima, On the accuracy of objective image and video quality models:
new methodology for performance evaluation, QoMEX 2016.
E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Comparing the areas under two or more correlated receiver
operating characteristic curves: a nonparametric approach, Biometrics 44(3), 1988.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Keys = NDArray[np.uint32]

_LEVELS = 2**30 - 1
_CELL = 15  # placements are read from cells of 2^15 levels
_CELLS = 1 << (30 - _CELL)
_ROWS = 32  # with 64 the pulls of a block leave the cache between the steps that use them
_DIFFERENT, _IGNORED = 1, 4
_CHUNK = 1 << 16
_LARGEST = np.iinfo(np.uint32).max


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
    pairs = _Pairs(_levels(s[:, order]), _kinds(y[order], e[order], level))
    units = np.arange(y.size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    return _analyse(pairs, units.reshape(-1)[order], workers)


@dataclass(frozen=True)
class _Pairs:
    """Integer scores ``[M, n]`` in ascending order of the opinions, and the kind of every pair.

    Block k holds the pairs of the images ``32 k ...`` with all that follow ``32 k``; those on or below the
    diagonal are marked as ignored.
    """

    levels: Integers
    kinds: list[NDArray[np.uint8]]

    @property
    def size(self) -> int:
        """Number of pairs in all blocks, ignored ones included."""
        return sum(k.size for k in self.kinds)

    def tagged(self, method: int, k: int, out: Keys) -> Keys:
        """Write block k of ``difference << 2 | tag`` to ``out``; ignored pairs are the largest integer.

        The tags are 0 for similar, 1 for rightly and 3 for wrongly ordered different pairs.
        """
        start, kind = k * _ROWS, self.kinds[k]
        q, keys = self.levels[method], out.reshape(kind.shape)
        signed = keys.view(np.int32)
        np.subtract(q[None, start:], q[start : start + _ROWS, None], out=signed)
        tag = (signed < 0).view(np.uint8)
        tag &= kind
        tag <<= 1
        tag |= kind & _DIFFERENT
        np.abs(signed, out=signed)
        keys <<= 2
        keys |= tag
        np.putmask(keys[:, :_ROWS], kind[:, :_ROWS] == _IGNORED, _LARGEST)
        return keys

    def cells(self, method: int, k: int, wrong: Integers, first: Integers, out: Keys) -> Integers:
        """Write the cells of block k to ``out``: ``first``, and ``wrong`` more where the score disagrees."""
        start = k * _ROWS
        q, cell = self.levels[method], out.view(np.int32).reshape(first.shape)
        np.subtract(q[None, start:], q[start : start + _ROWS, None], out=cell)
        sign = cell >> 31
        sign &= wrong
        np.abs(cell, out=cell)
        cell >>= _CELL
        cell += sign
        cell += first
        return cell


def _levels(scores: Floats) -> Integers:
    """Scores as integers, so that differences are exact and ties are ties."""
    return np.stack([_lattice(row) for row in scores])


def _lattice(scores: Floats) -> Integers:
    """Count steps above the lowest score: its own steps if it has any (whole numbers, rounded decimals)."""
    offset = scores - scores.min(initial=np.inf)
    gaps = np.diff(np.unique(offset))
    if not gaps.size:
        return np.zeros(scores.size, dtype=np.int32)
    steps = offset / gaps[gaps > 1e-9 * offset.max()].min()
    if steps.max() > _LEVELS or np.abs(steps - np.rint(steps)).max() > 1e-3:
        # A power of two scales the differences of binary numbers exactly.
        steps = np.ldexp(offset, 30 - int(np.frexp(offset.max())[1]))
    whole = np.minimum(np.rint(steps), _LEVELS)
    return (whole * (_LEVELS // whole.max())).astype(np.int32)


def _kinds(mos: Floats, error: Floats, level: float) -> list[NDArray[np.uint8]]:
    """Different, similar or ignored, for opinions in ascending order."""
    z, n = stats.norm.ppf((1 + level) / 2), mos.size
    blocks = []
    for start in range(0, n, _ROWS):
        rows = slice(start, min(start + _ROWS, n))
        allowed = z * np.sqrt(error[rows, None] ** 2 + error[None, start:] ** 2)
        kind = (mos[None, start:] - mos[rows, None] > allowed).astype(np.uint8)
        kind[np.tri(*kind.shape) > 0] = _IGNORED
        blocks.append(kind)
    return blocks


@dataclass(frozen=True)
class _Areas:
    """Both areas of one method; ``tables[2, cell]`` holds the pull of a pair on either."""

    different_similar: float
    better_worse: float
    correct: float
    tables: NDArray[np.float32]


def _analyse(pairs: _Pairs, units: NDArray[np.intp], workers: int) -> Discrimination:
    count = pairs.levels.shape[0]
    different = sum(int(np.count_nonzero(k == _DIFFERENT)) for k in pairs.kinds)
    similar = sum(int(np.count_nonzero(k == 0)) for k in pairs.kinds)
    buffers: SimpleQueue[Keys] = SimpleQueue()  # touching new memory would cost more than the sort
    for _ in range(min(workers, count)):
        buffers.put(np.empty(pairs.size, dtype=np.uint32))

    def one(method: int) -> _Areas:
        keys = buffers.get()
        try:
            return _areas(pairs, method, keys, (different, similar))
        finally:
            buffers.put(keys)

    with ThreadPoolExecutor(workers) as pool:
        areas = list(pool.map(one, range(count)))
    by_pair, by_image = _covariances(pairs, [a.tables for a in areas], units, workers)
    values = np.array([[a.different_similar, a.better_worse, a.correct] for a in areas]).T
    two = [Auc(values[k], by_image[k], by_pair[k]) for k in range(2)]
    return Discrimination(two[0], two[1], values[2], different, similar)


def _areas(pairs: _Pairs, method: int, keys: Keys, counts: tuple[int, int]) -> _Areas:
    """Sort the pairs of one method in ``keys`` and count."""
    different, similar = counts
    at = 0
    for k, kind in enumerate(pairs.kinds):
        pairs.tagged(method, k, keys[at : at + kind.size])
        at += kind.size
    keys.sort()
    tally = _count(keys[: different + similar])  # the ignored ones, being largest, stand at the end
    right = int(tally.below[1, -1])
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.float64(tally.apart) / (np.float64(different) * similar)
        zero = tally.zero
        better = (np.float64(right) ** 2 - zero**2 / 2 + 2 * tally.order) / np.float64(different) ** 2
        correct = np.float64(right - zero / 2) / different
    tables = _tables(tally, float(apart), float(better), different, similar)
    return _Areas(float(apart), float(better), float(correct), tables)


@dataclass(frozen=True)
class _Tally:
    """Counts from sorted keys.

    ``apart``: different pairs beyond similar ones, ties one half; ``order``: rightly ordered pairs beyond
    wrongly ordered ones, likewise; ``zero``: different pairs of equal score; ``below[3, cells + 1]``:
    similar, right and wrong pairs below each cell's edge.
    """

    apart: float
    order: float
    zero: int
    below: NDArray[np.int64]


def _count(keys: Keys) -> _Tally:
    """Walk through the sorted keys in chunks that never cut a group of equal differences."""
    cells = (np.arange(_CELLS) << (_CELL + 2)).astype(np.uint32)
    edges = np.append(np.searchsorted(keys, cells), keys.size)
    below = np.zeros((3, edges.size), dtype=np.int64)
    apart = order = 0.0
    seen = np.zeros(3, dtype=np.int64)
    for start, stop in _chunks(keys):
        part = keys[start:stop]
        tag = part.astype(np.uint8) & np.uint8(3)
        here = np.zeros((2, part.size + 1), dtype=np.int32)
        np.cumsum(tag == 0, out=here[0, 1:])
        np.cumsum(tag == 3, out=here[1, 1:])
        inside = slice(*np.searchsorted(edges, [start, stop + (stop == keys.size)]))
        at = edges[inside] - start
        below[0, inside], below[2, inside] = seen[0] + here[0, at], seen[2] + here[1, at]
        similar, wrong = int(here[0, -1]), int(here[1, -1])
        right = part.size - similar - wrong
        # Equal differences stand in the order similar, right, wrong; ties are put right to one half.
        tied_apart, tied_order = _ties(part, tag)
        ahead = int(here[0].sum(dtype=np.int64)) - similar * (similar + 1) // 2
        apart += ahead + int(seen[0]) * (right + wrong) - tied_apart / 2
        order += int((here[1, 1:] * (tag == 1)).sum(dtype=np.int64)) + int(seen[2]) * right + tied_order / 2
        seen += (similar, right, wrong)
    below[1] = edges - below[0] - below[2]
    zero = int(np.count_nonzero(keys[: np.searchsorted(keys, np.uint32(4))] & 1))
    return _Tally(apart, order, zero, below)


def _chunks(keys: Keys) -> Iterator[tuple[int, int]]:
    start = 0
    while start < keys.size:
        stop = min(start + _CHUNK, keys.size)
        last = (int(keys[stop - 1]) >> 2) + 1
        stop = int(np.searchsorted(keys, np.uint32(last << 2))) if last <= _LEVELS else keys.size
        yield start, stop
        start = stop


def _ties(part: Keys, tag: NDArray[np.uint8]) -> tuple[float, float]:
    """Count pairs of equal difference: similar and different ones, right and wrong ones.

    In a group of equal differences the two kinds meet at one place at most.
    """
    step = part[1:] - part[:-1]
    step -= np.uint32(1)  # equal keys wrap around, so that one comparison finds steps of 1 to 3
    close = np.flatnonzero(step < 3)
    before, after = tag[close], tag[close + 1]
    apart = _product(part, close[(before == 0) & (after > 0)], 0)
    return apart, _product(part, close[(before == 1) & (after == 3)], 1)


def _product(part: Keys, meet: NDArray[np.intp], first: int) -> float:
    """Sum over groups of the number of keys up to the place they meet (tags from ``first``) and after it."""
    value = part[meet] & ~np.uint32(3)
    lower, upper = meet.copy(), meet + 2
    # Groups of two need no search.
    longer = part[np.maximum(meet - 1, 0)] >= value
    lower[longer] = np.searchsorted(part, value[longer] | np.uint32(first))
    longer = part[np.minimum(meet + 2, part.size - 1)] <= value | np.uint32(3)
    upper[longer] = np.searchsorted(part, value[longer] | np.uint32(3), side="right")
    return float(((meet + 1 - lower) * (upper - meet - 1)).sum())


def _tables(tally: _Tally, apart: float, better: float, different: int, similar: int) -> NDArray[np.float32]:
    """Tabulate how a pair pulls on the two areas: its placement less the area, one share of its kind."""
    lower, upper = tally.below[:, :-1], tally.below[:, 1:]
    middle, total = (lower + upper) / 2, tally.below[:, -1].astype(np.float64)
    tables = np.zeros((2, 3 * _CELLS + 1))
    of_similar, of_right, of_wrong = (slice(k * _CELLS, (k + 1) * _CELLS) for k in range(3))
    if different and similar:
        tables[0, of_similar] = ((different - middle[1] - middle[2]) / different - apart) / similar
        tables[0, of_right] = tables[0, of_wrong] = (middle[0] / similar - apart) / different
    if different:
        tables[1, of_right] = 2 * ((total[1] + middle[2]) / different - better) / different
        tables[1, of_wrong] = 2 * ((total[1] - middle[1]) / different - better) / different
        # Of two pairs without any difference neither is ahead: they count one half, not one.
        tables[1, _CELLS] -= tally.zero**2 / max(upper[1, 0], 1) / different**2
    return tables.astype(np.float32)  # the cell behind the last pulls on nothing


def _covariances(
    pairs: _Pairs, tables: list[NDArray[np.float32]], units: NDArray[np.intp], workers: int
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
        wrong = (kind == _DIFFERENT).astype(np.int32) * _CELLS
        first = wrong + (kind == _IGNORED).astype(np.int32) * (3 * _CELLS)
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
            start = k * _ROWS
            by_pair += gram
            pulls[:, :, start : start + of_rows.shape[2]] += of_rows
            pulls[:, :, start:] += of_columns
    summed = np.zeros((2, m, int(units.max(initial=-1)) + 1))
    for image, unit in enumerate(units):
        summed[:, :, unit] += pulls[:, :, image]
    return by_pair, summed @ summed.transpose(0, 2, 1)
