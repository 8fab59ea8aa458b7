"""One tidy row for one number: the statistic, its interval, and the protocol in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.statistics import weighted
from benchmark.statistics.bootstrap import interval, resample
from benchmark.statistics.influence import influence, influence_interval

from .samples import MIN_CLUSTERS, Samples

Floats = NDArray[np.float64]
Prepare = Callable[[Floats, Floats], weighted.Evaluate]
COLUMNS = ["statistic", "value", "low", "high", "n", "protocol"]


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: number of resamples and seed of the draws."""

    resamples: int = 1000
    seed: int = 0

    def words(self, samples: Samples) -> str:
        """Say what is drawn, how often, and how the interval is read from it."""
        unit = "images"
        if samples.groups is not None:
            few = ", too few for a trustworthy interval" if samples.units < MIN_CLUSTERS else ""
            unit = f"references ({samples.units}{few})"
        return f"bootstrap of {unit} x{self.resamples}; 95% expanded percentile; seed {self.seed}"


def describe(samples: Samples, how: Resampling, *parts: str) -> str:
    """Protocol of one number in words, parts separated by semicolons."""
    return "; ".join([*(p for p in parts if p), how.words(samples), *samples.notes])


def cells(name: str, value: float, bounds: tuple[float, float], n: int, protocol: str) -> dict[str, object]:
    """One tidy row."""
    return {
        "statistic": name,
        "value": value,
        "low": bounds[0],
        "high": bounds[1],
        "n": n,
        "protocol": protocol,
    }


def undefined(name: str, samples: Samples, words: str) -> dict[str, object]:
    """Tidy row of a number that cannot be had; the words say why."""
    return cells(name, np.nan, (np.nan, np.nan), len(samples.frame), "; ".join([words, *samples.notes]))


def resampled(
    name: str, prepare: Prepare, samples: Samples, how: Resampling, words: str
) -> dict[str, object]:
    """Tidy row of a statistic of scores and opinions, with its bootstrap interval."""
    return measured(name, prepare(samples.scores, samples.mos), samples, how, words)


def measured(
    name: str, evaluate: weighted.Evaluate, samples: Samples, how: Resampling, words: str
) -> dict[str, object]:
    """Tidy row of a statistic of counts: with every image once, and its bootstrap interval."""
    n = len(samples.frame)
    value = float(evaluate(np.ones((1, n)))[0, 0])
    if np.isnan(value):
        return undefined(name, samples, f"{words}; undefined: too few images, or all values equal")
    if samples.units < 2:
        return {**undefined(name, samples, f"{words}; no interval: one reference or image"), "value": value}
    draws = resample(evaluate, n, resamples=how.resamples, seed=how.seed, groups=samples.groups)[0]
    bounds = interval(draws, units=samples.units)
    words += "; no interval: too few images or references" if np.isnan(bounds[0]) else ""
    return cells(name, value, bounds, n, describe(samples, how, words))


def jackknifed(name: str, samples: Samples, words: str) -> dict[str, object]:
    """Tidy row of a correlation with the interval of the infinitesimal jackknife."""
    n = len(samples.frame)
    value = float(weighted.PREPARE[name](samples.scores, samples.mos)(np.ones((1, n)))[0, 0])
    if np.isnan(value):
        return undefined(name, samples, f"{words}; undefined: too few images, or all values equal")
    bounds = influence_interval(value, influence(samples.scores[0], samples.mos, name, groups=samples.groups))
    unit = "images" if samples.groups is None else f"references ({samples.units})"
    words += f"; infinitesimal jackknife over {unit} on Fisher's z; 95%"
    words += "; no interval: too few images or references" if np.isnan(bounds[0]) else ""
    return cells(name, value, bounds, n, "; ".join([words, *samples.notes]))


def median_of_known(values: Floats) -> Floats:
    """Median along the first axis over what is defined, NaN where nothing is.

    A small test split may miss all its references in a resample; the other splits then speak for it.
    """
    nothing = np.isnan(values).all(axis=0)
    return np.where(nothing, np.nan, np.nanmedian(np.where(nothing, 0.0, values), axis=0))


def text(frame: pd.DataFrame, column: str) -> NDArray[np.object_]:
    """Return a column as strings, "" where it is missing or the column is."""
    if column not in frame:
        return np.full(len(frame), "", dtype=object)
    return frame[column].astype(object).where(frame[column].notna(), "").astype(str).to_numpy(object)


def number(frame: pd.DataFrame, column: str) -> Floats:
    """Return a column as numbers, NaN where it is missing or the column is."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[column], errors="raise").to_numpy(np.float64)
