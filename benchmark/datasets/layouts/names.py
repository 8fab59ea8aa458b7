"""What stands in the names of pictures, and names made of columns."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.layouts.score_files import pick


def filled(table: pd.DataFrame, template: str, where: str) -> list[str]:
    """Fill ``{column}`` of a template from each row."""
    names = re.findall(r"\{([^{}]+)\}", template)
    columns = [pick(table, name, where).astype(str).str.strip().str.replace("\\", "/") for name in names]
    pattern = re.sub(r"\{[^{}]+\}", "{}", template)
    return [pattern.format(*values) for values in zip(*columns, strict=True)]


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
        frame["distortion"] = frame["distortion"].astype(int).map(kinds)
    if "level" in frame:
        frame["level"] = pd.to_numeric(frame["level"])
