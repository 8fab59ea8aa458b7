"""Which pictures of one set share points with which of another: an inverted index over pieces of the codes.

Only points that have a quarter of their codes in common are compared: of the many that a crop keeps a third
do, of those of other pictures about one in a million.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.datasets.points import FINE, POINT, STEPS, Points

#: Most bits of 128 by which codes of one point differ.
ALIKE = 16
#: Times that two shared points agree, from which on a pair of pictures is looked at further.
AGREEING = 1
#: Octaves and pixels within which they agree: what a point's size says is rough.
SIZES, PLACES = 0.5, 32
#: A quarter that more training points than this have says nothing: skies, text, frames.
CROWD = 1000
#: Pictures of either side that are searched, and pairs of points that are compared, at a time.
BLOCK, COMPARED = 25_000, 4_000_000


class Pair(NamedTuple):
    """Rows of a test and a training picture, whether one is mirrored, and how often shared points agree."""

    test: int
    train: int
    mirrored: bool
    agreed: int


def pairs(train: Sequence[Points], test: Sequence[Points]) -> Iterator[Pair]:
    """Pairs of pictures that share points which lie alike in both."""
    for start in range(0, len(train), BLOCK):
        index = _Index(train[start : start + BLOCK])
        for first in range(0, len(test), BLOCK):
            asked = _Laid(test[first : first + BLOCK])
            for mirrored in (False, True):
                for row, other, agreed in _agreeing(asked.mirrored() if mirrored else asked, index):
                    yield Pair(first + row, start + other, mirrored, agreed)


def _agreeing(test: _Laid, index: _Index) -> Iterator[tuple[int, int, int]]:
    """Rows of pictures in which two shared points say the same about how one lies, and how often two do.

    It is `AGREEING` times or more. A shared point says it alone, by its size and its place in both. Each is
    compared with the three shared points before it, the best first.
    """
    train = index.laid
    left, right, bits = index.alike(test.codes)
    pictures = test.owner[left].astype(np.int64) * BLOCK + train.owner[right]
    order = np.lexsort((right, left, bits, pictures))
    pictures, left, right = pictures[order], left[order], right[order]
    grown = train.size[right] - test.size[left]
    scale = np.exp2(grown)
    shift = train.place[right] - scale[:, None] * test.place[left]
    agreed = np.zeros(len(pictures), np.int64)
    for lag in (1, 2, 3):
        one, other = slice(lag, None), slice(None, -lag)
        apart = (left[one] != left[other]) & (right[one] != right[other])
        near = np.abs(grown[one] - grown[other]) < SIZES
        close = np.abs(shift[one] - shift[other]).max(1, initial=0) < PLACES * np.maximum(scale[one], 1)
        agreed[one] += (pictures[one] == pictures[other]) & apart & near & close
    found, first = np.unique(pictures, return_index=True)
    counts = np.add.reduceat(agreed, first) if len(first) else agreed
    enough = counts >= AGREEING
    for one, count in zip(found[enough].tolist(), counts[enough].tolist(), strict=True):
        yield one // BLOCK, one % BLOCK, count


class _Laid:
    """All points of many pictures: code, place and size, and the row of the picture of each."""

    def __init__(self, pictures: Sequence[Points]) -> None:
        points = np.concatenate([np.zeros(0, POINT), *pictures])
        self.codes = np.ascontiguousarray(points["code"])
        self.place = np.stack([points["x"], points["y"]], axis=1).astype(np.float32) / FINE
        self.size = points["size"].astype(np.float32) / STEPS
        self.owner = np.repeat(np.arange(len(pictures), dtype=np.int32), [len(one) for one in pictures])

    def mirrored(self) -> _Laid:
        """The same of the pictures turned left for right."""
        turned = copy.copy(self)
        turned.codes = np.ascontiguousarray(self.codes[:, ::-1])
        turned.place = self.place * np.array([-1, 1], np.float32)
        return turned


class _Index:
    """Points of many pictures by each quarter of their codes."""

    def __init__(self, pictures: Sequence[Points]) -> None:
        self.laid = _Laid(pictures)
        self.quarters = []
        for quarter in _quarters(self.laid.codes):
            values, order = _sorted(quarter)
            values, first, count = np.unique(values, return_index=True, return_counts=True)
            self.quarters.append((order, values, first, count))

    def alike(
        self, codes: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
        """Points of `codes` and of the index that share a quarter and differ little, and by how many bits."""
        found = [(np.zeros(0, np.int64), np.zeros(0, np.uint8))]
        total = len(self.laid.codes)
        for (order, values, first, count), asked in zip(self.quarters, _quarters(codes), strict=True):
            if not total:
                break
            wanted, queue = _sorted(asked)  # what is looked up in order is found faster
            at = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
            known = (values[at] == wanted) & (count[at] <= CROWD)
            rows, at = queue[known], at[known]
            for piece in _pieces(count[at]):
                many = count[at[piece]]
                steps = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
                left, right = np.repeat(rows[piece], many), order[np.repeat(first[at[piece]], many) + steps]
                bits = np.bitwise_count(codes[left] ^ self.laid.codes[right]).sum(1, dtype=np.uint8)
                near = bits <= ALIKE
                found.append((left[near] * total + right[near], bits[near]))
        both, bits = (np.concatenate(side) for side in zip(*found, strict=True))
        both, once = np.unique(both, return_index=True)  # a pair with several quarters in common is one pair
        left, right = np.divmod(both, max(total, 1))
        return left, right, bits[once]


def _quarters(codes: NDArray[np.uint64]) -> Iterator[NDArray[np.uint32]]:
    """The four pieces of 32 bits of every code."""
    for word in range(2):
        for shift in (0, 32):
            yield (codes[:, word] >> np.uint64(shift)).astype(np.uint32)


def _sorted(values: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Values in order, and where each was: one sort of both in a word, several times as fast as argsort."""
    words = values.astype(np.uint64) << np.uint64(32) | np.arange(len(values), dtype=np.uint64)
    words.sort()
    return (words >> np.uint64(32)).astype(np.uint32), (words & np.uint64(2**32 - 1)).astype(np.int64)


def _pieces(counts: NDArray[np.int32]) -> Iterator[slice]:
    """Consecutive parts that come to about `COMPARED` each."""
    turns = np.cumsum(counts) // COMPARED
    edges = [0, *(np.flatnonzero(np.diff(turns)) + 1).tolist(), len(counts)]
    return (slice(*edge) for edge in itertools.pairwise(edges))
