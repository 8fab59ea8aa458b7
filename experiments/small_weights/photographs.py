"""The photographs behind the weights: ``photographs.csv`` names each, where it is from, and its SHA-256."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmark.files import sha256_of

LIST = Path(__file__).with_name("photographs.csv")


def listed() -> pd.DataFrame:
    """Return the list: ``file`` as its source has it, ``source``, ``author``, ``licence``, ``sha256``."""
    return pd.read_csv(LIST, keep_default_na=False)


def find(*folders: Path) -> list[Path]:
    """Find all photographs by their content, wherever below the folders they lie; in the order of the list.

    Raises
    ------
    ValueError
        Naming those that are not there, with their sources.
    """
    table = listed()
    names = set(table["file"].map(lambda name: Path(name).suffix))
    here = {
        sha256_of(path): path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in names and path.is_file()
    }
    missing = table[~table["sha256"].isin(here)]
    if len(missing):
        lines = "\n".join(f"  {row.file} ({row.source})" for row in missing.itertuples())
        raise ValueError(
            f"{len(missing)} of {len(table)} photographs are not below "
            f"{', '.join(map(str, folders))}; unpack there what they come from:\n{lines}"
        )
    return [here[digest] for digest in table["sha256"]]
