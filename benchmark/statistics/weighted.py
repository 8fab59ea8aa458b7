"""Correlations of many resamples at once, without sorting any of them.

A bootstrap resample of n images is a vector of counts: how often each image was drawn. The images are sorted
once; the mid-ranks inside every resample then follow from a running sum of the counts, and so do Kendall's
concordant pairs. This replaces one sort per resample by a few passes over memory.

Each ``prepare`` function takes ``scores [M, n]`` and ``target [n]`` and returns a function from counts
``[B, n]`` to the statistic of every method in every resample, ``[M, B]`` (NaN where it is undefined).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.arrays import Floats

Evaluate = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Order:
    """The sorted order of one variable and its groups of ties.

    ``index`` sorts it; ``first`` starts each group of equal values; ``group`` numbers the group of every
    sorted position; ``ties`` says whether any group holds two images.
    """

    index: NDArray[np.intp]
    first: NDArray[np.intp]
    group: NDArray[np.intp]

    @property
    def ties(self) -> bool:
        """Whether two images share a value."""
        return self.first.size < self.index.size

    @classmethod
    def of(cls, values: Floats) -> Order:
        """Sort ``values [n]``."""
        index = np.argsort(values, kind="stable")
        ordered = values[index]
        new = np.append(True, ordered[1:] != ordered[:-1])
        return cls(index, np.flatnonzero(new), np.cumsum(new) - 1)

    def centred_ranks(self, ordered: Floats) -> Floats:
        """Twice the mid-rank minus its mean, ``[B, n]``, for counts already in sorted order.

        It equals the sum over images of count times sign(difference), which is how ties share a rank.
        """
        total = ordered.sum(axis=1, keepdims=True)
        if not self.ties:
            return 2 * np.cumsum(ordered, axis=1) - ordered - total
        size = np.add.reduceat(ordered, self.first, axis=1)
        return (2 * np.cumsum(size, axis=1) - size - total)[:, self.group]

    def cubes(self, ordered: Floats) -> Floats:
        """Sum over groups of ties of their count, cubed: the correction of Spearman's variance, ``[B]``."""
        size = np.add.reduceat(ordered, self.first, axis=1) if self.ties else ordered
        return np.einsum("bn,bn,bn->b", size, size, size)

    def squares(self, ordered: Floats) -> Floats:
        """Sum over groups of ties of their count, squared: Kendall's correction, ``[B]``."""
        size = np.add.reduceat(ordered, self.first, axis=1) if self.ties else ordered
        return np.einsum("bn,bn->b", size, size)


def prepare_srcc(scores: Floats, target: Floats) -> Evaluate:
    """Spearman's correlation under counts."""
    of_target = Order.of(target)
    orders = [Order.of(s[of_target.index]) for s in scores]

    def evaluate(counts: Floats) -> Floats:
        weight = np.take(counts, of_target.index, axis=1)
        cube = weight.sum(axis=1) ** 3
        weighted = weight * of_target.centred_ranks(weight)
        spread = cube - of_target.cubes(weight)
        result = np.empty((len(orders), counts.shape[0]))
        for row, order in zip(result, orders, strict=True):
            ordered = np.take(weight, order.index, axis=1)
            shared = np.einsum(
                "bn,bn->b", order.centred_ranks(ordered), np.take(weighted, order.index, axis=1)
            )
            # Centred mid-ranks have the sum of squares (N^3 - sum of cubed ties) / 3.
            row[:] = _ratio(3 * shared, spread * (cube - order.cubes(ordered)))
        return result

    return evaluate


def prepare_plcc(scores: Floats, target: Floats) -> Evaluate:
    """Pearson's correlation under counts."""
    x, y = _standard(scores), _standard(target)
    columns = np.concatenate([x, x**2, x * y, y[None], y[None] ** 2]).T.copy()
    m = len(scores)

    def evaluate(counts: Floats) -> Floats:
        sums = (counts @ columns / _total(counts)[:, None]).T
        mean_y, var_y = sums[-2], sums[-1] - sums[-2] ** 2
        mean_x = sums[:m]
        var_x = sums[m : 2 * m] - mean_x**2
        floor = 1e-14  # what rounding leaves of the variance of a constant, both sides having variance one
        return _ratio(
            sums[2 * m : 3 * m] - mean_x * mean_y, np.maximum(var_x - floor, 0) * np.maximum(var_y - floor, 0)
        )

    return evaluate


def prepare_krcc(scores: Floats, target: Floats) -> Evaluate:
    """Kendall's tau-b under counts: pairs counted by merging, all resamples at once."""
    of_target = Order.of(target)
    parts = []
    for s in scores:
        order, both = Order.of(s), Order.of(joint(s, target))
        parts.append((order, both, Concordance.of(s, of_target)))

    def evaluate(counts: Floats) -> Floats:
        square = counts.sum(axis=1) ** 2
        in_target = square - of_target.squares(np.take(counts, of_target.index, axis=1))
        result = np.empty((len(parts), counts.shape[0]))
        for row, (order, both, concordance) in zip(result, parts, strict=True):
            in_score = square - order.squares(np.take(counts, order.index, axis=1))
            # Pairs untied in both: inclusion and exclusion over the two sides and their joint ties.
            untied = in_score + in_target - square + both.squares(np.take(counts, both.index, axis=1))
            row[:] = _ratio(4 * concordance.count(counts) - untied, in_score * in_target)
        return result

    return evaluate


def prepare_rmse(predicted: Floats, target: Floats) -> Evaluate:
    """Root mean square error under counts, the predictions held fixed."""
    squared = ((predicted - target) ** 2).T.copy()

    def evaluate(counts: Floats) -> Floats:
        return np.asarray(np.sqrt((counts @ squared).T / _total(counts)))

    return evaluate


PREPARE: dict[str, Callable[[Floats, Floats], Evaluate]] = {
    "srcc": prepare_srcc,
    "krcc": prepare_krcc,
    "plcc": prepare_plcc,
    "rmse": prepare_rmse,
}


@dataclass(frozen=True)
class Concordance:
    """Merge-sort's bookkeeping for counting concordant pairs of one score with the target.

    Images lie in ascending order of the score. At each level neighbouring blocks merge: every image of a
    right block meets the images of its left block that have a smaller target. ``levels`` holds for each level
    the left images, the right images, how many left ones precede each right one, and how many its block.
    """

    order: NDArray[np.intp]
    levels: list[tuple[NDArray[np.intp], ...]]

    @classmethod
    def of(cls, score: Floats, of_target: Order) -> Concordance:
        """Lay out the merges; images that tie on either side never count as concordant."""
        n = score.size
        rank = np.empty(n, dtype=np.intp)
        rank[of_target.index] = of_target.group
        order = np.lexsort((-rank, score))  # tied scores fall in descending target: never concordant
        rank = rank[order]
        position = np.arange(n)
        levels: list[tuple[NDArray[np.intp], ...]] = []
        half = 1
        while half < n:
            block, right = position // (2 * half), position // half % 2
            sequence = np.lexsort((-right, rank, block))  # tied targets: right first, so not counted
            is_left = right[sequence] == 0
            seen = np.cumsum(is_left)
            before_block = np.searchsorted(block[sequence][is_left], block[sequence][~is_left])
            levels.append((sequence[is_left], sequence[~is_left], seen[~is_left], before_block))
            half *= 2
        return cls(order, levels)

    def count(self, counts: Floats) -> Floats:
        """Concordant pairs in every resample, ``[B]``."""
        weight = np.take(counts, self.order, axis=1)
        total = np.zeros(weight.shape[0])
        for left, right, seen, before in self.levels:
            sums = np.zeros((weight.shape[0], left.size + 1))
            np.cumsum(np.take(weight, left, axis=1), axis=1, out=sums[:, 1:])
            total += np.einsum(
                "bn,bn->b",
                np.take(weight, right, axis=1),
                np.take(sums, seen, axis=1) - np.take(sums, before, axis=1),
            )
        return total

    def of_each(self) -> Floats:
        """Concordant pairs that each image takes part in, every image once, ``[n]``."""
        found = np.zeros(self.order.size)
        for left, right, seen, before in self.levels:
            found[right] += seen - before
            # Each right image meets the left ones from ``before`` up to ``seen``: add up all these ranges.
            ends = np.bincount(before, minlength=left.size + 1) - np.bincount(seen, minlength=left.size + 1)
            found[left] += np.cumsum(ends)[:-1]
        result = np.empty(found.size)
        result[self.order] = found
        return result


def _total(counts: Floats) -> Floats:
    """Size of each resample; NaN for an empty one (a split none of whose references was drawn)."""
    total = counts.sum(axis=1)
    return np.where(total > 0, total, np.nan)


def _standard(values: Floats) -> Floats:
    """Centre and scale along the last axis (constants become zero), so that moments lose no digits."""
    centred = values - values.mean(axis=-1, keepdims=True)
    scale = np.ptp(centred, axis=-1, keepdims=True)
    centred = centred / np.where(scale > 0, scale, 1)
    spread = centred.std(axis=-1, keepdims=True)
    return np.asarray(centred / np.where(spread > 0, spread, 1))


def joint(a: Floats, b: Floats) -> Floats:
    """One value for each distinct pair of values."""
    return np.asarray(
        np.unique(np.stack([a, b]), axis=1, return_inverse=True)[1].reshape(-1), dtype=np.float64
    )


def _ratio(shared: Floats, product: Floats) -> Floats:
    """``shared / sqrt(product)`` inside [-1, 1], NaN where one side is constant."""
    ok = product > 0
    value = shared / np.sqrt(np.where(ok, product, 1))
    return np.where(ok, np.clip(value, -1, 1), np.nan)
