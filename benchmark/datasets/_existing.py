"""Pictures that the user already has: linked, never copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmark.datasets._manifest import lacking_column, read_csv
from benchmark.datasets.linked import link


def existing_folder(source: str | Path) -> Path:
    """Return `source` as an absolute path.

    Raises
    ------
    ValueError
        If it is no folder.
    """
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{folder}: is no folder; set 'source' to the folder that holds the pictures")
    return folder.resolve()


def link_images(target: Path, folder: Path, names: Sequence[str], listed_in: str) -> None:
    """Make ``target/images`` a symbolic link to `folder`, once all `names` were found there.

    Raises
    ------
    ValueError
        If a picture is missing; the first is named and the others are counted.
    """
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise ValueError(
            f"{folder}: {len(missing)} of the {len(names)} pictures of {listed_in} are missing, the first is "
            f"{missing[0]!r}; complete the folder or correct the names"
        )
    link(target, folder)


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV table as text and make sure that it has `columns`."""
    if not path.is_file():
        raise ValueError(f"{path}: does not exist; it should hold the scores")
    table = read_csv(path)
    have = [str(name) for name in table.columns]
    for name in columns:
        if name not in have:
            raise ValueError(f"{path}: {lacking_column(name, have)}")
    return table
