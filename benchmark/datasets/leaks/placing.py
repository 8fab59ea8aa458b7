"""Where one picture lies in another, by the points that both show."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.datasets.points import FINE, STEPS, Points

#: Most bits of 128 by which the codes of one point differ.
ALIKE = 30
#: Most matches that are looked at, the most alike: a pair of the same picture has a hundred.
MOST = 60
#: Pixels by which a point may miss its place, in the picture that shows it larger.
MISS = 4.0
#: Pixels on either axis that two points lie apart from which a scale is taken.
APART = 8
#: Largest scale, largest ratio of the scales of both axes, and octaves by which a point's size may miss.
ZOOM, STRETCH, SIZES = 7.0, 1.6, 0.6
#: Fewest points at their places.
FEWEST = 5


class Placing(NamedTuple):
    """Where a test picture lies in a training picture, in pixels from both middles: x -> across x + right."""

    across: float
    down: float
    right: float
    below: float


def mirrored(points: Points) -> Points:
    """Points of the picture turned left for right."""
    turned = points.copy()
    turned["x"] = -points["x"]
    turned["code"] = points["code"][:, ::-1]
    return turned


def placed(test: Points, train: Points) -> tuple[int, Placing] | None:
    """How many points of both lie as one scaling of the axes lays them, and that scaling; None if too few.

    Every two matches propose a scaling; the one that most matches agree to is fitted to these.
    """
    one, two = _matches(test, train)
    if len(one) < FEWEST:
        return None
    here, there = _places(test[one]), _places(train[two])
    grown = (train["size"][two].astype(float) - test["size"][one]) / STEPS
    first, second = np.triu_indices(len(one), 1)
    near, far = here[second] - here[first], there[second] - there[first]
    apart = (np.abs(near) > APART).all(1) & (np.abs(far) > APART).all(1)
    scale = far[apart] / near[apart]
    fits = (scale > 1 / ZOOM).all(1) & (scale < ZOOM).all(1)
    first, second, scale = first[apart][fits], second[apart][fits], np.log2(scale[fits])
    fits = np.abs(scale[:, 0] - scale[:, 1]) < np.log2(STRETCH)
    for point in (first, second):
        fits &= np.abs(scale.mean(1) - grown[point]) < SIZES
    scale, first = np.exp2(scale[fits]), first[fits]
    if not len(scale):
        return None
    shift = there[first] - scale * here[first]
    good = _hits(here, there, grown, scale, shift)
    # Few pictures are stretched, and rows of like things (lattices, windows) fit a stretched one by chance.
    votes = good.sum(1) * (1 - np.abs(np.log2(scale[:, 0] / scale[:, 1])))
    best = good[int(votes.argmax())]
    if best.sum() < FEWEST:
        return None
    spots = len(np.unique(np.round(here[best] / MISS), axis=0))
    return (spots, _fitted(here[best], there[best])) if spots >= FEWEST else None


def _fitted(here: NDArray[np.float64], there: NDArray[np.float64]) -> Placing:
    """Least squares: one scale if that brings nine of ten points to their places, else one an axis."""
    middle, other = here.mean(0), there.mean(0)
    product, square = (here - middle) * (there - other), (here - middle) ** 2
    scale = np.full(2, product.sum() / square.sum())
    missed = np.abs(scale * (here - middle) - (there - other)).max(1)
    if np.mean(missed < MISS * max(scale[0], 1)) < 0.9:
        scale = product.sum(0) / square.sum(0)
    return Placing(*scale.tolist(), *(other - scale * middle).tolist())


def _matches(test: Points, train: Points) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Points that are each other's most alike, and alike enough."""
    if not len(test) or not len(train):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    first, second = (
        np.bitwise_count(test["code"][:, word, None] ^ train["code"][:, word]) for word in range(2)
    )
    bits = first + second
    other = bits.argmin(1)
    here = np.arange(len(test))
    both = np.flatnonzero((bits[here, other] <= ALIKE) & (bits.argmin(0)[other] == here))
    both = both[np.argsort(bits[both, other[both]], kind="stable")[:MOST]]
    return both, other[both]


def _places(points: Points) -> NDArray[np.float64]:
    return np.stack([points["x"], points["y"]], axis=1) / FINE


def _hits(
    here: NDArray[np.float64],
    there: NDArray[np.float64],
    grown: NDArray[np.float64],
    scale: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Which matches each scaling brings to their places, at about the size that it gives them."""
    missed = scale[:, None] * here + shift[:, None] - there
    allowed = MISS * np.maximum(scale, 1)
    lies = (np.abs(missed) < allowed[:, None]).all(2)
    return lies & (np.abs(np.log2(scale).mean(1)[:, None] - grown) < SIZES)
