"""The three tests of the Waterloo Exploration Database, for any degraded pristine set.

K. Ma, Z. Duanmu, Q. Wu, Z. Wang et al., "Waterloo Exploration Database: New challenges for image quality
assessment models", IEEE TIP 26(2), 2017. No human scores are needed. Larger scores are better.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from benchmark.arrays import Floats
from benchmark.robustness.sweep import level_srcc
from benchmark.statistics import interval, rounding
from benchmark.statistics.bootstrap import draw
from benchmark.statistics.estimates import bounded, mean_interval, tidy


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
        mean of what is returned; a list whose scores are all equal (but for
        `benchmark.statistics.rounding`) counts 0; one that is not there, or has
        but one level, is NaN.
    """
    worse = frame[frame["level"] > 0]
    lists = worse.sort_values("level").groupby(["reference", "distortion"])["score"]
    if worse.empty or (lists.size() < 2).all():
        raise ValueError("the L-test needs two levels of one reference and distortion at least")
    least = rounding(frame["score"])
    order = lists.agg(lambda s: level_srcc(-s.to_numpy(dtype=float), least) if len(s) > 1 else np.nan)
    found = order.reset_index(name="srcc")
    return found.pivot_table("srcc", "reference", "distortion").to_numpy(dtype=float)


def p_test(
    scores: pd.Series, judges: pd.DataFrame, threshold: float = 40.0, limit: int = 2_000_000, seed: int = 0
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
    """All three tests with 95% intervals over references.

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
        Of the bootstrap of references (D and P; L has Student's interval).

    Returns
    -------
    DataFrame
        Tidy, keys ``method, dataset``; statistics ``d_test``, ``l_test``, ``p_test``.

    Raises
    ------
    ValueError
        If pristine or distorted images, or levels, are lacking.
    """
    keys: dict[str, object] = {"method": method, "dataset": dataset}
    scores, good = frame["score"].to_numpy(dtype=float), (frame["level"] == 0).to_numpy()
    number, names = pd.factorize(frame["reference"])
    counts = np.concatenate(list(draw(len(names), resamples, seed)))
    value = d_test(scores[good], scores[~good])
    cloud = [_balanced(good, scores, weight[number]) for weight in counts]
    estimates = {
        "d_test": (value, *interval(cloud), len(frame)),
        "l_test": bounded(mean_interval(np.nanmean(l_test(frame), axis=1)), -1, 1),
    }
    if judges is not None:
        first, second, agreed = _agreement(frame.set_index("image")["score"], judges, 40.0, 2_000_000, seed)
        place = pd.Series(number, index=frame["image"]).loc[judges.index].to_numpy()
        cells = place[first] * len(names) + place[second]
        hits, all_pairs = (
            np.bincount(cells, weight, len(names) ** 2).reshape(len(names), -1) for weight in (agreed, None)
        )
        with np.errstate(invalid="ignore"):
            cloud = np.einsum("bi,ij,bj->b", counts, hits, counts) / np.einsum(
                "bi,ij,bj->b", counts, all_pairs, counts
            )
        estimates["p_test"] = (float(agreed.mean()) if len(agreed) else np.nan, *interval(cloud), len(agreed))
    return pd.DataFrame(
        [
            tidy(keys, name, found, "Waterloo D, L, P tests", units=len(names))
            for name, found in estimates.items()
        ]
    )


def _balanced(good: NDArray[np.bool_], scores: Floats, weight: Floats | None = None) -> float:
    from sklearn.metrics import roc_curve  # a second, which few need

    false_positive, true_positive, _ = roc_curve(good, scores, sample_weight=weight)
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
