"""Whether two pictures show the same once one is laid over the other: what decides on a candidate."""

from __future__ import annotations

from math import isnan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.datasets.leaks.placing import Placing

#: Cells of the square that has the area in which what both show is compared, and fields a side of it.
CELLS, FIELDS = 64, 4
#: Least median correlation of pictures that show the same; docs/datasets.md says how it was chosen.
SAME = 0.6
#: A field is flat whose details deviate by less (of 255), and fewer fields that are not flat decide nothing.
FLAT, FEWEST = 1.0, 4
#: Least part of either picture's area that both show.
SMALLEST = 0.04


#: A grey picture; OpenCV's types do not say of what numbers.
Grey = NDArray[Any]


class Likeness(NamedTuple):
    """Median correlation over fields (NaN: too little can be seen), and the part of each that both show."""

    correlation: float
    of_test: float
    of_train: float


def whole(test: Grey, train: Grey) -> Placing:
    """One picture stretched over the other."""
    (height, width), (high, wide) = test.shape, train.shape
    return Placing(wide / width, high / height, 0, 0)


def likeness(test: Grey, train: Grey, placing: Placing) -> Likeness:
    """Correlation of the details of two grey pictures where both show something."""
    common = _common(test, train, placing)
    if min(common.of_test, common.of_train) < SMALLEST:
        return Likeness(float("nan"), common.of_test, common.of_train)
    step = (common.width * common.height) ** 0.5 / CELLS
    size = round(common.width / step), round(common.height / step)
    grid = Placing(step, step, common.left, common.top)
    one, two = _sampled(test, grid, size), _sampled(train, _after(placing, grid), size)
    # What refines may also stray, so the better of both counts.
    warps = (np.eye(2, 3, dtype=np.float32), _refined(one, two))
    found = [(_correlation(one, two, warp), warp) for warp in warps]
    correlation, warp = max(found, key=lambda pair: -2 if isnan(pair[0]) else pair[0])
    # Cell k of the samples has its middle at k + 1/2.
    (across, _, right), (_, down, below) = warp.astype(float)
    warped = Placing(across, down, right + (1 - across) / 2, below + (1 - down) / 2)
    back = Placing(1 / step, 1 / step, -common.left / step, -common.top / step)
    common = _common(test, train, _after(_after(placing, grid), _after(warped, back)))
    return Likeness(correlation, common.of_test, common.of_train)


class _Common(NamedTuple):
    """What two pictures both show: where it begins in the test picture, from its middle, and its size."""

    left: float
    top: float
    width: float
    height: float
    of_test: float
    of_train: float


def _common(test: Grey, train: Grey, placing: Placing) -> _Common:
    (high, wide), (height, width) = test.shape, train.shape
    left = max(-wide / 2, (-width / 2 - placing.right) / placing.across)
    right = min(wide / 2, (width / 2 - placing.right) / placing.across)
    top = max(-high / 2, (-height / 2 - placing.below) / placing.down)
    bottom = min(high / 2, (height / 2 - placing.below) / placing.down)
    wide, high = max(right - left, 0), max(bottom - top, 0)
    area = wide * high
    return _Common(left, top, wide, high, area / test.size, area * placing.across * placing.down / train.size)


def _after(second: Placing, first: Placing) -> Placing:
    """One placing after another."""
    return Placing(
        second.across * first.across,
        second.down * first.down,
        second.across * first.right + second.right,
        second.down * first.below + second.below,
    )


def _sampled(picture: Grey, placing: Placing, size: tuple[int, int]) -> Grey:
    """Cells of a grid of `size` that `placing` lays into the picture, blurred to what they can hold."""
    import cv2

    across, down, left, top = placing
    smooth: Grey = picture.astype(np.float32)
    if max(across, down) > 1:
        smooth = cv2.GaussianBlur(smooth, (0, 0), 0.5 * across, sigmaY=0.5 * down)
    # A cell is seen in its middle, and so is a pixel; the picture's middle lies at half its width.
    middle_x, middle_y = (picture.shape[1] + across - 1) / 2, (picture.shape[0] + down - 1) / 2
    matrix = np.array([[across, 0, left + middle_x], [0, down, top + middle_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(smooth, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _refined(one: Grey, two: Grey) -> Grey:
    """Affine map that lays `two` over `one` better than they lie (ECC), if it is a small one."""
    import cv2

    still = np.eye(2, 3, dtype=np.float32)
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
    try:
        _, warp = cv2.findTransformECC(one, two, still.copy(), cv2.MOTION_AFFINE, until)
    except cv2.error:  # it says so where pictures have nothing in common
        return still
    corners = np.array([[0, 0, 1], [one.shape[1], 0, 1], [0, one.shape[0], 1], [*one.shape[::-1], 1]])
    moved = np.abs(corners @ (warp - still).T).max()
    return warp if moved < CELLS / 4 else still


def _details(picture: Grey) -> Grey:
    import cv2

    return cv2.GaussianBlur(picture, (0, 0), 0.8) - cv2.GaussianBlur(picture, (0, 0), CELLS / 10)


def _correlation(one: Grey, two: Grey, warp: Grey) -> float:
    """Median over fields of the correlation of the details, once `two` is laid over `one`."""
    import cv2

    size, flags = one.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    inside = cv2.warpAffine(np.ones_like(two), warp, size, flags=flags) > 0.99
    one, two = _details(one), _details(cv2.warpAffine(two, warp, size, flags=flags))
    found = []
    for rows in np.array_split(np.arange(len(one)), FIELDS):
        for columns in np.array_split(np.arange(one.shape[1]), FIELDS):
            field = np.ix_(rows, columns)
            here = inside[field]
            if here.mean() > 0.5:
                a, b = one[field][here], two[field][here]
                if min(a.std(), b.std()) > FLAT:
                    found.append(np.corrcoef(a, b)[0, 1])
    return float(np.median(found)) if len(found) >= FEWEST else float("nan")
