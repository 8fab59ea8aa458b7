"""What a score of .7 means: maps to opinions carried from set to set, and pairs by their distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.statistics import mapping as maps
from benchmark.statistics.bootstrap import MIN_UNITS
from benchmark.statistics.calibration import mean_interval, ordered_pairs, rmse_interval
from benchmark.statistics.estimates import COLUMNS, tidy

from .rows import Floats, cells
from .samples import Samples

GAPS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Classes of distance between two opinions, as shares of the range."""


@dataclass(frozen=True)
class OnOneScale:
    """Scores of one method on a data set, with the opinions put on [0, 1], more being better.

    Parameters
    ----------
    samples
        Scores and opinions; one method.
    opinion
        ``[n]``, 0 the worst of the range and 1 the best.
    """

    samples: Samples
    opinion: Floats

    @classmethod
    def of(cls, samples: Samples, low: float, high: float, higher_is_better: bool) -> OnOneScale | None:
        """Put rated, finite scores on one scale; None where the range of opinions has no ends."""
        if not np.isfinite([low, high]).all() or low >= high:
            return None
        finite = np.isfinite(samples.scores[0])
        note = f"{int((~finite).sum())} infinite scores left out"
        part = samples if finite.all() else samples.take(finite, note)
        # Opinions have been turned so that more is better: from -high to -low where less was.
        ends = (low, high) if higher_is_better else (-high, -low)
        return cls(part, (part.mos - ends[0]) / (ends[1] - ends[0]))


def transferred(sets: Mapping[str, OnOneScale], form: str = "logistic4") -> pd.DataFrame:
    """Fit the map from scores to opinions on each data set, and see how it errs on every other.

    Parameters
    ----------
    sets
        By name.
    form
        Curve, see `benchmark.statistics.fit`.

    Returns
    -------
    DataFrame
        ``train, test`` and the tidy columns with ``calibration_rmse`` and ``calibration_bias`` (predicted
        less given), both in shares of the opinions' range. On the diagonal the map is that of the same
        pictures.
    """
    rows = []
    for train, source in sets.items():
        try:
            curve = maps.fit(source.samples.scores[0], source.opinion, form)
        except ValueError:
            continue  # too few images, or all scores the same: there is no map
        for test, target in sets.items():
            error = curve(target.samples.scores[0]) - target.opinion
            groups = target.samples.groups
            where = "the same pictures" if train == test else f"all of {train}"
            words = f"{form} map fitted to {where}, held fixed; opinions on [0, 1]; 95% Student's t"
            words = "; ".join([words, *target.samples.notes])
            estimates = {"rmse": rmse_interval(error, groups), "bias": mean_interval(error, groups)}
            for name, estimate in estimates.items():
                row = cells(f"calibration_{name}", estimate[0], estimate[1:], target.samples, words)
                rows.append({"train": train, "test": test, **row})
    return pd.DataFrame(rows, columns=["train", "test", *COLUMNS])


def pairs_by_gap(one: OnOneScale) -> pd.DataFrame:
    """Share of pairs ordered rightly, by how far apart their opinions are.

    Returns
    -------
    DataFrame
        ``gap`` (the upper end of the class, a share of the opinions' range) and the tidy columns with
        ``pairs_right``; ``n`` counts pairs, ``units`` the images (references) that are in them.
    """
    counted = ordered_pairs(one.samples.scores[0], one.opinion, GAPS, one.samples.groups)
    rows = []
    for low, high, (value, *bounds, pairs, units) in zip(GAPS, GAPS[1:], counted, strict=False):
        words = (
            f"pairs whose opinions differ by {low:g} to {high:g} of the range; images or references as units"
        )
        words = "; ".join([words, *one.samples.notes])
        words += "; no interval: all pairs are alike" if value in (0, 1) and units >= MIN_UNITS else ""
        estimate = (value, bounds[0], bounds[1], pairs)
        rows.append(tidy({"gap": high}, "pairs_right", estimate, words, units=units))
    return pd.DataFrame(rows, columns=["gap", *COLUMNS])
