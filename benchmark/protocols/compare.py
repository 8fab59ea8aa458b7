"""Two files of scores compared as the suite compares its own methods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.evidence import decides
from benchmark.statistics.dependent import meng, steiger, williams
from benchmark.statistics.weighted import PREPARE

from .paired import TESTED, differences
from .rows import DEFAULT, Resampling
from .samples import join
from .zero_shot import zero_shot


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`.

    Parameters
    ----------
    agreement
        `zero_shot` of either, with the column ``method``.
    differences
        `differences` of the two for ``srcc``, ``krcc`` and ``plcc`` (raw).
    closed_forms
        ``statistic, test, value, p``: the tests of Meng, Steiger and Williams for ``srcc`` and ``plcc``,
        which assume normal data and independent images, as a check. Empty where there are references, or too
        few images for any test.
    """

    agreement: pd.DataFrame
    differences: pd.DataFrame
    closed_forms: pd.DataFrame


def compare(
    a: pd.DataFrame,
    b: pd.DataFrame,
    mos: pd.DataFrame,
    *,
    names: tuple[str, str] = ("A", "B"),
    higher_is_better: tuple[bool, bool] = (True, True),
    mos_higher_is_better: bool = True,
    how: Resampling = DEFAULT,
) -> Comparison:
    """Say how well two sets of scores agree with opinions, and whether one does so better.

    Parameters
    ----------
    a, b
        ``image, score`` each.
    mos
        ``image, mos`` and, where they exist, ``mos_std, ratings, reference, distortion, level``.
    names
        What to call the two.
    higher_is_better, mos_higher_is_better
        Directions.
    how
        How intervals are made.

    Raises
    ------
    ValueError
        If the two have one name, a column is missing, an image is listed twice, or nothing is shared.
    """
    if names[0] == names[1]:
        raise ValueError(f"two sets of scores need two names, not {names[0]!r} twice")
    scores = dict(zip(names, (a, b), strict=True))
    directions = dict(zip(names, higher_is_better, strict=True))
    shared = join(scores, mos, directions, mos_higher_is_better)
    if not len(shared.rated().frame):
        raise ValueError(f"no image has a score of {names[0]!r}, one of {names[1]!r} and an opinion")
    agreement = [
        zero_shot(
            scores[name],
            mos,
            higher_is_better=directions[name],
            mos_higher_is_better=mos_higher_is_better,
            how=how,
        ).assign(method=name)
        for name in names
    ]
    finite = np.isfinite(shared.scores).all()
    tables = [
        differences(
            scores,
            mos,
            higher_is_better=directions,
            mos_higher_is_better=mos_higher_is_better,
            statistic=statistic,
            how=how,
        )
        for statistic in TESTED
        if finite or statistic != "plcc"
    ]
    return Comparison(
        pd.concat(agreement, ignore_index=True),
        pd.concat(tables, ignore_index=True),
        _closed_forms(scores, mos, directions, mos_higher_is_better),
    )


def _closed_forms(
    scores: dict[str, pd.DataFrame],
    mos: pd.DataFrame,
    directions: dict[str, bool],
    mos_higher_is_better: bool,
) -> pd.DataFrame:
    samples = join(scores, mos, directions, mos_higher_is_better).rated()
    n, rows = len(samples.frame), []
    if samples.groups is None and decides(n) and np.isfinite(samples.scores).all():
        for statistic in ("srcc", "plcc"):
            once = np.ones((1, n))
            r_a, r_b = PREPARE[statistic](samples.scores, samples.mos)(once)[:, 0]
            r_ab = float(PREPARE[statistic](samples.scores[:1], samples.scores[1])(once)[0, 0])
            for test in (meng, steiger, williams):
                rows.append((statistic, test.__name__, *test(float(r_a), float(r_b), r_ab, n)))
    return pd.DataFrame(rows, columns=["statistic", "test", "value", "p"])
