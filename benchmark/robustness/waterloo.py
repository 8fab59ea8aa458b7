"""The three tests of the Waterloo Exploration Database, for any degraded pristine set.

K. Ma, Z. Duanmu, Q. Wu, Z. Wang et al., "Waterloo Exploration Database: New challenges for image quality
assessment models", IEEE TIP 26(2), 2017. No human scores are needed. Larger scores are better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from benchmark.arrays import Floats
from benchmark.evidence import clusters
from benchmark.statistics import interval, rounding, srcc
from benchmark.statistics.bootstrap import draw
from benchmark.statistics.calibration import mean_interval
from benchmark.statistics.estimates import bounded, tidy

TESTS = "Waterloo D, L, P tests"
#: Points of 100 by which full-reference judges put pictures apart, as published, and pairs that are drawn.
APART, DRAWN = 40.0, 2_000_000
UNCOVERED = "no interval: the threshold is the best of these images, which no resampling allows for"


def d_test(pristine: ArrayLike, distorted: ArrayLike) -> float:
    """Pristine/distorted discriminability: the best balanced accuracy over all thresholds, in [1/2, 1].

    Parameters
    ----------
    pristine, distorted
        Scores, larger is better.
    """
    good, bad = np.asarray(pristine, dtype=float), np.asarray(distorted, dtype=float)
    if not len(good) or not len(bad):
        raise ValueError(
            "the D-test needs pristine and distorted images; give some of level 0 and some above"
        )
    truth = np.r_[np.ones(len(good), dtype=bool), np.zeros(len(bad), dtype=bool)]
    return _balanced(truth, np.r_[good, bad])


def l_test(frame: pd.DataFrame) -> Floats:
    """Listwise ranking consistency: SRCC between level and loss of quality, ``[references, types]``.

    Parameters
    ----------
    frame
        ``reference, distortion, level, score``, one row an image, levels from 1. The published value is the
        mean of what is returned; pictures of one level share its rank. A list whose scores are all equal (but
        for `benchmark.statistics.rounding`) counts 0; one that is not there, or has but one level, is NaN.
    """
    worse = frame[frame["level"] > 0]
    lists = worse.groupby(["reference", "distortion"])
    if worse.empty or (lists["level"].nunique() < 2).all():
        raise ValueError("the L-test needs two levels of one reference and distortion at least")
    least = rounding(frame["score"])

    def consistency(one: pd.DataFrame) -> float:
        if one["level"].nunique() < 2:
            return np.nan
        return 0.0 if np.ptp(one["score"]) <= least else srcc(one["level"], -one["score"])

    order = lists[["level", "score"]].apply(consistency)
    found = order.reset_index(name="srcc")
    return found.pivot_table("srcc", "reference", "distortion").to_numpy(dtype=float)


def p_test(
    scores: pd.Series, judges: pd.DataFrame, threshold: float = APART, limit: int = DRAWN, seed: int = 0
) -> tuple[float, int]:
    """Pairwise preference consistency over pairs that full-reference judges tell apart.

    Parameters
    ----------
    scores
        By image, larger is better.
    judges
        Image x full-reference metric on a scale of 0 (worst) to 100 (best), see
        `benchmark.gmad.common_scale`. A pair counts if every judge puts the same image ahead by more than
        ``threshold``.
    threshold
        Points of the scale; the published value by default.
    limit
        Up to this many pairs all are looked at, above it that many drawn at random.
    seed
        Of the draw.

    Returns
    -------
    tuple
        Share of the pairs in which the score prefers the same image (ties count half; NaN without pairs), and
        the number of pairs.
    """
    agreed = _agreement(scores, judges, threshold, limit, seed)[2]
    return (float(agreed.mean()) if len(agreed) else np.nan), len(agreed)


def waterloo(
    frame: pd.DataFrame,
    judges: pd.DataFrame | None = None,
    *,
    method: str,
    dataset: str,
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """All three tests, with 95% intervals over references where one covers, and what chance makes of D.

    Parameters
    ----------
    frame
        ``image, reference, distortion, level, score``, one row an image; level 0 is pristine, larger scores
        are better.
    judges
        For the P-test, see `p_test`; without them it is left out.
    method, dataset
        Keys of the rows.
    resamples, seed
        Of the permutations (D) and the bootstrap of references (P; L has Student's interval).

    Returns
    -------
    DataFrame
        Tidy, keys ``method, dataset``; statistics ``d_test``, ``chance_d``, ``l_test``, ``p_test``.
        ``d_test`` has no interval: its threshold is the best of the images that it is judged on, and so is
        that of every resample. ``chance_d`` is what scores that know nothing reach in that way, the mean over
        permutations of which images of a reference are the pristine ones; low and high hold 95% of them.

    Raises
    ------
    ValueError
        If pristine or distorted images, or levels, are lacking.
    """
    keys: dict[str, object] = {"method": method, "dataset": dataset}
    scores, good = frame["score"].to_numpy(dtype=float), (frame["level"] == 0).to_numpy()
    groups = clusters(frame)
    number = np.arange(len(frame)) if groups is None else groups
    value, units = d_test(scores[good], scores[~good]), int(number.max()) + 1
    chance = [_balanced(shuffled, scores) for shuffled in _permuted(good, number, resamples, seed)]
    drawn = f"{resamples} permutations of which images of a reference are pristine; seed {seed}"
    rows = [
        tidy(keys, "d_test", (value, np.nan, np.nan, len(frame)), f"{TESTS}; {UNCOVERED}", units=units),
        tidy(
            keys, "chance_d", (float(np.mean(chance)), *interval(chance), len(frame)),
            f"{TESTS}; in brackets 95% of {drawn}", units=units,
        ),
        _levels(frame, keys),
    ]  # fmt: skip
    if judges is not None:
        place = pd.Series(number, index=frame["image"])
        rows.append(_pairs(frame.set_index("image")["score"], judges, place, keys, (resamples, seed)))
    return pd.DataFrame(rows)


def _permuted(
    good: NDArray[np.bool_], number: NDArray[np.intp], times: int, seed: int
) -> Iterator[NDArray[np.bool_]]:
    """Yield who is pristine, drawn anew within each reference, for scores may differ from content to content.

    References without both kinds are one for this purpose.
    """
    share = np.bincount(number, good) / np.bincount(number)
    part = np.where((share > 0) & (share < 1), np.arange(len(share)), -1)[number]
    order = np.argsort(part, kind="stable")
    rng = np.random.default_rng([seed, len(good)])
    for _ in range(times):
        shuffled = np.empty_like(good)
        shuffled[order] = good[np.lexsort((rng.random(len(good)), part))]
        yield shuffled


def _levels(frame: pd.DataFrame, keys: Mapping[str, object]) -> dict[str, object]:
    """Row of the L-test: the mean over all lists, and Student's interval over references."""
    found = l_test(frame)
    there = ~np.isnan(found)
    reference, lists = np.nonzero(there)[0], found[there]
    estimate = (*mean_interval(lists, reference), len(lists))
    return tidy(
        keys, "l_test", bounded(estimate, -1, 1), f"{TESTS}; mean over lists, Student over references",
        units=len(np.unique(reference)),
    )  # fmt: skip


def _pairs(
    scores: pd.Series,
    judges: pd.DataFrame,
    place: pd.Series,
    keys: Mapping[str, object],
    draws: tuple[int, int],
) -> dict[str, object]:
    """Row of the P-test; ``place`` is the number of each image's reference."""
    resamples, seed = draws
    first, second, agreed = _agreement(scores, judges, APART, DRAWN, seed)
    number = place.loc[judges.index].to_numpy()
    met, both = np.unique([number[first], number[second]], return_inverse=True)
    a, b = both.reshape(2, -1)
    n = len(met)  # references of which there are pairs
    value, bounds = np.nan, (np.nan, np.nan)
    if n:
        hits, pairs = (
            np.bincount(a * n + b, weight, n**2).reshape(n, n).astype(float) for weight in (agreed, None)
        )
        counts = np.concatenate(list(draw(n, resamples, seed)))
        with np.errstate(invalid="ignore"):
            cloud = _weighed(counts, hits) / _weighed(counts, pairs)
        value, bounds = float(agreed.mean()), interval(cloud, units=n)
    drawn = f" of {DRAWN:,} drawn" if len(judges) * (len(judges) - 1) // 2 > DRAWN else ""
    words = f"{TESTS}; pairs{drawn} that all judges put more than {APART:g} of 100 points apart"
    words += f"; bootstrap of references ({n}) x{resamples}; 95% percentile, expanded; seed {seed}"
    return tidy(keys, "p_test", (value, *bounds, len(agreed)), words, units=n)


def _weighed(counts: Floats, cells: Floats) -> Floats:
    """Sum over pairs, each as often as both references are drawn, or as the one is that both are of."""
    within = np.diag(cells)
    across = cells - np.diag(within)
    return np.asarray(np.einsum("bi,ij,bj->b", counts, across, counts) + counts @ within)


def _balanced(good: NDArray[np.bool_], scores: Floats) -> float:
    from sklearn.metrics import roc_curve  # a second, which few need

    false_positive, true_positive, _ = roc_curve(good, scores)
    return float((1 + (true_positive - false_positive).max()) / 2)


def _agreement(
    scores: pd.Series, judges: pd.DataFrame, threshold: float, limit: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Places of pairs that the judges tell apart, and whether the score agrees: 1, 0, or 1/2 for a tie."""
    values, worth = scores.loc[judges.index].to_numpy(dtype=float), judges.to_numpy(dtype=float)
    n = len(values)
    if n * (n - 1) // 2 <= limit:
        first, second = np.triu_indices(n, 1)
    else:
        rng = np.random.default_rng(seed)
        first = rng.integers(0, n, limit)
        second = (first + rng.integers(1, n, limit)) % n
    ahead = worth[first] - worth[second]
    verdict = (ahead > threshold).all(axis=1).astype(int) - (ahead < -threshold).all(axis=1)
    told = verdict != 0
    first, second = first[told], second[told]
    return first, second, (1 + np.sign(values[first] - values[second]) * verdict[told]) / 2
