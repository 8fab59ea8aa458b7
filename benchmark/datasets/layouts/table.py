"""Releases whose names and scores stand in a table, or in several, one for each part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.layouts import official
from benchmark.datasets.layouts.mat_files import vectors
from benchmark.datasets.layouts.names import by_pattern, filled, numbered
from benchmark.datasets.layouts.score_files import pick, read_table
from benchmark.datasets.prepared.manifest import numbers
from benchmark.files.delimited import spelt

#: Column of a standard error of the opinions, until it is turned into the deviation of their ratings.
ERROR = "standard_error"


def table(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """Tables of names and scores, of any kind that `read_table` reads, columns as the layout says."""
    read = [_table(root, {**layout, **part}) for part in layout.get("parts", [{}])]
    files = dict.fromkeys(name for _, name in read)
    return pd.concat([frame for frame, _ in read]), " and ".join(files)


def _table(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    try:
        rows, path = read_table(root, layout)
    except FileNotFoundError as error:
        raise ValueError(f"{error}; complete the folder") from error
    where = str(path)
    if "numbered" in layout:
        rows = numbered(rows, layout["numbered"], where)
    frame = _opinions(root, layout, rows, where)
    skipped = layout.get("skip", 0)
    frame, rows = frame.iloc[skipped:].copy(), rows.iloc[skipped:]
    if "mos" in frame and frame["mos"].isna().any():
        row = int(np.argmax(frame["mos"].isna().to_numpy()))
        raise ValueError(
            f"{where}: row {rows.index[row]}, column {layout.get('mos')!r}: is empty; every row has a score"
        )
    further = spelt(rows, layout.get("also", ()), where)
    for name in layout.get("also", ()):
        if name in further:
            frame[name] = further[name].to_numpy()
    for key in ("reference", "distortion"):
        if key in layout:
            frame[key] = [Path(text).stem for text in filled(rows, layout[key], where)]
    by_pattern(frame, layout, where)
    if "split" in layout:
        frame["split"] = official.splits(pick(rows, layout["split"], where), where)
    elif "part" in layout:
        frame["split"] = layout["part"]
    elif "official" in layout:
        by = layout["official"].get("by", "name")
        names = frame["reference"].tolist() if by == "reference" else filled(rows, f"{{{by}}}", where)
        frame["split"] = official.listed(root, layout["official"], names)
    many = isinstance(layout.get("scores"), str) and "*" in layout["scores"]
    return frame, layout["scores"] if many else _below(path, root)


def _opinions(root: Path, layout: Mapping[str, Any], rows: pd.DataFrame, where: str) -> pd.DataFrame:
    """Names and scores, with what is known of the ratings, from the table and from files beside it."""
    frame = pd.DataFrame({"image": filled(rows, layout["image"], where)}, index=rows.index)
    if strip := layout.get("strip", 0):
        frame["image"] = [name.split("/", strip)[-1] for name in frame["image"]]
    for key in ("mos", "mos_std", "mos_variance", ERROR, "ratings"):
        if key in layout and (layout[key] in rows or key == "mos"):
            frame[key] = numbers(pick(rows, layout[key], where), where)
    for file in layout.get("beside", ()):
        frame[_column_of(file)] = _beside(root, file, len(frame))
    if "mos_variance" in frame:
        frame["mos_std"] = frame.pop("mos_variance") ** 0.5
    if "mos_std" in frame:
        frame["mos_std"] *= layout.get("std_scale", 1.0)
    return frame


def _below(path: Path, root: Path) -> str:
    """Path of a file from the release's folder; its name where it lies outside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _beside(root: Path, beside: Mapping[str, Any], rows: int) -> np.ndarray | float:
    """Column of a file whose entries go with those of the names; NaN where the release lacks it."""
    path, column = root / beside["file"], _column_of(beside)
    if not path.is_file() and column != "mos":
        return np.nan
    if path.suffix == ".mat":
        values = [str(value) for value in vectors(path, beside[column])[beside[column]]]
    else:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
        values = [line.split()[beside[column]] for line in lines if line.strip()]
    if len(values) != rows:
        raise ValueError(f"{path}: has {len(values)} entries for {rows} pictures; get the release again")
    return numbers(pd.Series(values, name=column, dtype=str), str(path)).to_numpy()


def _column_of(beside: Mapping[str, Any]) -> str:
    """What a file beside the names holds: ``mos``, ``mos_std`` or ``standard_error``."""
    return next(key for key in beside if key != "file")
