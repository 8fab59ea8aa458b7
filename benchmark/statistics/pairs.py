"""All pairs of images counted: how many of a kind lie within each difference of score. Exact.

A data set of n images has n(n-1)/2 pairs; they are never held in floating point. The difference of two scores
becomes 30 bits of an integer and the kind of pair its two lowest bits, so that one sort of 4 bytes a pair
answers both of Krasula's questions (`benchmark.statistics.discrimination`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmark.arrays import Floats

Integers = NDArray[np.int32]
Keys = NDArray[np.uint32]

_LEVELS = 2**30 - 1
_CELL = 15  # placements are read from cells of 2^15 levels
CELLS = 1 << (30 - _CELL)
ROWS = 32  # with 64 the pulls of a block leave the cache between the steps that use them
DIFFERENT, IGNORED = 1, 4
_CHUNK = 1 << 16
_LARGEST = np.iinfo(np.uint32).max


@dataclass(frozen=True)
class Pairs:
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
        start, kind = k * ROWS, self.kinds[k]
        q, keys = self.levels[method], out.reshape(kind.shape)
        signed = keys.view(np.int32)
        np.subtract(q[None, start:], q[start : start + ROWS, None], out=signed)
        tag = (signed < 0).view(np.uint8)
        tag &= kind
        tag <<= 1
        tag |= kind & DIFFERENT
        np.abs(signed, out=signed)
        keys <<= 2
        keys |= tag
        np.putmask(keys[:, :ROWS], kind[:, :ROWS] == IGNORED, _LARGEST)
        return keys

    def cells(self, method: int, k: int, wrong: Integers, first: Integers, out: Keys) -> Integers:
        """Write the cells of block k to ``out``: ``first``, and ``wrong`` more where the score disagrees."""
        start = k * ROWS
        q, cell = self.levels[method], out.view(np.int32).reshape(first.shape)
        np.subtract(q[None, start:], q[start : start + ROWS, None], out=cell)
        sign = cell >> 31
        sign &= wrong
        np.abs(cell, out=cell)
        cell >>= _CELL
        cell += sign
        cell += first
        return cell


def levels_of(scores: Floats) -> Integers:
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


def kinds_of(mos: Floats, error: Floats, level: float) -> list[NDArray[np.uint8]]:
    """Different, similar or ignored, for opinions in ascending order."""
    z, n = stats.norm.ppf((1 + level) / 2), mos.size
    blocks = []
    for start in range(0, n, ROWS):
        rows = slice(start, min(start + ROWS, n))
        allowed = z * np.sqrt(error[rows, None] ** 2 + error[None, start:] ** 2)
        kind = (mos[None, start:] - mos[rows, None] > allowed).astype(np.uint8)
        kind[np.tri(*kind.shape) > 0] = IGNORED
        blocks.append(kind)
    return blocks


@dataclass(frozen=True)
class Tally:
    """Counts from sorted keys.

    ``apart``: different pairs beyond similar ones, ties one half; ``order``: rightly ordered pairs beyond
    wrongly ordered ones, likewise; ``zero``: different pairs of equal score; ``below[3, cells + 1]``:
    similar, right and wrong pairs below each cell's edge.
    """

    apart: float
    order: float
    zero: int
    below: NDArray[np.int64]

    def packed(self) -> NDArray[np.float64]:
        """One array of all: small whole numbers but for the first two, exact up to 2^53 pairs."""
        steps = np.diff(self.below, prepend=0).reshape(-1)
        return np.array([self.apart, self.order, self.zero, *steps], dtype=np.float64)

    @classmethod
    def unpacked(cls, packed: NDArray[np.float64]) -> Tally:
        """Return what `packed` was made from."""
        below = np.cumsum(packed[3:].astype(np.int64).reshape(3, -1), axis=1)
        return cls(float(packed[0]), float(packed[1]), int(packed[2]), below)


def tally_of(pairs: Pairs, method: int, keys: Keys) -> Tally:
    """Sort the pairs of one method in ``keys`` (room for all of them) and count."""
    at = 0
    for k, kind in enumerate(pairs.kinds):
        pairs.tagged(method, k, keys[at : at + kind.size])
        at += kind.size
    keys.sort()
    ignored = sum(int(np.count_nonzero(kind == IGNORED)) for kind in pairs.kinds)
    return _count(keys[: keys.size - ignored])  # these, being largest, stand at the end


def _count(keys: Keys) -> Tally:
    """Walk through the sorted keys in chunks that never cut a group of equal differences."""
    cells = (np.arange(CELLS) << (_CELL + 2)).astype(np.uint32)
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
    return Tally(apart, order, zero, below)


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
