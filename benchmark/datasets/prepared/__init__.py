"""A data set as `prepare` left it: what every later stage reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

import pandas as pd

from benchmark.datasets._known import names, unknown
from benchmark.datasets.prepared.manifest import read_manifest
from benchmark.datasets.prepared.record import Record, read_record

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Dataset:
    """A prepared data set.

    Parameters
    ----------
    record
        Its card.
    root
        Folder that the manifest's paths start from.
    manifest
        One row an image, see `benchmark.datasets.COLUMNS`.
    """

    record: Record
    root: Path
    manifest: pd.DataFrame

    def rated(self, ratings: float | None = None) -> pd.DataFrame:
        """Return the manifest with the column ``ratings``: how many ratings each opinion is the mean of.

        Parameters
        ----------
        ratings
            The number, where it is known better than by the record. Else it is that of each picture, where
            the release tells it, else the record's; NaN where nobody knows.

        Raises
        ------
        ValueError
            If the number is below one.
        """
        if ratings is not None and not ratings >= 1:  # so written, NaN is refused too
            raise ValueError(f"ratings: an opinion is the mean of at least one rating, not of {ratings}")
        known = self.record.ratings or float("nan")
        if ratings is not None:
            return self.manifest.assign(ratings=float(ratings))
        own = self.manifest["ratings"] if "ratings" in self.manifest else float("nan")
        return self.manifest.assign(ratings=own).fillna({"ratings": known})

    def read(self, image: str) -> Tensor:
        """Decode a picture of the manifest, scaled by the record's rule: ``[3, H, W]``, RGB in [0, 1]."""
        from benchmark.images import read  # most readers of manifests need no torch

        return read(self.root / image, self.record.short_side)


class Pictures(Sequence["Tensor"]):
    """Pictures of a data set, each decoded when it is asked for, so that a thousand need no memory.

    Parameters
    ----------
    data
        The data set.
    names
        Pictures of its manifest.
    """

    def __init__(self, data: Dataset, names: Sequence[str]) -> None:
        self.data, self.names = data, list(names)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, place: int) -> Tensor: ...
    @overload
    def __getitem__(self, place: slice) -> Pictures: ...
    def __getitem__(self, place: int | slice) -> Tensor | Pictures:
        if isinstance(place, slice):
            return Pictures(self.data, self.names[place])
        return self.data.read(self.names[place])


def load(name: str, root: str | os.PathLike[str] = "data") -> Dataset:
    """Read the prepared data set ``<root>/<name>``.

    Raises
    ------
    ValueError
        If no data set of this name is known or prepared, or its manifest or record is at fault.
    """
    folder = Path(root) / name
    if not (folder / "manifest.csv").is_file() or not (folder / "record.json").is_file():
        if name in names():
            raise ValueError(f"{folder}: data set {name!r} is not prepared; run `dvc repro prepare@{name}`")
        prepared = [found.parent.name for found in sorted(Path(root).glob("*/manifest.csv"))]
        raise ValueError(unknown("data set", name, sorted({*names(), *prepared})))
    record = read_record(folder / "record.json")
    return Dataset(record, folder, read_manifest(folder / "manifest.csv", record))
