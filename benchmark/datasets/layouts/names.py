"""What stands in the names of pictures, and names made of columns."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.layouts.score_files import pick

#: ``{column}``, or ``{column:04}`` for a number that is filled up with zeros to four digits.
_FIELD = re.compile(r"\{([^{}]+?)(?::0(\d+))?\}")


def filled(table: pd.DataFrame, template: str, where: str) -> list[str]:
    """Fill ``{column}`` of a template from each row, ``{column:04}`` with leading zeros."""
    columns = [
        pick(table, name, where).astype(str).str.strip().str.replace("\\", "/").str.zfill(int(digits or 0))
        for name, digits in _FIELD.findall(template)
    ]
    pattern = _FIELD.sub("{}", template)
    return [pattern.format(*values) for values in zip(*columns, strict=True)]


def numbered(table: pd.DataFrame, counters: Mapping[str, Sequence[int]], where: str) -> pd.DataFrame:
    """Add columns that count the rows, each from its first to its last number, the last one fastest."""
    counted = list(itertools.product(*(range(first, last + 1) for first, last in counters.values())))
    if len(counted) != len(table):
        raise ValueError(
            f"{where}: has {len(table)} scores for {len(counted)} pictures; get the release again"
        )
    return table.assign(**dict(zip(counters, zip(*counted, strict=True), strict=True)))


def by_pattern(frame: pd.DataFrame, layout: Mapping[str, Any], where: str) -> None:
    """Take reference, distortion and level out of the names, by the first of the patterns that fits."""
    if "pattern" not in layout:
        return
    patterns = [layout["pattern"]] if isinstance(layout["pattern"], str) else layout["pattern"]
    fits = [frame["image"].str.extract(re.compile(pattern, re.IGNORECASE)) for pattern in patterns]
    parts = functools.reduce(pd.DataFrame.combine_first, fits)
    unknown = parts.isna().all(axis=1)
    if unknown.any():
        row = int(np.argmax(unknown.to_numpy()))
        raise ValueError(f"{where}: entry {row + 1}: {frame['image'].iloc[row]!r} is named unlike all others")
    for name in parts.columns:
        frame[name] = parts[name].str.lower() if name in layout.get("lower", ()) else parts[name]
    if "distortions" in layout:
        kinds = dict(enumerate(layout["distortions"], 1))
        numbered = frame["distortion"].astype(int)
        if (strange := ~numbered.isin(list(kinds))).any():
            row = int(np.argmax(strange.to_numpy()))
            raise ValueError(
                f"{where}: entry {row + 1}: {frame['image'].iloc[row]!r} is of type {numbered.iloc[row]}, "
                f"and the record's `distortions` are {len(kinds)}"
            )
        frame["distortion"] = numbered.map(kinds)
    if "level" in frame:
        frame["level"] = pd.to_numeric(frame["level"])
