"""What the opinions of a data set allow: their reliability, the ceiling of agreement, shares of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.statistics.ceiling import Ceiling, ceiling, reliability, share
from benchmark.statistics.estimates import COLUMNS
from benchmark.statistics.influence import influence, influence_interval
from benchmark.statistics.weighted import prepare_srcc

from .rows import Floats, cells, number, undefined
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
        Tidy columns with ``reliability``, ``ceiling_srcc`` (with its interval over pictures, or whole
        references), ``ceiling_plcc`` (the root of the reliability), and ``ceiling_lower_half`` and
        ``ceiling_upper_half`` (SRCC among the pictures of that half of opinions). Empty where deviations or
        numbers of ratings are not known.
    """
    unscored = manifest[["image"]].assign(score=0.0)
    samples = join({"none": unscored}, manifest, {"none": True}, mos_higher_is_better).rated()
    samples, top = known_ceiling(samples)
    if top is None:
        return pd.DataFrame(columns=COLUMNS)
    deviation, ratings = number(samples.frame, "mos_std"), number(samples.frame, "ratings")
    protocol = "; ".join([_ratings(ratings), WORDS, *samples.notes])
    steady = reliability(samples.mos, deviation / np.sqrt(ratings))
    none, bounds = (np.nan, np.nan), influence_interval(top.value, _by_reference(top.influence, samples))
    rows = [
        cells("reliability", steady, none, samples, protocol),
        cells("ceiling_srcc", top.value, bounds, samples, protocol),
        cells("ceiling_plcc", float(np.sqrt(steady)), none, samples, protocol),
        cells("ceiling_lower_half", top.lower, none, samples, protocol),
        cells("ceiling_upper_half", top.upper, none, samples, protocol),
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
    shares = share(value, influence(samples.scores[0], samples.mos), top, samples.groups)
    protocol = (
        f"{words}; over the ceiling {top.value:.4f}; {_ratings(number(samples.frame, 'ratings'))}; {WORDS}"
    )
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
    return (samples, None) if np.isnan(top.value) else (samples, top)


def _by_reference(influences: Floats, samples: Samples) -> Floats:
    if samples.groups is None:
        return influences
    return np.asarray(np.bincount(samples.groups, influences), dtype=np.float64)


def _ratings(ratings: Floats) -> str:
    low, high = ratings.min(), ratings.max()
    return f"{low:g} ratings a picture" if low == high else f"{low:g} to {high:g} ratings a picture"
