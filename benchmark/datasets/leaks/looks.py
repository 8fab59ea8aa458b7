"""Pictures of one look on both sides, by the perceptual hash of whole pictures."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Bits of 128 by which two pictures of one look may differ; docs/datasets.md says how it was chosen.
NEAR = 12


class Look(NamedTuple):
    """Rows of a test and a training picture of one look, and by how many bits they differ."""

    test: int
    train: int
    mirrored: bool
    bits: int


def alike(train: pd.DataFrame, test: pd.DataFrame, near: int) -> Iterator[Look]:
    """Nearest training picture of every test picture, where it is within `near` bits and another content.

    A test picture is looked for as it is and mirrored (left for right); the nearer of both counts. Rows are
    those of the frames; pictures without a look take no part.
    """
    left, right = _Hashes(train, "train"), _Hashes(test, "test")
    found = (
        _nearest(left, right, near),
        _nearest(left.both_ways(), right.mirrored(), near),
    )
    for row in sorted({*found[0], *found[1]}):
        turned = min((False, True), key=lambda turned: found[turned].get(row, (129, 0))[0])
        bits, other = found[turned][row]
        yield Look(int(right.rows[row]), int(left.rows[other]), turned, bits)


def contents(frame: pd.DataFrame, side: str) -> NDArray[np.str_]:
    """Content of every picture: its reference, and without one a content of its own, on this side alone."""
    pairs = zip(frame["reference"], frame["image"], strict=True)
    return np.array([r if isinstance(r, str) else f"\0{side}\0{image}" for r, image in pairs])


def _nearest(left: _Hashes, right: _Hashes, near: int) -> dict[int, tuple[int, int]]:
    """Row of `right` -> bits and row of the nearest of `left`, where it is within `near` bits.

    Two hashes that differ in at most k bits agree wholly in one of k + 1 bands, so only pictures that share a
    band are compared.
    """
    best: dict[int, tuple[int, int]] = {}
    for band in range(near + 1):
        places: dict[bytes, list[int]] = {}
        for row, key in enumerate(left.band(band, near + 1)):
            places.setdefault(key, []).append(row)
        for row, key in enumerate(right.band(band, near + 1)):
            if rows := places.get(key):
                bits = np.bitwise_count(left.words[rows] ^ right.words[row]).sum(1)
                bits[left.content[rows] == right.content[row]] = 129
                at = int(bits.argmin())
                if bits[at] <= near and (row not in best or bits[at] < best[row][0]):
                    best[row] = (int(bits[at]), rows[at])
    return best


class _Hashes:
    """Perceptual hashes of the pictures that have one: as two words of 64 bits, and as bits for the bands."""

    def __init__(self, frame: pd.DataFrame, side: str) -> None:
        self.rows = np.flatnonzero(frame["looks"] != "")
        frame = frame.iloc[self.rows]
        pieces = [bytes.fromhex(looks) for looks in frame["looks"]]
        raw = np.frombuffer(b"".join(pieces), dtype=np.uint8).reshape(-1, 16)
        self.content = contents(frame, side)
        self._set(np.unpackbits(raw, axis=1))

    def _set(self, bits: NDArray[np.uint8]) -> _Hashes:
        self._bits, self.words = bits, np.packbits(bits, axis=1).view(np.uint64)
        return self

    def both_ways(self) -> _Hashes:
        """Without the eight bits that `mirrored` cannot know: of the fields in the first column."""
        across, down = self._grids()
        return self._with(across, np.where(np.arange(8) > 0, down, 0))

    def mirrored(self) -> _Hashes:
        """Hashes of the pictures mirrored, of the bits that can be known.

        A field that is brighter than its left neighbour is then less bright than its right one; what lay
        above it still does. The ninth column of fields, which becomes the first, has no such bits.
        """
        across, down = self._grids()
        turned = np.concatenate([np.zeros_like(down[..., :1]), down[..., :0:-1]], axis=2)
        return self._with(1 - across[..., ::-1], turned)

    def _grids(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        grids = self._bits.reshape(-1, 2, 8, 8)
        return grids[:, 0], grids[:, 1]

    def _with(self, across: NDArray[np.uint8], down: NDArray[np.uint8]) -> _Hashes:
        bits = np.stack([across, down], axis=1).reshape(-1, 128).astype(np.uint8)
        return copy.copy(self)._set(bits)

    def band(self, index: int, count: int) -> list[bytes]:
        """Bits of band `index` of `count`, one key a picture."""
        columns = np.array_split(np.arange(128), count)[index]
        return [bytes(row) for row in np.packbits(self._bits[:, columns], axis=1)]
