"""Zero-shot agreement with opinions: the whole set, and the median over test splits."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.statistics import weighted
from benchmark.statistics.ceiling import halves
from benchmark.statistics.estimates import COLUMNS
from benchmark.statistics.mapping import FORMS, fit

from .ceiling import of_ceiling
from .distortions import level_rows
from .rows import (
    DEFAULT,
    Floats,
    Prepare,
    Resampling,
    jackknifed,
    median_of_known,
    number,
    resampled,
    small_part,
    text,
    undefined,
)
from .samples import Samples, join
from .within import within_references

OUTLIER_WIDTH = 2.0
MIN_SPLIT_UNITS = 10
FEW = 200
"""Pictures below which the interval of ``rmse`` allows for the parameters of its curve."""


def zero_shot(
    scores: pd.DataFrame,
    manifest: pd.DataFrame,
    *,
    higher_is_better: bool,
    mos_higher_is_better: bool,
    how: Resampling = DEFAULT,
    mapping: str = "logistic4",
    splits: int = 10,
) -> pd.DataFrame:
    """Agreement of one method with one data set, nothing trained on it.

    Parameters
    ----------
    scores
        ``image, score``.
    manifest
        ``image, mos`` and, where they exist, ``reference, distortion, level, mos_std, ratings``. Opinions
        that hold among the pictures of one reference alone are called ``mos_within``.
    higher_is_better, mos_higher_is_better
        Directions. Both sides are turned so that more is better: a negative correlation is a method that
        gets quality the wrong way round, on any data set.
    how
        How intervals are made; references are resampled whole where there are any.
    mapping
        Curve fitted before ``plcc`` and ``rmse``: ``"logistic4"`` or ``"logistic5"``.
    splits
        Number of random test splits (one fifth each, by reference) whose median ``srcc_splits`` and
        ``plcc_raw_splits`` show, the reading of papers that compare with trained methods; 0 for none.

    Returns
    -------
    DataFrame
        ``statistic, value, low, high, n, protocol`` with the statistics ``srcc``, ``krcc``, ``plcc_raw``,
        ``plcc`` (after the mapping, signed by its direction), ``rmse`` (after the mapping, in units of the
        MOS), ``outlier_ratio`` (among the images with ``mos_std``), the two medians over splits,
        ``srcc_test``, ``plcc_test`` and ``plcc_raw_test`` (where the manifest names a test split),
        ``srcc_lower_half`` and ``srcc_upper_half`` (among the pictures of that half of opinions),
        ``srcc_of_ceiling`` (where it has ``mos_std`` and ``ratings``: the share of what a perfect method
        would reach, `ceilings`), ``srcc_within``, ``krcc_within`` and ``plcc_raw_within`` where references
        have several pictures, and ``srcc_level`` where there are levels. What is undefined is NaN and its
        protocol says why.

    Raises
    ------
    ValueError
        If columns are missing or images listed twice.
    """
    samples = join({"method": scores}, manifest, {"method": higher_is_better}, mos_higher_is_better)
    rows = []
    rated = samples.rated()
    if len(rated.frame):
        rows += [*_agreement(rated, how), *_mapped(rated, how, mapping), *_over_splits(rated, how, splits)]
        rows += [*_in_halves(rated), *_of_test(rated, mapping), *of_ceiling(rated, READING)]
        rows += within_references(rated, how)
    elif np.isfinite(number(manifest, "mos")).any():
        words = f"{READING}; undefined: no image has both a score and an opinion"
        rows += [undefined(name, rated, words) for name in ("srcc", "krcc", "plcc_raw", "plcc", "rmse")]
    if "mos_within" in manifest:
        apart = manifest.assign(mos=manifest["mos_within"])
        some = join({"method": scores}, apart, {"method": higher_is_better}, mos_higher_is_better).rated()
        rows += within_references(some, how)
    rows += level_rows(samples, how)
    return pd.DataFrame(rows, columns=COLUMNS)


READING = "zero-shot, whole set"


def as_setting(table: pd.DataFrame, setting: str) -> pd.DataFrame:
    """Say in the protocols of a table in what way the method meets the data set, see `Card.setting`."""
    return table.assign(protocol=table["protocol"].str.replace("zero-shot,", f"{setting},", regex=False))


def _agreement(samples: Samples, how: Resampling) -> list[dict[str, object]]:
    """Correlations of the scores as they are."""
    rows = [
        resampled("srcc", weighted.prepare_srcc, samples, how, READING),
        jackknifed("krcc", "krcc", samples, f"{READING}; tau-b"),
    ]
    infinite = int(np.isinf(samples.scores).sum())
    if infinite:
        return [
            *rows,
            undefined("plcc_raw", samples, f"{READING}; undefined: {infinite} scores are infinite"),
        ]
    return [*rows, jackknifed("plcc_raw", "plcc", samples, f"{READING}; no mapping")]


def _in_halves(samples: Samples) -> list[dict[str, object]]:
    """Correlation among the worse and among the better half of pictures, where most products live."""
    parts = zip(("lower", "upper"), halves(samples.mos), strict=True)
    return [
        jackknifed(f"srcc_{name}_half", "srcc", samples.take(keep), f"{READING}; {name} half of opinions")
        for name, keep in parts
        if keep.sum() > 1
    ]


def _of_test(samples: Samples, mapping: str) -> list[dict[str, object]]:
    """Correlations on the official test split alone, where papers that name it have theirs."""
    keep = text(samples.frame, "split") == "test"
    if not 1 < keep.sum() < keep.size:
        return []
    part, words = samples.take(keep), "zero-shot, official test split"
    rows = [jackknifed("srcc_test", "srcc", part, words)]
    if not np.isfinite(part.scores).all():
        return rows
    rows.append(jackknifed("plcc_raw_test", "plcc", part, f"{words}; no mapping"))
    try:
        curve = fit(part.scores[0], part.mos, mapping)
    except ValueError as error:
        return [*rows, undefined("plcc_test", part, f"{words}; undefined: {error}")]
    sign = -1 if curve.direction < 0 else 1
    mapped = Samples(part.frame, sign * curve(part.scores), part.mos, part.notes)
    words += f"; {mapping} mapping, held fixed"
    return [*rows, jackknifed("plcc_test", "plcc", mapped, words, fitted=True)]


def _mapped(samples: Samples, how: Resampling, mapping: str) -> list[dict[str, object]]:
    """Correlation and error after the mapping; the reason where it cannot be fitted."""
    names = ["plcc", "rmse"]
    deviation = number(samples.frame, "mos_std")
    known = np.isfinite(deviation)
    if known.any():
        names.append("outlier_ratio")
    try:
        curve = fit(samples.scores[0], samples.mos, mapping)
    except ValueError as error:
        return [undefined(name, samples, f"{READING}; undefined: {error}") for name in names]
    # At the least-squares optimum the correlation does not change to first order with the parameters, so
    # that resampling with the curve held fixed and refitting it agree (docs/protocols.md, "Mapping"). Of
    # scores without any relation to the opinions every resample has another optimum, and this does not hold.
    words = f"{READING}; {mapping} mapping, held fixed in the interval"
    words += "" if curve.converged else f"; the fit did not converge ({curve.message})"
    words += "" if curve.monotone else "; the fitted curve is not monotone"
    words += "; the fitted curve falls" if curve.direction < 0 else ""
    sign = -1 if curve.direction < 0 else 1
    predicted = Samples(samples.frame, curve(samples.scores), samples.mos, samples.notes)
    signed = Samples(samples.frame, sign * predicted.scores, samples.mos, samples.notes)
    fitted = resampled("rmse", weighted.prepare_rmse, predicted, how, words)
    rows = [jackknifed("plcc", "plcc", signed, words, fitted=True), _unfitted(fitted, FORMS[mapping])]
    if "outlier_ratio" in names:
        beyond = f"{words}; errors beyond {OUTLIER_WIDTH:g} mos_std"
        if not known.all():
            predicted = predicted.take(known, f"{int((~known).sum())} images without mos_std left out")
        rows.append(resampled("outlier_ratio", _outliers(deviation[known]), predicted, how, beyond))
    return rows


def _unfitted(error: dict[str, object], parameters: int) -> dict[str, object]:
    """Widen the interval of an error to that of a curve that was not fitted to the same pictures.

    A curve of four parameters makes the error on the pictures it was fitted to smaller by the root of
    (n - 4) / n, in the mean, and the bootstrap holds it fixed: the interval would lie too low. Of `FEW`
    pictures and more it is less than a hundredth, and left.
    """
    n, low, high = int(str(error["n"])), float(str(error["low"])), float(str(error["high"]))
    if n >= FEW or np.isnan(low):
        return error
    larger = float(np.sqrt(n / (n - parameters)))
    words = f"{error['protocol']}; interval for {n - parameters} degrees of freedom"
    return {**error, "low": low * larger, "high": high * larger, "protocol": words}


def _outliers(deviation: Floats) -> Prepare:
    def prepared(predicted: Floats, mos: Floats) -> weighted.Evaluate:
        outside = (np.abs(predicted - mos) > OUTLIER_WIDTH * deviation).astype(np.float64)
        return lambda counts: outside @ counts.T / counts.sum(axis=1)

    return prepared


def _over_splits(samples: Samples, how: Resampling, splits: int) -> list[dict[str, object]]:
    """Median over test splits; in each resample of the images every split is read again."""
    if splits < 1 or samples.units < MIN_SPLIT_UNITS:
        return []
    tests = [test for *_, test in samples.splits(splits, how.seed) if test.size]
    if not tests:
        return []
    reading, none = f"zero-shot, median of {len(tests)} test splits of one fifth", small_part(tests)
    rows = [resampled("srcc_splits", _median_over(weighted.prepare_srcc, tests), samples, how, reading, none)]
    if np.isfinite(samples.scores).all():
        prepare = _median_over(weighted.prepare_plcc, tests)
        rows.append(resampled("plcc_raw_splits", prepare, samples, how, f"{reading}; no mapping", none))
    return rows


def _median_over(prepare: Prepare, tests: list[NDArray[np.intp]]) -> Prepare:
    def prepared(scores: Floats, target: Floats) -> weighted.Evaluate:
        parts = [(rows, prepare(scores[:, rows], target[rows])) for rows in tests]

        def evaluate(counts: Floats) -> Floats:
            return median_of_known(np.stack([part(np.take(counts, rows, axis=1)) for rows, part in parts]))

        return evaluate

    return prepared
