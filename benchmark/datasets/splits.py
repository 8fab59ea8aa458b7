"""Splits of a data set.

A split table has a row an image and a column a split (``split_1``, ...), with ``train``, ``val``, ``test`` or
nothing for images that take no part.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.datasets._spelling import match
from benchmark.datasets.prepared.manifest import SPLITS
from benchmark.files.delimited import read_table, spelt
from benchmark.protocols.samples import split_by_reference


def seeded(manifest: pd.DataFrame, splits: int = 10, seed: int = 0) -> pd.DataFrame:
    """Random splits of 70, 10 and 20 per cent of the references, or of the images where there are none."""
    table = pd.DataFrame({"image": manifest["image"]})
    for k, parts in enumerate(split_by_reference(manifest, splits=splits, seed=seed), 1):
        table[f"split_{k}"] = _column(len(table), dict(zip(SPLITS, parts, strict=True)))
    return table


def official(manifest: pd.DataFrame, name: str) -> pd.DataFrame:
    """The release's own split, of the data set called `name`.

    Raises
    ------
    ValueError
        If it has none.
    """
    if manifest["split"].isna().all():
        raise ValueError(
            f"{name} has no official split; `iqa splits make {name} --out splits.csv` draws some, which "
            f"`iqa splits check {name} --splits splits.csv` takes"
        )
    return pd.DataFrame({"image": manifest["image"], "split_1": manifest["split"]})


def published(folder: Path, manifest: pd.DataFrame) -> pd.DataFrame:
    """Splits as ARNIQA publishes them: ``train.npy``, ``val.npy``, ``test.npy`` of row numbers.

    Parameters
    ----------
    folder
        Folder of the three files, each ``[splits, rows]`` or ``[rows]``, padded with -1.
    manifest
        The data set in the order of its release.

    Raises
    ------
    ValueError
        If a file is missing or damaged, a number is not a row of the manifest, or an image is in two parts.
    """
    parts = {}
    for part in SPLITS:
        path = folder / f"{part}.npy"
        try:
            parts[part] = np.atleast_2d(np.load(path, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: cannot be read as a NumPy file ({error})") from error
        numbers = parts[part]
        if (
            numbers.dtype.kind not in "iu"
            or numbers.max(initial=-1) >= len(manifest)
            or numbers.min(initial=-1) < -1
        ):
            raise ValueError(f"{path}: holds what is not a row of the {len(manifest)} of this data set")
    if len({len(rows) for rows in parts.values()}) != 1:
        raise ValueError(f"{folder}: its three files hold unlike numbers of splits")
    table = pd.DataFrame({"image": manifest["image"]})
    for k in range(len(parts["train"])):
        rows = {part: numbers[k][numbers[k] >= 0] for part, numbers in parts.items()}
        placed = np.concatenate(list(rows.values()))
        if len(np.unique(placed)) != len(placed):
            raise ValueError(f"{folder}: split {k + 1} puts an image in two parts")
        table[f"split_{k + 1}"] = _column(len(table), rows)
    return table


def read_splits(path: Path, manifest: pd.DataFrame) -> pd.DataFrame:
    """Read a split table of this data set.

    Images that the table spells otherwise (`benchmark.datasets._spelling.match`) take the manifest's name; a
    warning counts them.

    Raises
    ------
    ValueError
        If a column, an image or a part is unknown, or an image could be several; the row is named.
    """
    table = read_table(path)
    known = {"image", *(name.lower() for name in map(str, table.columns) if name.lower().startswith("split"))}
    table = spelt(table, known, str(path))
    columns = [name for name in table.columns if str(name).startswith("split")]
    if "image" not in table or not columns:
        raise ValueError(f"{path}: needs the column 'image' and columns split_1, split_2 and so on")
    table["image"] = _known(table["image"], manifest["image"], path)
    for name in columns:
        wrong = ~table[name].isin([*SPLITS, ""])
        if wrong.any():
            row = table.index[wrong.argmax()]
            raise ValueError(f"{path}: row {row}, column {name!r}: {table[name][row]!r} is not a part")
        table[name] = table[name].mask(table[name] == "")
    return table.reset_index(drop=True)


def _known(images: pd.Series, known: pd.Series, path: Path) -> list[str]:
    """Names of a table's images as the manifest has them."""
    matched = match(images.tolist(), known.tolist())
    for row, name in images.items():
        if name not in matched.found:
            several = ", ".join(map(repr, matched.ambiguous.get(name, ())))
            fault = f"could be several: {several}" if several else "is not an image of this data set"
            raise ValueError(f"{path}: row {row}: {name!r} {fault}")
    if twice := sorted(images[images.duplicated()]):
        raise ValueError(f"{path}: lists {twice[0]!r} twice; keep one row")
    if matched.respelt:
        one, other = matched.respelt[0]
        warnings.warn(
            f"{path}: {len(matched.respelt)} images matched, such as {one!r} with {other!r}", stacklevel=2
        )
    return [matched.found[name] for name in images]


def _column(count: int, parts: Mapping[str, NDArray[np.integer]]) -> NDArray[np.object_]:
    column = np.full(count, None, dtype=object)
    for part, rows in parts.items():
        column[rows] = part
    return column
