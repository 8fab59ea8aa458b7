"""Points of a picture that a crop of it keeps: where they lie, how large they are and what is around them.

Keypoints and descriptors are SIFT's (D. Lowe, IJCV 60, 2004) by OpenCV, upright: no crop turns a picture. A
descriptor is kept as 128 bits, so that a picture takes 3 kB. Bits are signs of differences between sums of
bins that are alike on average, so that each is set about every second time without being fitted to pictures.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    import cv2

#: Pixels of the square that has the area in which a picture is looked at.
SIDE = 224
#: Most points that are kept of a picture.
COUNT = 128
#: Units of a kept coordinate a pixel, and of a kept size an octave.
FINE, STEPS = 16, 16

#: A point as it is kept: place from the picture's middle, size, and the code as it is and of the mirrored.
POINT = np.dtype([("x", "<i2"), ("y", "<i2"), ("size", "u1"), ("code", "<u8", (2,))])

Points = NDArray[np.void]


def points_of(image: Tensor) -> Points:
    """Points of ``image [3, H, W]`` in [0, 1], at most `COUNT`, the most salient and large ones."""
    import cv2

    grey = grey_of(image)
    height, width = grey.shape
    sift = cv2.SIFT.create(contrastThreshold=0.01, enable_precise_upscale=True)
    # By salience alone, many small points, which a crop shows as large ones, would crowd out the rest.
    found = sorted(_once(sift.detect(grey, None)), key=lambda one: -one.response * one.size**0.5)[:COUNT]
    if not found:
        return np.zeros(0, POINT)
    for point in found:
        point.angle = 0
    kept, rows = sift.compute(grey, found)
    place = np.array([point.pt for point in kept]) - [(width - 1) / 2, (height - 1) / 2]
    size = np.log2([point.size for point in kept])
    points = np.zeros(len(kept), POINT)
    points["x"], points["y"] = np.clip(np.round(place * FINE), -(2**15), 2**15 - 1).T
    points["size"] = np.clip(np.round(size * STEPS), 0, 255)
    points["code"] = codes(np.asarray(rows))
    return points


def grey_of(image: Tensor, side: int = SIDE) -> NDArray[np.uint8]:
    """Grey picture of the area of a square of `side`, of its own aspect."""
    import cv2

    red, green, blue = image.numpy()
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    height, width = grey.shape
    scale = side / (height * width) ** 0.5
    size = max(round(width * scale), 8), max(round(height * scale), 8)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.clip(np.round(small * 255), 0, 255).astype(np.uint8)


def codes(rows: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Codes ``[N, 2]`` of SIFT's descriptors ``[N, 128]``, as they are and mirrored."""
    rows = np.sqrt(rows / np.maximum(rows.sum(1, keepdims=True), 1e-9))
    bits = np.concatenate([rows @ _SUMS > 0, rows @ _SUMS[_MIRRORED] > 0], axis=1)
    return np.packbits(bits, axis=1).view("<u8")


def packed(points: Points) -> str:
    """Points as text."""
    return base64.b64encode(points.tobytes()).decode("ascii")


def unpacked(text: str) -> Points:
    """Points of such a text."""
    return np.frombuffer(base64.b64decode(text), POINT)


def _once(points: Sequence[cv2.KeyPoint]) -> list[cv2.KeyPoint]:
    """One point a place and size: SIFT gives one a direction."""
    first: dict[tuple[float, float, float], cv2.KeyPoint] = {}
    for point in points:
        first.setdefault((point.pt[0], point.pt[1], point.size), point)
    return list(first.values())


def _mirrored() -> NDArray[np.intp]:
    """Bin that each bin of a descriptor (4 rows, 4 columns, 8 directions) becomes in the mirrored picture."""
    row, column, way = np.indices((4, 4, 8))
    return ((row * 4 + 3 - column) * 8 + (4 - way) % 8).ravel()


def _sums() -> NDArray[np.float32]:
    """Signs ``[128, 64]`` of the bins in the sums that bits are signs of.

    Bins that mirroring left for right and upside down makes of each other are alike on average over
    photographs; of such four, two are added and two are taken off.
    """
    row, column, way = np.indices((4, 4, 8))
    turned = ((3 - row) * 4 + column) * 8 + (-way) % 8
    flip, drop = _mirrored(), turned.ravel()
    draw = np.random.default_rng(0)
    signs = np.zeros((128, 64), np.float32)
    for bin_ in range(128):
        four = [bin_, flip[bin_], drop[bin_], drop[flip[bin_]]]
        if bin_ == min(four):
            pattern = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])[draw.integers(0, 3, 64)]
            signs[four] = (pattern * draw.choice([-1, 1], (64, 1))).T
    return signs


_MIRRORED = _mirrored()
_SUMS = _sums()
