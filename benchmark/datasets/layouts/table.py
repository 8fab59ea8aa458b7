"""Releases whose names and scores stand in a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.layouts.names import by_pattern, filled
from benchmark.datasets.layouts.score_files import pick, read_table
from benchmark.datasets.prepared.manifest import numbers

#: What releases call the parts of their official split.
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
#: Column of a standard error of the opinions, until it is turned into the deviation of their ratings.
ERROR = "standard_error"


def table(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """A table of names and scores: .csv, .txt or .xlsx, columns as the layout says."""
    rows, path = read_table(root, layout)
    where = str(path)
    frame = pd.DataFrame({"image": filled(rows, layout["image"], where)}, index=rows.index)
    if strip := layout.get("strip", 0):
        frame["image"] = [name.split("/", strip)[-1] for name in frame["image"]]
    columns = {key: layout[key] for key in ("mos", "mos_std", ERROR, "ratings") if key in layout}
    for key, column in columns.items():
        if column in rows or key == "mos":
            frame[key] = numbers(pick(rows, column, where), where)
    if "mos" in frame and frame["mos"].isna().any():
        row = int(np.argmax(frame["mos"].isna().to_numpy()))
        raise ValueError(
            f"{where}: row {rows.index[row]}, column {layout['mos']!r}: is empty; every row has a score"
        )
    if "mos_std" in frame:
        frame["mos_std"] *= layout.get("std_scale", 1.0)
    for name in layout.get("also", ()):
        if name in rows:
            frame[name] = rows[name].to_numpy()
    for key in ("reference", "distortion"):
        if key in layout:
            frame[key] = [Path(text).stem for text in filled(rows, layout[key], where)]
    if "split" in layout:
        frame["split"] = _splits(pick(rows, layout["split"], where), where)
    if "beside" in layout:
        frame[_column_of(layout["beside"])] = _beside(root, layout["beside"], len(frame))
    by_pattern(frame, layout, where)
    if "official" in layout:
        frame["split"] = _listed_split(root, layout, rows)
    many = isinstance(layout.get("scores"), str) and "*" in layout["scores"]
    return frame, layout["scores"] if many else _below(path, root)


def _below(path: Path, root: Path) -> str:
    """Path of a file from the release's folder; its name where it lies outside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _splits(column: pd.Series, where: str) -> list[str]:
    words = column.astype(str).str.strip().str.lower()
    unknown = ~words.isin(list(SPLITS))
    if unknown.any():
        row = int(np.argmax(unknown.to_numpy()))
        raise ValueError(
            f"{where}: row {column.index[row]}, column {column.name!r}: {column.iloc[row]!r} is not a split"
        )
    return [SPLITS[word] for word in words]


def _listed_split(root: Path, layout: Mapping[str, Any], rows: pd.DataFrame) -> list[str] | float:
    """Official split that is told by further files, each listing the pictures of a part; NaN without them."""
    parts = {name: part for name, part in layout["official"].items() if name != "default"}
    split = dict.fromkeys(filled(rows, "{name}", str(root)), layout["official"]["default"])
    for name, part in parts.items():
        try:
            listed, path = read_table(root, {"scores": part["file"]})
        except FileNotFoundError:
            return np.nan
        chosen = pick(listed, part["column"], str(path)).str.strip()
        if where := part.get("where"):
            chosen = chosen[pick(listed, where, str(path)).str.strip().str.lower().isin(["true", "1"])]
        if unknown := sorted(set(chosen) - set(split)):
            raise ValueError(f"{path}: lists {unknown[0]!r}, which the scores do not have")
        split.update(dict.fromkeys(chosen, name))
    return list(split.values())


def _beside(root: Path, beside: Mapping[str, Any], rows: int) -> np.ndarray | float:
    """Column of a file whose lines go with those of the scores; NaN where the release lacks it."""
    path = root / beside["file"]
    if not path.is_file():
        return np.nan
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    column = _column_of(beside)
    values = [line.split()[beside[column]] for line in lines if line.strip()]
    if len(values) != rows:
        raise ValueError(f"{path}: has {len(values)} lines for {rows} pictures; get the release again")
    return numbers(pd.Series(values, name=column, dtype=str), str(path)).to_numpy()


def _column_of(beside: Mapping[str, Any]) -> str:
    """What a file beside the scores holds: ``mos_std`` or ``standard_error``."""
    return next(key for key in beside if key != "file")
