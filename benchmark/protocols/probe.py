"""Linear probes of features: trained and tested on one data set, or trained on one and tested on another.

The protocol is ARNIQA's: Ridge regression on the features of crops, each with the opinion of its image; the
prediction of an image is the mean over its crops; the penalty is the one with the best median SRCC on the
validation splits; the figure is the median over the test splits.

References
----------
L. Agnolucci, L. Galteri, M. Bertini, A. Del Bimbo, ARNIQA, WACV 2024.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd

from benchmark.arrays import Floats
from benchmark.statistics import weighted
from benchmark.statistics.estimates import COLUMNS

from .ridge import Features, Penalty, Probed, predict, ready, train_on_all, validate
from .rows import DEFAULT, Resampling, cells, describe, measured, median_of_known, small_part


def probe(
    features: Features,
    manifest: pd.DataFrame,
    *,
    mos_higher_is_better: bool,
    splits: int = 10,
    how: Resampling = DEFAULT,
    official: bool = False,
) -> pd.DataFrame:
    """Train and test a linear probe on one data set.

    Parameters
    ----------
    features
        Of the images, or of several crops of each.
    manifest
        ``image, mos`` and ``reference`` where it exists: no reference is in two parts of a split.
    mos_higher_is_better
        Direction of the opinions.
    splits
        Number of random splits into 70, 10 and 20 per cent of the rated pictures, whichever have features:
        two methods have the same.
    how
        How intervals are made; its seed also draws the splits.
    official
        Take the manifest's column ``split`` (``train``, ``val``, ``test``) in place of random splits; ``n``
        counts its test part.

    Returns
    -------
    DataFrame
        Medians ``srcc``, ``plcc_raw`` over the test splits, intervals by resampling the images (references)
        of all test sets with the trained probes held fixed, none where a test part has fewer than five;
        ``srcc_q1``, ``srcc_q3``, ``plcc_raw_q1``, ``plcc_raw_q3``: quartiles over the splits, where there are
        several. A split whose correlation is undefined does not count; what is undefined in all is NaN.

    Raises
    ------
    ValueError
        If the official split is asked for and a part of it is empty, or no random split has pictures with
        features both to train and to test on.
    """
    return _same_set(ready(features, manifest, mos_higher_is_better, official), splits, how)


def cross_set(
    features: Mapping[str, Features],
    manifests: Mapping[str, pd.DataFrame],
    *,
    mos_higher_is_better: Mapping[str, bool],
    splits: int = 10,
    how: Resampling = DEFAULT,
    related: Collection[tuple[str, str]] = (),
    official: Collection[str] = (),
) -> pd.DataFrame:
    """Full matrix: trained on all of one data set and tested on all of another, the same-set probe between.

    Parameters
    ----------
    features, manifests, mos_higher_is_better
        By data set.
    splits, how
        As in `probe`. The penalty of a training set is chosen on its own validation splits.
    related
        Pairs of data sets known to share pictures. Pairs whose features coincide are found without that.
    official
        Data sets whose own split takes the place of random ones.

    Returns
    -------
    DataFrame
        ``train, test``, the tidy columns, and ``overlap``: the test set holds pictures of the training set,
        so the figure must not be read as generalisation.
    """
    sets = {
        name: ready(features[name], manifests[name], mos_higher_is_better[name], name in official)
        for name in features
    }
    known = {frozenset(pair) for pair in related}
    tables = []
    for train, source in sets.items():
        model = None
        for test, target in sets.items():
            if test == train:
                table, overlap = _same_set(source, splits, how), False
            else:
                if source.crops.shape[1] != target.crops.shape[1]:
                    raise ValueError(f"features of {train!r} and {test!r} differ in length")
                model = model or train_on_all(source, splits, how)
                table = _other_set(model, target, train, how)
                overlap = frozenset((train, test)) in known or _share_pictures(source, target)
            tables.append(table.assign(train=train, test=test, overlap=overlap))
    if not tables:
        return pd.DataFrame(columns=["train", "test", *COLUMNS, "overlap"])
    return pd.concat(tables, ignore_index=True)[["train", "test", *COLUMNS, "overlap"]]


def _same_set(data: Probed, splits: int, how: Resampling) -> pd.DataFrame:
    parts, paths, best = validate(data, splits, how)
    predicted = []
    for (_, _, test), (coefficients, intercept) in zip(parts, paths, strict=True):
        column = predict(data, test, coefficients[:, [best.place]], intercept[[best.place]])[:, 0]
        predicted.append((test, column))
    middle = "median; " if len(parts) > 1 else ""
    drawn = "its official split" if data.official else f"{splits} splits 70/10/20"
    words = f"probe, same set, {best.words}, {drawn}"
    words += f"; {data.sight}; trained probes held fixed"
    none = small_part([test for test, _ in predicted])
    samples, rows = data.samples, []
    if data.official:  # one part is tested, and the rest of the data set stands behind no number
        ((test, column),) = predicted
        samples = samples.take(np.isin(np.arange(len(samples.frame)), test))
        predicted = [(np.arange(test.size), column)]
    for name, prepare in (("srcc", weighted.prepare_srcc), ("plcc_raw", weighted.prepare_plcc)):
        tests = [(t, prepare(p[None], samples.mos[t])) for t, p in predicted]

        def each(counts: Floats, tests=tests) -> Floats:  # type: ignore[no-untyped-def]
            return np.asarray([f(np.take(counts, t, axis=1))[0] for t, f in tests])

        def median(counts: Floats, each=each) -> Floats:  # type: ignore[no-untyped-def]
            return median_of_known(each(counts))[None]

        once = each(np.ones((1, len(samples.frame))))[:, 0]
        known = once[~np.isnan(once)]
        drawn_in_all = 1 if data.official else splits
        lost = f"; {drawn_in_all - known.size} splits undefined" if 0 < known.size < drawn_in_all else ""
        rows.append(measured(name, median, samples, how, f"{middle}{words}{lost}", none))
        for label, share in (("q1", 0.25), ("q3", 0.75)) if len(parts) > 1 and known.size else ():
            quartile, none_of_it = float(np.quantile(known, share)), (np.nan, np.nan)
            told = describe(samples, how, f"quartile; {words}{lost}")
            rows.append(cells(f"{name}_{label}", quartile, none_of_it, samples, told))
    return pd.DataFrame(rows, columns=COLUMNS)


def _other_set(
    model: tuple[Floats, Floats, Penalty], data: Probed, train: str, how: Resampling
) -> pd.DataFrame:
    coefficients, intercept, penalty = model
    everything = np.arange(len(data.samples.frame))
    predicted = predict(data, everything, coefficients, intercept).T
    words = f"probe, trained on all of {train}, {penalty.words}; {data.sight}"
    words += "; trained probe held fixed"
    rows = [
        measured(name, prepare(predicted, data.samples.mos), data.samples, how, words)
        for name, prepare in (("srcc", weighted.prepare_srcc), ("plcc_raw", weighted.prepare_plcc))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _share_pictures(a: Probed, b: Probed) -> bool:
    """Whether a crop of one set has exactly the features of a crop of the other: the same picture."""
    return not set(_digests(a.crops)).isdisjoint(_digests(b.crops))


def _digests(rows: Floats) -> Iterator[bytes]:
    """Sixteen bytes a row: the rows themselves would take as much memory again as the features."""
    return (hashlib.blake2b(row, digest_size=16).digest() for row in np.ascontiguousarray(rows))
