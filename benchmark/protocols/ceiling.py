"""What the opinions of a data set allow: their reliability, the ceiling of agreement, shares of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.arrays import Floats
from benchmark.statistics.bootstrap import MIN_UNITS
from benchmark.statistics.ceiling import Ceiling, Moved, ceiling, halves, share
from benchmark.statistics.estimates import COLUMNS
from benchmark.statistics.influence import influence, influence_interval
from benchmark.statistics.weighted import prepare_srcc

from .rows import cells, number, undefined
from .samples import Samples, join

SEED = 0
"""Of the simulated errors; the ceiling of a data set is a fact about it, whatever the seed of a run."""
WORDS = "ratings of a picture taken as independent; errors normal; other raters, not the same again"


def ceilings(manifest: pd.DataFrame, *, mos_higher_is_better: bool) -> pd.DataFrame:
    """Reliability of the opinions of a data set, and how well a perfect method would agree with them.

    Parameters
    ----------
    manifest
        ``image, mos, mos_std, ratings`` (`benchmark.datasets.prepared.Dataset.rated`) and, where it exists,
        ``reference``.
    mos_higher_is_better
        Direction of the opinions.

    Returns
    -------
    DataFrame
        Tidy columns with ``reliability``, ``ceiling_srcc``, ``ceiling_plcc`` (the root of the reliability),
        and ``ceiling_lower_half`` and ``ceiling_upper_half`` (SRCC among the pictures of that half of
        opinions), each with its interval over pictures, or whole references. Empty where deviations or
        numbers of ratings are not known.
    """
    unscored = manifest[["image"]].assign(score=0.0)
    samples = join({"none": unscored}, manifest, {"none": True}, mos_higher_is_better).rated()
    samples, top = known_ceiling(samples)
    if top is None:
        return pd.DataFrame(columns=COLUMNS)
    protocol = f"{_ratings(number(samples.frame, 'ratings'))}; {WORDS}"
    whole = np.ones(len(samples.frame), dtype=bool)
    lower, upper = halves(samples.mos)
    root = np.sqrt(top.reliability.value)
    pearson = Moved(float(root), top.reliability.influence / (2 * root))
    rows = [
        _row("reliability", top.reliability, samples, whole, protocol),
        _row("ceiling_srcc", top.whole, samples, whole, protocol),
        _row("ceiling_plcc", pearson, samples, whole, protocol),
        _row("ceiling_lower_half", top.lower, samples, lower, f"{protocol}; lower half of opinions"),
        _row("ceiling_upper_half", top.upper, samples, upper, f"{protocol}; upper half of opinions"),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def of_ceiling(samples: Samples, words: str) -> list[dict[str, object]]:
    """Tidy row ``srcc_of_ceiling``; none where deviations or numbers of ratings are not known."""
    samples, top = known_ceiling(samples)
    if top is None:
        return []
    name = "srcc_of_ceiling"
    value = float(prepare_srcc(samples.scores, samples.mos)(np.ones((1, len(samples.frame))))[0, 0])
    if np.isnan(value):
        return [undefined(name, samples, f"{words}; undefined: too few images, or all values equal")]
    shares = share(value, influence(samples.scores[0], samples.mos), top.whole, samples.groups)
    ratings = _ratings(number(samples.frame, "ratings"))
    protocol = f"{words}; over the ceiling {top.whole.value:.4f}; {ratings}; {WORDS}"
    protocol += "; 95% by the delta method over both, Student's t"
    return [cells(name, shares[0], shares[1:], samples, "; ".join([protocol, *samples.notes]))]


def known_ceiling(samples: Samples) -> tuple[Samples, Ceiling | None]:
    """Return the pictures whose ratings are known in spread and number, and their ceiling or None."""
    deviation, ratings = number(samples.frame, "mos_std"), number(samples.frame, "ratings")
    known = np.isfinite(deviation) & (ratings >= 1)
    if known.sum() < 2:
        return samples, None
    if not known.all():
        samples = samples.take(known, f"{int((~known).sum())} images without ratings known left out")
    top = ceiling(samples.mos, deviation[known], ratings[known], seed=SEED)
    return (samples, None) if np.isnan(top.whole.value) else (samples, top)


def _row(name: str, top: Moved, samples: Samples, of: NDArray[np.bool_], protocol: str) -> dict[str, object]:
    """Tidy row of a ceiling that is ``of`` some of the pictures; all of them move it."""
    groups = np.arange(len(samples.frame)) if samples.groups is None else samples.groups
    part = samples.take(of)
    bounds = influence_interval(top.value, np.bincount(groups, top.influence))
    bounds = bounds if part.units >= MIN_UNITS else (np.nan, np.nan)
    unit = "images" if samples.groups is None else f"references ({samples.units})"
    words = [protocol, f"infinitesimal jackknife over {unit} on Fisher's z; 95%", *samples.notes]
    return cells(name, top.value, bounds, part, "; ".join(words))


def _ratings(ratings: Floats) -> str:
    low, high = ratings.min(), ratings.max()
    return f"{low:g} ratings a picture" if low == high else f"{low:g} to {high:g} ratings a picture"
