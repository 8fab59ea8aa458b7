"""Data sets: records of published ones (`benchmark.datasets.catalogue`) and modules that make their own.

A prepared data set is a folder ``<root>/<name>/`` with ``manifest.csv``, ``record.json`` and the pictures.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

import pandas as pd

from benchmark.datasets import _release, catalogue
from benchmark.datasets._manifest import COLUMNS, read_manifest, write_dataset
from benchmark.datasets._record import Record, read_record, write_record

if TYPE_CHECKING:
    from torch import Tensor

#: Modules with a ``RECORD`` and ``prepare(target, ...)``: what the suite makes itself, and any folder.
MADE = ("demo", "folder", "leaves", "pristine")

__all__ = [
    "COLUMNS",
    "Dataset",
    "Pictures",
    "Record",
    "load",
    "names",
    "prepare",
    "read_record",
    "write_dataset",
    "write_record",
]


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


def names() -> list[str]:
    """Names of the data sets that the suite can prepare."""
    return sorted({*MADE, *catalogue.names()})


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
        raise ValueError(_unknown("data set", name, sorted({*names(), *prepared})))
    record = read_record(folder / "record.json")
    return Dataset(record, folder, read_manifest(folder / "manifest.csv", record))


def prepare(
    name: str, root: str | os.PathLike[str] = "data", kind: str | None = None, **settings: object
) -> Path:
    """Make ``<root>/<name>`` anew: built aside and renamed, so a half-made folder is never taken for a whole.

    Parameters
    ----------
    name
        Name of the data set, and of its folder.
    root
        Folder that holds all data sets.
    kind
        What it is made as; default: `name`. ``"folder"`` takes any pictures, under any name.
    settings
        Keyword arguments of the module's ``prepare``; for the data sets of the catalogue, those of
        `benchmark.datasets._release.prepare`.

    Returns
    -------
    Path
        The finished folder.

    Raises
    ------
    ValueError
        For an unknown data set or setting, or what the data set's own ``prepare`` refuses.
    """
    make = _maker(kind or name)
    _check_settings(kind or name, make, settings)
    final = Path(root) / name
    aside = Path(root) / ".aside" / name
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        make(aside, **settings)
        if final.is_dir():
            shutil.rmtree(final)
        os.replace(aside, final)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if not any(aside.parent.iterdir()):
            aside.parent.rmdir()
    return final


def _maker(name: str) -> Callable[..., None]:
    """Return what fills the folder of a data set."""
    if name in MADE:
        made: Callable[..., None] = importlib.import_module(f"{__name__}.{name}").prepare
        return made
    if name in catalogue.names():
        return functools.partial(_release.prepare, entry=catalogue.entry(name))
    raise ValueError(_unknown("data set", name, names()))


def _check_settings(name: str, make: Callable[..., None], settings: dict[str, object]) -> None:
    """Refuse settings that `make` does not take, and name those it still needs."""
    known = dict(list(inspect.signature(make).parameters.items())[1:])
    known.pop("entry", None)
    for given in settings:
        if given not in known:
            raise ValueError(_unknown(f"setting of data set {name!r}", given, list(known)))
    for needed, parameter in known.items():
        if parameter.default is parameter.empty and needed not in settings:
            raise ValueError(f"data set {name!r} needs the setting {needed!r}")


def _unknown(what: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown {what}: {name!r}; {hint}known: {', '.join(known)}"
