"""Candidates for one content on both sides, and what their pictures say about each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark import images
from benchmark.datasets.leaks import looks, search
from benchmark.datasets.leaks.likeness import SAME, Likeness, likeness, whole
from benchmark.datasets.leaks.placing import Placing, mirrored, placed
from benchmark.datasets.points import grey_of, unpacked

#: Candidates by points that are looked at for a test picture.
MOST = 3
#: A picture is no crop of another where both show at least this part of each.
WHOLE = 0.9

View = Callable[[Path], NDArray[np.uint8] | None]

CONFIRMED, REFUTED, UNSEEN = "confirmed", "refuted", "unseen"


@dataclass(frozen=True)
class Candidate:
    """Rows of a pair that may show the same: by its look, `bits` apart, or by points, laid by `placing`."""

    test: int
    train: int
    mirrored: bool
    bits: int | None = None
    placing: Placing | None = None


@dataclass(frozen=True)
class Verdict:
    """A candidate looked at: confirmed, refuted, or unseen where the pictures cannot tell."""

    candidate: Candidate
    standing: str
    seen: Likeness

    @property
    def kind(self) -> str:
        """How the pair shows the same: near or crop, mirrored or not."""
        part = min(self.seen.of_test, self.seen.of_train)
        if self.candidate.bits is None if isnan(part) else part < WHOLE:
            return "mirrored crop" if self.candidate.mirrored else "crop"
        return "mirrored" if self.candidate.mirrored else "near"


def verdicts(train: pd.DataFrame, test: pd.DataFrame, near: int) -> Iterator[Verdict]:
    """Every candidate of every test picture until one is confirmed, the likeliest first.

    Parameters
    ----------
    train, test
        Rows with ``image``, ``reference``, ``looks`` and, as far as known, ``points`` and ``path``.
    near
        As for `benchmark.datasets.leaks.leaks`.
    """
    view = functools.lru_cache(maxsize=256)(_grey)
    for candidates in _candidates(train, test, near):
        for candidate in candidates:
            verdict = _judged(candidate, train, test, view)
            yield verdict
            if verdict.standing == CONFIRMED:
                break


def _candidates(train: pd.DataFrame, test: pd.DataFrame, near: int) -> Iterator[list[Candidate]]:
    """Candidates of each test picture that has any: that of its look, then those of its points."""
    first = {look.test: Candidate(*look) for look in looks.alike(train, test, near)}
    further = _by_points(train, test)
    for row in sorted({*first, *further}):
        found = [candidate for _, candidate in sorted(further.get(row, []), key=lambda one: -one[0])]
        if row in first:
            look = first[row]
            same = [c for c in found if (c.train, c.mirrored) == (look.train, look.mirrored)]
            look = replace(look, placing=same[0].placing) if same else look
            yield [look, *(c for c in found[:MOST] if c not in same)]
        else:
            yield found[:MOST]


def _by_points(train: pd.DataFrame, test: pd.DataFrame) -> dict[int, list[tuple[int, Candidate]]]:
    """Row of a test picture -> number of points at their places, and the candidate."""
    found: dict[int, list[tuple[int, Candidate]]] = {}
    if "points" not in train or "points" not in test:
        return found
    left, right = ([unpacked(text) for text in frame["points"]] for frame in (train, test))
    content, other = looks.contents(train, "train"), looks.contents(test, "test")
    for pair in search.pairs(left, right):
        if content[pair.train] == other[pair.test]:
            continue
        points = mirrored(right[pair.test]) if pair.mirrored else right[pair.test]
        if (fit := placed(points, left[pair.train])) is not None:
            count, placing = fit
            candidate = Candidate(pair.test, pair.train, pair.mirrored, placing=placing)
            found.setdefault(pair.test, []).append((count, candidate))
    return found


def _judged(candidate: Candidate, train: pd.DataFrame, test: pd.DataFrame, view: View) -> Verdict:
    one, two = (
        view(frame["path"].iloc[row]) if "path" in frame else None
        for frame, row in ((test, candidate.test), (train, candidate.train))
    )
    if one is None or two is None:
        return Verdict(candidate, UNSEEN, Likeness(*[float("nan")] * 3))
    if candidate.mirrored:
        one = np.fliplr(one)
    placings = [] if candidate.placing is None else [candidate.placing]
    if candidate.bits is not None:
        placings.append(whole(one, two))
    found = (likeness(one, two, placing) for placing in placings)
    seen = max(found, key=lambda seen: -2 if isnan(seen.correlation) else seen.correlation)
    if isnan(seen.correlation):
        return Verdict(candidate, UNSEEN, seen)
    return Verdict(candidate, CONFIRMED if seen.correlation >= SAME else REFUTED, seen)


def _grey(path: Path) -> NDArray[np.uint8] | None:
    """The picture as it is compared, None where it cannot be read."""
    try:
        return grey_of(images.read(path))
    except images.ImageError:
        return None
