"""Candidates for one content on both sides, and what their pictures say about each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

#: Pairs of a test picture whose points are laid over each other, and candidates whose pictures are.
PLACED, MOST = 50, 3
#: Points at their places that chance does not bring there; so many candidates with as many are enough.
SURE = 20
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
    def pair(self) -> tuple[int, bool]:
        """The training picture, and whether one of the two is mirrored."""
        return self.candidate.train, self.candidate.mirrored

    @property
    def kind(self) -> str:
        """How the pair shows the same: near or crop, mirrored or not."""
        part = min(self.seen.of_test, self.seen.of_train)
        if self.candidate.bits is None if isnan(part) else part < WHOLE:
            return "mirrored crop" if self.candidate.mirrored else "crop"
        return "mirrored" if self.candidate.mirrored else "near"


def verdicts(train: pd.DataFrame, test: pd.DataFrame, near: int) -> list[Verdict]:
    """Every candidate of every test picture until one is confirmed, the likeliest first.

    Points are searched for only where the look found nothing that is so: sets of many copies of few pictures
    share too many.

    Parameters
    ----------
    train, test
        Rows with ``image``, ``reference``, ``looks`` and, as far as known, ``points`` and ``path``.
    near
        As for `benchmark.datasets.leaks.leaks`.
    """
    view = functools.lru_cache(maxsize=256)(_grey)
    found = {
        look.test: [_judged(Candidate(*look), train, test, view)] for look in looks.alike(train, test, near)
    }
    rest = [row for row in range(len(test)) if row not in found or found[row][0].standing != CONFIRMED]
    for row, candidates in _by_points(train, test, rest).items():
        for candidate in candidates:
            verdict = _judged(candidate, train, test, view)
            # Of the pair that its look proposed, points know better how one lies in the other.
            found[row] = [*(one for one in found.get(row, []) if one.pair != verdict.pair), verdict]
            if verdict.standing == CONFIRMED:
                break
    return [verdict for row in sorted(found) for verdict in found[row]]


def _by_points(train: pd.DataFrame, test: pd.DataFrame, rows: Sequence[int]) -> dict[int, list[Candidate]]:
    """Candidates of these rows of `test`, those with the most points at their places first."""
    if "points" not in train or "points" not in test:
        return {}
    left = [unpacked(text) for text in train["points"]]
    right = [unpacked(text) for text in test["points"].iloc[rows]]
    content, other = looks.contents(train, "train"), looks.contents(test, "test")[rows]
    shared: dict[int, list[search.Pair]] = {}
    for pair in search.pairs(left, right):
        if content[pair.train] != other[pair.test]:
            shared.setdefault(pair.test, []).append(pair)
    found = {}
    for row, pairs in shared.items():
        fits = []
        for pair in sorted(pairs, key=lambda pair: -pair.agreed)[:PLACED]:
            points = mirrored(right[row]) if pair.mirrored else right[row]
            if (fit := placed(points, left[pair.train])) is not None:
                fits.append((fit[0], Candidate(rows[row], pair.train, pair.mirrored, placing=fit[1])))
            if sum(count >= SURE for count, _ in fits) == MOST:
                break
        fits.sort(key=lambda one: -one[0])
        found[rows[row]] = [candidate for _, candidate in fits[:MOST]]
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
    seen = likeness(one, two, candidate.placing or whole(one, two))
    if isnan(seen.correlation):
        return Verdict(candidate, UNSEEN, seen)
    return Verdict(candidate, CONFIRMED if seen.correlation >= SAME else REFUTED, seen)


def _grey(path: Path) -> NDArray[np.uint8] | None:
    """The picture as it is compared, None where it cannot be read."""
    try:
        return grey_of(images.read(path))
    except images.ImageError:
        return None
