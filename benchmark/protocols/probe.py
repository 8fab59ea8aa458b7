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
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from benchmark.arrays import Floats
from benchmark.statistics import weighted
from benchmark.statistics.correlation import srcc

from .rows import COLUMNS, DEFAULT, Resampling, bounds_of, describe, median_of_known
from .samples import Samples, join, split_by_reference

ALPHAS: Floats = np.geomspace(1e-3, 1e3, 100)


@dataclass(frozen=True)
class Features:
    """Features of a data set: ``image [N]`` names and ``values [N, D]``; several crops repeat their image."""

    image: NDArray[np.object_]
    values: Floats

    @classmethod
    def of(cls, image: ArrayLike, values: ArrayLike) -> Features:
        """Check and convert.

        Raises
        ------
        ValueError
            If the shapes do not belong together or a feature is not finite.
        """
        names = np.asarray(image).astype(str).astype(object)
        numbers = np.asarray(values, dtype=np.float64)
        if numbers.ndim != 2 or names.shape != numbers.shape[:1]:
            raise ValueError(f"features {numbers.shape} and image names {names.shape} do not belong together")
        if not np.isfinite(numbers).all():
            bad = names[~np.isfinite(numbers).all(axis=1)][0]
            raise ValueError(f"the features of {bad!r} are not finite: leave the image out")
        return cls(names, numbers)


@dataclass(frozen=True)
class _Probe:
    """A data set ready for probing: ``samples`` (one row an image) and the crops that belong to it.

    ``official``: its own split is the only one.
    """

    samples: Samples
    crops: Floats
    owner: NDArray[np.intp]
    official: bool = False

    @property
    def sight(self) -> str:
        """What is described of an image, in words."""
        counts = np.unique(np.bincount(self.owner))
        if counts.max(initial=1) == 1:
            return "one description an image"
        return f"{' to '.join(map(str, counts[[0, -1][: counts.size]]))} crops an image, predictions averaged"


def ridge_path(x: Floats, y: Floats, alphas: Floats = ALPHAS) -> tuple[Floats, Floats]:
    """Ridge regression with intercept for many penalties from one decomposition.

    Parameters
    ----------
    x, y
        ``[N, D]`` and ``[N]``.
    alphas
        Penalties, ``[A]``, all positive.

    Returns
    -------
    coefficients, intercepts
        ``[D, A]`` and ``[A]``.
    """
    mean, level = x.mean(axis=0), y.mean()
    centred, target = x - mean, y - level
    if x.shape[0] >= x.shape[1]:
        values, vectors = linalg.eigh(centred.T @ centred)
        inner = vectors.T @ (centred.T @ target)
        coefficients = vectors @ (inner[:, None] / (np.maximum(values, 0)[:, None] + alphas))
    else:  # fewer crops than dimensions: the same solution through the smaller matrix
        values, vectors = linalg.eigh(centred @ centred.T)
        inner = vectors.T @ target
        coefficients = centred.T @ (vectors @ (inner[:, None] / (np.maximum(values, 0)[:, None] + alphas)))
    return coefficients, level - mean @ coefficients


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
        Number of random splits into 70, 10 and 20 per cent.
    how
        How intervals are made; its seed also draws the splits.
    official
        Take the manifest's column ``split`` (``train``, ``val``, ``test``) in place of random splits.

    Returns
    -------
    DataFrame
        Medians ``srcc``, ``plcc_raw`` over the test splits, intervals by resampling the images (references)
        of all test sets with the trained probes held fixed; ``srcc_q1``, ``srcc_q3``, ``plcc_raw_q1``,
        ``plcc_raw_q3``: quartiles over the splits, where there are several.

    Raises
    ------
    ValueError
        If the official split is asked for and a part of it is empty.
    """
    return _same_set(_ready(features, manifest, mos_higher_is_better, official), splits, how)


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
    ready = {
        name: _ready(features[name], manifests[name], mos_higher_is_better[name], name in official)
        for name in features
    }
    known = {frozenset(pair) for pair in related}
    tables = []
    for train, source in ready.items():
        model = None
        for test, target in ready.items():
            if test == train:
                table, overlap = _same_set(source, splits, how), False
            else:
                if source.crops.shape[1] != target.crops.shape[1]:
                    raise ValueError(f"features of {train!r} and {test!r} differ in length")
                model = model or _train(source, splits, how)
                table = _other_set(model, target, train, how)
                overlap = frozenset((train, test)) in known or _share_pictures(source, target)
            tables.append(table.assign(train=train, test=test, overlap=overlap))
    if not tables:
        return pd.DataFrame(columns=["train", "test", *COLUMNS, "overlap"])
    return pd.concat(tables, ignore_index=True)[["train", "test", *COLUMNS, "overlap"]]


def fit_probe(
    features: Features,
    manifest: pd.DataFrame,
    *,
    mos_higher_is_better: bool,
    splits: int = 10,
    how: Resampling = DEFAULT,
) -> tuple[Floats, float, float]:
    """Train a probe on all of a data set, its penalty chosen on the data set's own validation splits.

    Parameters
    ----------
    features, manifest, mos_higher_is_better, splits, how
        As in `probe`.

    Returns
    -------
    coefficients, intercept, alpha
        ``[D]``, and two numbers; predictions are in the units of ``mos`` turned so that higher is better.
    """
    data = _ready(features, manifest, mos_higher_is_better)
    coefficients, intercept, alpha = _train(data, splits, how)
    return coefficients[:, 0], float(intercept[0]), alpha


def _ready(
    features: Features, manifest: pd.DataFrame, mos_higher_is_better: bool, official: bool = False
) -> _Probe:
    present = pd.DataFrame({"image": sorted(set(features.image)), "score": 0.0})
    samples = join({"features": present}, manifest, {"features": True}, mos_higher_is_better).rated()
    if not len(samples.frame):
        raise ValueError("a probe learns from opinions, and no image with features has one")
    place = pd.Index(samples.frame["image"].astype(str)).get_indexer(pd.Index(features.image))
    return _Probe(samples, features.values[place >= 0], place[place >= 0], official)


def _parts(data: _Probe, splits: int, how: Resampling) -> list[tuple[NDArray[np.intp], ...]]:
    """Rows to train, to validate and to test on, by split."""
    if not data.official:
        return split_by_reference(data.samples.frame, splits=splits, seed=how.seed)
    own = tuple(np.flatnonzero(data.samples.frame["split"].eq(part)) for part in ("train", "val", "test"))
    if not all(part.size for part in own):
        raise ValueError("a part of the official split (train, val, test) has no picture; `iqa verify` looks")
    return [own]


def _predict(data: _Probe, images: NDArray[np.intp], coefficients: Floats, intercept: Floats) -> Floats:
    """Mean prediction over the crops of each of ``images``; one column a penalty."""
    slot = np.full(len(data.samples.frame), -1)
    slot[images] = np.arange(images.size)
    mine = slot[data.owner] >= 0
    predicted = data.crops[mine] @ coefficients + intercept
    total = np.zeros((images.size, predicted.shape[1]))
    np.add.at(total, slot[data.owner[mine]], predicted)
    return np.asarray(total / np.bincount(slot[data.owner[mine]], minlength=images.size)[:, None])


def _fit(data: _Probe, images: NDArray[np.intp], alphas: Floats) -> tuple[Floats, Floats]:
    mine = np.isin(data.owner, images)
    return ridge_path(data.crops[mine], data.samples.mos[data.owner[mine]], alphas)


def _validate(data: _Probe, splits: int, how: Resampling):  # type: ignore[no-untyped-def]
    """Return the splits, the fitted paths of each, and the index of the penalty with the best median SRCC."""
    parts = _parts(data, splits, how)
    paths = [_fit(data, train, ALPHAS) for train, _, _ in parts]
    quality = np.full((len(parts), ALPHAS.size), -np.inf)
    for row, (_, validation, _), path in zip(quality, parts, paths, strict=True):
        mos = data.samples.mos[validation]
        values = [srcc(column, mos) for column in _predict(data, validation, *path).T]
        row[:] = np.nan_to_num(values, nan=-1.0)
    return parts, paths, int(np.argmax(np.median(quality, axis=0)))


def _same_set(data: _Probe, splits: int, how: Resampling) -> pd.DataFrame:
    parts, paths, best = _validate(data, splits, how)
    predicted = []
    for (_, _, test), (coefficients, intercept) in zip(parts, paths, strict=True):
        column = _predict(data, test, coefficients[:, [best]], intercept[[best]])[:, 0]
        predicted.append((test, column))
    middle = "median; " if len(parts) > 1 else ""
    drawn = "its official split" if data.official else f"{splits} splits 70/10/20"
    words = f"probe, same set, Ridge alpha {ALPHAS[best]:.3g}, {drawn}"
    words += f"; {data.sight}; trained probes held fixed"
    rows = []
    for name, prepare in (("srcc", weighted.prepare_srcc), ("plcc_raw", weighted.prepare_plcc)):
        tests = [(t, prepare(p[None], data.samples.mos[t])) for t, p in predicted]

        def each(counts: Floats, tests=tests) -> Floats:  # type: ignore[no-untyped-def]
            return np.asarray([f(np.take(counts, t, axis=1))[0] for t, f in tests])

        def median(counts: Floats, each=each) -> Floats:  # type: ignore[no-untyped-def]
            return median_of_known(each(counts))[None]

        once = each(np.ones((1, len(data.samples.frame))))[:, 0]
        value = float(np.median(once))
        rows.append((name, value, *bounds_of(median, data.samples, how, value), middle + words))
        for label, share in (("q1", 0.25), ("q3", 0.75)) if len(parts) > 1 else ():
            rows.append(
                (f"{name}_{label}", float(np.quantile(once, share)), np.nan, np.nan, f"quartile; {words}")
            )
    return _tidy(rows, data.samples, how)


def _train(data: _Probe, splits: int, how: Resampling) -> tuple[Floats, Floats, float]:
    """Train a probe on all of a data set, its penalty chosen on the data set's own validation splits."""
    *_, best = _validate(data, splits, how)
    everything = np.arange(len(data.samples.frame))
    coefficients, intercept = _fit(data, everything, ALPHAS[[best]])
    return coefficients, intercept, float(ALPHAS[best])


def _other_set(
    model: tuple[Floats, Floats, float], data: _Probe, train: str, how: Resampling
) -> pd.DataFrame:
    coefficients, intercept, alpha = model
    everything = np.arange(len(data.samples.frame))
    predicted = _predict(data, everything, coefficients, intercept).T
    words = f"probe, trained on all of {train}, Ridge alpha {alpha:.3g}; {data.sight}"
    words += "; trained probe held fixed"
    rows = []
    for name, prepare in (("srcc", weighted.prepare_srcc), ("plcc_raw", weighted.prepare_plcc)):
        evaluate = prepare(predicted, data.samples.mos)
        value = float(evaluate(np.ones((1, everything.size)))[0, 0])
        rows.append((name, value, *bounds_of(evaluate, data.samples, how, value), words))
    return _tidy(rows, data.samples, how)


def _tidy(
    rows: list[tuple[str, float, float, float, str]], samples: Samples, how: Resampling
) -> pd.DataFrame:
    n, units = len(samples.frame), samples.units
    cells = [
        (name, value, low, high, n, units, describe(samples, how, words))
        for name, value, low, high, words in rows
    ]
    return pd.DataFrame(cells, columns=COLUMNS)


def _share_pictures(a: _Probe, b: _Probe) -> bool:
    """Whether a crop of one set has exactly the features of a crop of the other: the same picture."""
    return not set(_digests(a.crops)).isdisjoint(_digests(b.crops))


def _digests(rows: Floats) -> Iterator[bytes]:
    """Sixteen bytes a row: the rows themselves would take as much memory again as the features."""
    return (hashlib.blake2b(row, digest_size=16).digest() for row in np.ascontiguousarray(rows))
