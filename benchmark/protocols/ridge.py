"""The probe itself: Ridge regression from features of crops to opinions, its penalty chosen by validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from benchmark.arrays import Floats
from benchmark.statistics.correlation import srcc_columns

from .rows import DEFAULT, Resampling
from .samples import Samples, join

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
class Probed:
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


@dataclass(frozen=True)
class Penalty:
    """Penalty of a probe: its place in `ALPHAS`, and whether validation had anything to choose it by."""

    place: int
    chosen: bool

    @property
    def words(self) -> str:
        """The penalty in words, and that nothing chose it where nothing did."""
        why = "" if self.chosen else " (not chosen: no validation part holds pictures that it could order)"
        return f"Ridge alpha {ALPHAS[self.place]:.3g}{why}"


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
    data = ready(features, manifest, mos_higher_is_better)
    coefficients, intercept, penalty = train_on_all(data, splits, how)
    return coefficients[:, 0], float(intercept[0]), float(ALPHAS[penalty.place])


def ready(
    features: Features, manifest: pd.DataFrame, mos_higher_is_better: bool, official: bool = False
) -> Probed:
    """Join features with the opinions of a manifest."""
    present = pd.DataFrame({"image": sorted(set(features.image)), "score": 0.0})
    samples = join({"features": present}, manifest, {"features": True}, mos_higher_is_better).rated()
    if not len(samples.frame):
        raise ValueError("a probe learns from opinions, and no image with features has one")
    place = pd.Index(samples.frame["image"].astype(str)).get_indexer(pd.Index(features.image))
    return Probed(samples, features.values[place >= 0], place[place >= 0], official)


def train_on_all(data: Probed, splits: int, how: Resampling) -> tuple[Floats, Floats, Penalty]:
    """Train a probe on all of a data set, its penalty chosen on the data set's own validation splits."""
    *_, best = validate(data, splits, how)
    everything = np.arange(len(data.samples.frame))
    coefficients, intercept = _fit(data, everything, ALPHAS[[best.place]])
    return coefficients, intercept, best


def validate(
    data: Probed, splits: int, how: Resampling
) -> tuple[list[tuple[NDArray[np.intp], ...]], list[tuple[Floats, Floats]], Penalty]:
    """Return the splits, the fitted paths of each, and the penalty with the best median SRCC."""
    parts = _parts(data, splits, how)
    paths = [_fit(data, train, ALPHAS) for train, _, _ in parts]
    quality = np.array(
        [
            srcc_columns(predict(data, validation, *path), data.samples.mos[validation])
            if validation.size
            else np.full(ALPHAS.size, np.nan)
            for (_, validation, _), path in zip(parts, paths, strict=True)
        ]
    )
    best = int(np.argmax(np.median(np.nan_to_num(quality, nan=-1.0), axis=0)))
    return parts, paths, Penalty(best, not np.isnan(quality).all())


def _parts(data: Probed, splits: int, how: Resampling) -> list[tuple[NDArray[np.intp], ...]]:
    """Rows to train, to validate and to test on, of each split that has some to train and to test on."""
    if not data.official:
        parts = [part for part in data.samples.splits(splits, how.seed) if part[0].size and part[2].size]
        if not parts:
            raise ValueError(
                "a probe needs pictures to train and to test on, and no random split has features of both: "
                f"{len(data.samples.frame)} pictures have features"
            )
        return parts
    rows = tuple(np.flatnonzero(data.samples.frame["split"].eq(part)) for part in ("train", "val", "test"))
    if not all(part.size for part in rows):
        raise ValueError("a part of the official split (train, val, test) has no picture; `iqa verify` looks")
    return [rows]


def predict(data: Probed, images: NDArray[np.intp], coefficients: Floats, intercept: Floats) -> Floats:
    """Mean prediction over the crops of each of ``images``; one column a penalty."""
    slot = np.full(len(data.samples.frame), -1)
    slot[images] = np.arange(images.size)
    mine = slot[data.owner] >= 0
    predicted = data.crops[mine] @ coefficients + intercept
    total = np.zeros((images.size, predicted.shape[1]))
    np.add.at(total, slot[data.owner[mine]], predicted)
    return np.asarray(total / np.bincount(slot[data.owner[mine]], minlength=images.size)[:, None])


def _fit(data: Probed, images: NDArray[np.intp], alphas: Floats) -> tuple[Floats, Floats]:
    mine = np.isin(data.owner, images)
    return ridge_path(data.crops[mine], data.samples.mos[data.owner[mine]], alphas)
