"""Whether two pictures show the same once one is laid over the other: what decides on a candidate."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.datasets.leaks.placing import Placing

#: Cells of the square that has the area in which what both show is compared, and fields a side of it.
CELLS, FIELDS = 64, 4
#: Least median over fields of the correlation of pictures that show the same.
SAME = 0.5
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


def whole(test: NDArray[np.uint8], train: NDArray[np.uint8]) -> Placing:
    """One picture stretched over the other."""
    (height, width), (high, wide) = test.shape, train.shape
    return Placing(wide / width, high / height, 0, 0)


def likeness(test: NDArray[np.uint8], train: NDArray[np.uint8], placing: Placing) -> Likeness:
    """Correlation of the details of two grey pictures where both show something."""
    import cv2

    left, right = _common(test.shape[1], train.shape[1], placing.across, placing.right)
    top, bottom = _common(test.shape[0], train.shape[0], placing.down, placing.below)
    area = max(right - left, 0) * max(bottom - top, 0)
    of_test, of_train = area / test.size, area * placing.across * placing.down / train.size
    if min(of_test, of_train) < SMALLEST:
        return Likeness(float("nan"), of_test, of_train)
    step = area**0.5 / CELLS
    size = round((right - left) / step), round((bottom - top) / step)
    one = _sampled(test, step, step, left, top, size)
    two = _sampled(
        train,
        step * placing.across,
        step * placing.down,
        left * placing.across + placing.right,
        top * placing.down + placing.below,
        size,
    )
    warp = _refined(one, two)
    two = cv2.warpAffine(two, warp, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inside = (
        cv2.warpAffine(np.ones_like(two), warp, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP) > 0.99
    )
    return Likeness(_median_correlation(_details(one), _details(two), inside), of_test, of_train)


def _common(length: int, long: int, scale: float, shift: float) -> tuple[float, float]:
    """Where on a test picture's axis, from its middle, the training picture lies too."""
    ends = ((-long / 2 - shift) / scale, (long / 2 - shift) / scale)
    return max(-length / 2, ends[0]), min(length / 2, ends[1])


def _sampled(
    picture: NDArray[np.uint8], across: float, down: float, left: float, top: float, size: tuple[int, int]
) -> Grey:
    """Samples at steps of `across` and `down` pixels, blurred to what they can hold."""
    import cv2

    smooth: Grey = picture.astype(np.float32)
    if max(across, down) > 1:
        smooth = cv2.GaussianBlur(smooth, (0, 0), 0.5 * across, sigmaY=0.5 * down)
    middle_x, middle_y = picture.shape[1] / 2, picture.shape[0] / 2
    # Sample k lies in the middle of its cell; pixel k of the picture lies at k + 1/2 from its edge.
    matrix = np.array(
        [
            [across, 0, left + middle_x + 0.5 * across - 0.5],
            [0, down, top + middle_y + 0.5 * down - 0.5],
        ]
    )
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


def _median_correlation(one: Grey, two: Grey, inside: NDArray[np.bool_]) -> float:
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
