"""Releases whose pictures are known by their names alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets._files import Pictures, matches
from benchmark.datasets.layouts.names import by_pattern


def listing(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """Pictures known by their names alone."""
    pictures = [path for path in Pictures(root).paths if matches(path, layout["where"])]
    if not pictures:
        raise ValueError(f"{root}: holds no picture at {', '.join(layout['where'])}; complete the folder")
    frame = pd.DataFrame({"image": pictures})
    by_pattern(frame, layout, str(root))
    pristine = frame["distortion"].isna() if "distortion" in frame else pd.Series(True, frame.index)
    if "level" not in frame:
        frame["level"] = np.nan
    frame["level"] = pd.to_numeric(frame["level"]).mask(pristine, 0)
    frame["distortion"] = (
        frame["distortion"].mask(pristine, "pristine") if "distortion" in frame else "pristine"
    )
    return frame, "the folder"
