"""Official splits: told by a column of the scores, by the table that lists a picture, or by further lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.layouts.score_files import pick, read_table

#: What releases call the parts of their official split.
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def splits(column: pd.Series, where: str) -> list[str]:
    """Name of the part of each picture, out of a column of the scores."""
    words = column.astype(str).str.strip().str.lower()
    unknown = ~words.isin(list(SPLITS))
    if unknown.any():
        row = int(np.argmax(unknown.to_numpy()))
        raise ValueError(
            f"{where}: row {column.index[row]}, column {column.name!r}: {column.iloc[row]!r} is not a split"
        )
    return [SPLITS[word] for word in words]


def listed(root: Path, official: Mapping[str, Any], names: Sequence[str]) -> list[str] | float:
    """Official split that is told by further files, each listing the pictures of a part; NaN without them.

    Parameters
    ----------
    root
        Folder of the release.
    official
        For each part ``file``, ``column`` and, where the file lists others too, ``where`` and ``is`` (a
        column and its value, true by default); ``default``, the part of the pictures that none lists; ``by``,
        what the lists name: a column of the scores, ``name`` by default, or ``reference``.
    names
        That of each picture.
    """
    split: dict[str, str] = {}
    for name, part in official.items():
        if name in ("default", "by"):
            continue
        try:
            table, path = read_table(root, {"scores": part["file"]})
        except FileNotFoundError:
            return np.nan
        chosen = pick(table, part["column"], str(path)).str.strip()
        if where := part.get("where"):
            meant = [part["is"].lower()] if "is" in part else ["true", "1"]
            chosen = chosen[pick(table, where, str(path)).str.strip().str.lower().isin(meant)]
        if official.get("by") == "reference":
            chosen = chosen.map(lambda path: Path(path).stem)
        elif unknown := sorted(set(chosen) - set(names)):
            raise ValueError(f"{path}: lists {unknown[0]!r}, which the scores do not have")
        split.update(dict.fromkeys(chosen, name))
    return [split.get(one, official["default"]) for one in names]
