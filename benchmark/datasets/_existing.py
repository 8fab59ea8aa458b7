"""Pictures that the user already has: linked, never copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmark.datasets._files import Pictures
from benchmark.datasets.prepared.linked import link
from benchmark.datasets.prepared.manifest import lacking_column
from benchmark.files import delimited


def existing_folder(source: str | Path) -> Path:
    """Return `source` as an absolute path.

    Raises
    ------
    ValueError
        If it is not a folder, or empty: that would be the folder where one stands.
    """
    if not str(source):
        raise ValueError("source is empty; set it to the folder that holds the pictures")
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{folder}: is not a folder; set 'source' to the folder that holds the pictures")
    return folder.resolve()


def link_images(target: Path, folder: Path, names: Sequence[str], listed_in: str) -> list[str]:
    """Make ``target/images`` a symbolic link to `folder`; return all `names` as the disk spells them.

    Raises
    ------
    ValueError
        If a picture is missing; the first is named and the others are counted.
    """
    paths = list(names)
    if not all((folder / name).is_file() for name in names):
        paths = Pictures(folder).find_all(names, listed_in)
    link(target, folder)
    return paths


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table as text (`benchmark.files.delimited.read_table`) and make sure that it has `columns`."""
    if not path.is_file():
        raise ValueError(f"{path}: does not exist; it should hold the scores")
    table = delimited.read_table(path)
    have = [str(name) for name in table.columns]
    for name in columns:
        if name not in have:
            raise ValueError(f"{path}: {lacking_column(name, have)}")
    return table
