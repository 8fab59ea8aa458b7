"""Scores and opinions of one data set brought together, and everything left out counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.arrays import Floats
from benchmark.evidence import clusters


@dataclass(frozen=True)
class Samples:
    """Rated pictures of one data set with the scores of M methods.

    Parameters
    ----------
    frame
        Rows of the manifest that every method scored, sorted by image: no result depends on the order of
        a file.
    scores
        ``[M, n]``, turned so that more is better.
    mos
        ``[n]``, turned so that more is better; NaN where the picture has no opinion.
    notes
        What was left out, in words.
    whole
        Rows of the manifest that have an opinion, scored or not, sorted alike; None: those of ``frame``.
    """

    frame: pd.DataFrame
    scores: Floats
    mos: Floats
    notes: tuple[str, ...]
    whole: pd.DataFrame | None = None

    @cached_property
    def groups(self) -> NDArray[np.intp] | None:
        """Number of each picture's reference; None where the data set has no references."""
        return clusters(self.frame)

    @cached_property
    def units(self) -> int:
        """Number of references, or of pictures where there are none."""
        return len(self.frame) if self.groups is None else int(np.unique(self.groups).size)

    def rated(self) -> Samples:
        """Only the pictures that have an opinion; the others are counted in the notes."""
        keep = ~np.isnan(self.mos)
        if keep.all():
            return self
        note = f"{int((~keep).sum())} of {keep.size} images without opinion left out"
        return self.take(keep, note)

    def take(self, keep: NDArray[np.bool_], *notes: str) -> Samples:
        """Only the pictures where ``keep`` holds."""
        scores, mos = self.scores[:, keep], self.mos[keep]
        return Samples(self.frame[keep], scores, mos, (*self.notes, *notes), self.whole)

    def splits(self, count: int, seed: int) -> list[tuple[NDArray[np.intp], ...]]:
        """Random rows to train, to validate and to test on (`split_by_reference`), perhaps none of a part.

        They are drawn over all rated pictures of the data set, and those that are missing here left out
        afterwards: methods that lack scores of different pictures have the same splits.
        """
        whole = self.frame if self.whole is None else self.whole
        place = pd.Index(self.frame["image"].astype(str)).get_indexer(pd.Index(whole["image"].astype(str)))
        drawn = split_by_reference(whole, splits=count, seed=seed)
        return [tuple(place[part][place[part] >= 0] for part in parts) for parts in drawn]


def join(
    scores: Mapping[str, pd.DataFrame],
    manifest: pd.DataFrame,
    higher_is_better: Mapping[str, bool],
    mos_higher_is_better: bool,
) -> Samples:
    """Bring the scores of some methods and a manifest together on ``image``.

    Parameters
    ----------
    scores
        For each method a frame with ``image`` and ``score``.
    manifest
        Frame with ``image``; ``mos`` and the other columns where they exist.
    higher_is_better
        Direction of each method's score.
    mos_higher_is_better
        Direction of the opinions.

    Raises
    ------
    ValueError
        If a column is missing, an image is listed twice, no image is shared, or a direction is neither True
        nor False.
    """
    _check_direction("mos_higher_is_better", mos_higher_is_better)
    frame = _indexed(manifest, "the manifest", ["image"]).sort_index()
    columns, notes = [], []
    for name, table in scores.items():
        if name not in higher_is_better:
            raise ValueError(f"higher_is_better does not say the direction of {name!r}")
        _check_direction(f"higher_is_better of {name!r}", higher_is_better[name])
        indexed = _indexed(table, f"the scores of {name!r}", ["image", "score"])
        if not indexed.index.isin(frame.index).any():
            raise ValueError(
                f"the scores of {name!r} and the manifest share no image: are they of one data set?"
            )
        values = pd.to_numeric(indexed["score"], errors="raise").reindex(frame.index).to_numpy(np.float64)
        extra = int((~indexed.index.isin(frame.index)).sum())
        absent = int(np.isnan(values).sum())
        prefix = f"{name}: " if len(scores) > 1 else ""
        if absent:
            notes.append(f"{prefix}{absent} of {values.size} scores missing")
        if extra:
            notes.append(f"{prefix}{extra} scored images not in the manifest")
        columns.append(values if higher_is_better[name] else -values)
    stacked = np.array(columns)
    opinion = frame["mos"] if "mos" in frame else pd.Series(np.nan, index=frame.index)
    mos = pd.to_numeric(opinion, errors="raise").to_numpy(np.float64) * (1 if mos_higher_is_better else -1)
    frame = frame.reset_index(drop=True)
    everything = Samples(frame, stacked, mos, tuple(notes), frame[~np.isnan(mos)])
    return everything.take(~np.isnan(stacked).any(axis=0))


def _check_direction(what: str, value: object) -> None:
    """Refuse a word such as "lower", which Python takes for true."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{what} must be True or False, not {value!r}")


def _indexed(table: pd.DataFrame, what: str, needed: Sequence[str]) -> pd.DataFrame:
    missing = [c for c in needed if c not in table]
    if missing:
        raise ValueError(
            f"{what} lack the column {missing[0]!r}: they have {', '.join(map(str, table.columns))}"
        )
    twice = table["image"][table["image"].duplicated()]
    if len(twice):
        raise ValueError(f"{what} list the image {twice.iloc[0]!r} twice")
    return table.set_index(table["image"].astype(str))


def split_by_reference(
    frame: pd.DataFrame, *, splits: int = 10, seed: int = 0, shares: tuple[float, float] = (0.7, 0.1)
) -> list[tuple[NDArray[np.intp], ...]]:
    """Random train, validation and test rows, whole references together where there are references.

    Parameters
    ----------
    frame
        Manifest rows.
    splits
        Number of splits.
    seed
        Seed of the draws.
    shares
        Share of the clusters (references, or images) to train and to validate on; the rest is the test set.

    Raises
    ------
    ValueError
        If there are fewer than three clusters.
    """
    groups = clusters(frame)
    number = np.unique(groups if groups is not None else np.arange(len(frame)), return_inverse=True)[
        1
    ].reshape(-1)
    count = int(number.max(initial=-1)) + 1
    if count < 3:
        raise ValueError(f"three parts cannot be made of {count} references")
    train = min(max(round(shares[0] * count), 1), count - 2)
    validation = min(max(round(shares[1] * count), 1), count - 1 - train)
    result = []
    for k in range(splits):
        place = np.random.default_rng([seed, k]).permutation(count)[number]
        part = np.digitize(place, [train, train + validation])
        result.append(tuple(np.flatnonzero(part == p) for p in range(3)))
    return result
