"""One tidy row for one number: the statistic, its interval, and the protocol in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from benchmark.arrays import Floats
from benchmark.evidence import decides
from benchmark.statistics import weighted
from benchmark.statistics.bootstrap import MIN_UNITS, interval, resample
from benchmark.statistics.estimates import tidy
from benchmark.statistics.influence import (
    influence,
    influence_interval,
    jackknife_acceleration,
    jackknife_interval,
    plcc_left_out,
)

from .samples import Samples

Prepare = Callable[[Floats, Floats], weighted.Evaluate]
INTERVALS = ("bca", "percentile")
FITTED = 3.5
"""Standard errors from 0, on Fisher's z, that the correlation after a fitted curve passes in one set of 20
without any relation; 2.9 to 3.5 with four parameters, 3.1 to 3.7 with five (docs/protocols.md, "Mapping")."""


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Parameters
    ----------
    resamples
        Number of bootstrap resamples, at least 1.
    seed
        Seed of the draws.
    interval
        ``"bca"`` (bias-corrected and accelerated) or ``"percentile"``; either is expanded for few units.

    Raises
    ------
    ValueError
        If the interval is neither, or there are no resamples.
    """

    resamples: int = 1000
    seed: int = 0
    interval: str = "bca"

    def __post_init__(self) -> None:
        if self.interval not in INTERVALS:
            raise ValueError(f"unknown interval {self.interval!r}: choose from {', '.join(INTERVALS)}")
        if self.resamples < 1:
            raise ValueError(f"resamples must be positive, not {self.resamples}")

    def words(self, samples: Samples) -> str:
        """Say what is drawn, how often, and how the interval is read from it."""
        unit = "images"
        if samples.groups is not None:
            few = "" if decides(samples.units) else ", too few for a trustworthy interval"
            unit = f"references ({samples.units}{few})"
        kind = {"bca": "BCa", "percentile": "percentile"}[self.interval]
        return f"bootstrap of {unit} x{self.resamples}; 95% {kind}, expanded; seed {self.seed}"


DEFAULT = Resampling()


def describe(samples: Samples, how: Resampling, *parts: str) -> str:
    """Protocol of one number in words, parts separated by semicolons."""
    return "; ".join([*(p for p in parts if p), how.words(samples), *samples.notes])


def cells(
    name: str, value: float, bounds: tuple[float, float], samples: Samples, protocol: str
) -> dict[str, object]:
    """One tidy row; its ``units`` are what intervals and tests count (`benchmark.evidence`)."""
    return tidy({}, name, (value, *bounds, len(samples.frame)), protocol, units=samples.units)


def undefined(name: str, samples: Samples, words: str) -> dict[str, object]:
    """Tidy row of a number that cannot be had; the words say why."""
    return cells(name, np.nan, (np.nan, np.nan), samples, "; ".join([words, *samples.notes]))


def resampled(
    name: str, prepare: Prepare, samples: Samples, how: Resampling, words: str, none: str = ""
) -> dict[str, object]:
    """Tidy row of a statistic of scores and opinions, with its bootstrap interval; see `measured`."""
    return measured(name, prepare(samples.scores, samples.mos), samples, how, words, none)


def measured(
    name: str, evaluate: weighted.Evaluate, samples: Samples, how: Resampling, words: str, none: str = ""
) -> dict[str, object]:
    """Tidy row of a statistic of counts: with every image once, and its bootstrap interval.

    ``none`` says why it has no interval, where it has none.
    """
    n = len(samples.frame)
    value = float(evaluate(np.ones((1, n)))[0, 0])
    if np.isnan(value):
        return undefined(name, samples, f"{words}; undefined: too few images, or all values equal")
    if samples.units < 2:
        return {**undefined(name, samples, f"{words}; no interval: one reference or image"), "value": value}
    if none:
        return {**undefined(name, samples, f"{words}; no interval: {none}"), "value": value}
    bounds = bounds_of(evaluate, samples, how, value)
    words += "; no interval: too few images or references" if np.isnan(bounds[0]) else ""
    return cells(name, value, bounds, samples, describe(samples, how, words))


def small_part(tests: Sequence[NDArray[np.intp]]) -> str:
    """Say why a median over test parts has no interval; "" where it has one.

    The correlation of three pictures is one of four numbers, and no resample gives another.
    """
    least = min(map(len, tests))
    return "" if least >= MIN_UNITS else f"test parts of {least} pictures, {MIN_UNITS} would be needed"


def bounds_of(
    evaluate: weighted.Evaluate, samples: Samples, how: Resampling, value: float
) -> tuple[float, float]:
    """Bootstrap interval of a statistic of counts whose value is known; NaN, NaN where there is none."""
    n, groups = len(samples.frame), samples.groups
    draws = resample(evaluate, n, resamples=how.resamples, seed=how.seed, groups=groups)[0]
    if how.interval == "percentile":
        return interval(draws, units=samples.units)
    skew = jackknife_acceleration(evaluate, n, groups=groups)
    return interval(draws, value, units=samples.units, acceleration=skew)


def jackknifed(
    name: str, statistic: str, samples: Samples, words: str, *, fitted: bool = False
) -> dict[str, object]:
    """Tidy row of a correlation with the interval of the jackknife on Fisher's z.

    It covers better than the bootstrap for ``"krcc"`` and ``"plcc"``, as well for ``"srcc"``, and costs no
    resamples (docs/protocols.md, "Intervals"). Scores that were ``fitted`` to the opinions by a curve have no
    interval where a curve fitted to chance would reach as far from 0.
    """
    scores, mos, groups = samples.scores[0], samples.mos, samples.groups
    once = np.ones((1, len(samples.frame)))
    value = float(weighted.PREPARE[statistic](samples.scores, mos)(once)[0, 0])
    if np.isnan(value):
        return undefined(name, samples, f"{words}; undefined: too few images, or all values equal")
    if statistic == "plcc":
        kind, bounds = "jackknife", jackknife_interval(plcc_left_out(scores, mos, groups=groups), value)
    else:
        kind = "infinitesimal jackknife"
        bounds = influence_interval(value, influence(scores, mos, statistic, groups=groups))
    unit = "images" if groups is None else f"references ({samples.units})"
    words += f"; {kind} over {unit} on Fisher's z; 95%"
    words += "; no interval: too few images or references" if np.isnan(bounds[0]) else ""
    if fitted and _as_by_chance(value, bounds):
        bounds = np.nan, np.nan
        words += "; no interval: a curve fitted to chance would reach as far from 0"
    return cells(name, value, bounds, samples, "; ".join([words, *samples.notes]))


def _as_by_chance(value: float, bounds: tuple[float, float]) -> bool:
    """Whether a curve fitted to scores that have nothing to do with the opinions reaches as far from 0."""
    if not bounds[0] < bounds[1]:
        return False
    with np.errstate(divide="ignore"):  # an end may round to 1
        low, high = np.arctanh(bounds)
    return bool(abs(np.arctanh(value)) < FITTED / stats.norm.ppf(0.975) * (high - low) / 2)


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
