"""Result files as frames, and what their columns hold."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pandas as pd

#: Columns of result files that hold keys of methods and of data sets.
METHODS = ("method", "method_a", "method_b", "defender", "attacker")
DATASETS = ("dataset", "train", "test")
#: Columns that hold names, whatever these look like: a method may be called "NA", a picture "007".
NAMES = (
    *(*METHODS, *DATASETS, "variant", "variant_a", "variant_b", "judge", "image", "low_image", "high_image"),
    *("distortion", "group", "change", "target", "map", "region", "statistic", "signature", "left_out"),
)


def read_results(source: Path | IO[bytes]) -> pd.DataFrame:
    """Read a table that a stage wrote: an empty cell is missing, names (`NAMES`) stay as they are.

    Raises
    ------
    ParserError, EmptyDataError, UnicodeDecodeError
        Of pandas, if it is not such a table.
    """
    return pd.read_csv(source, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])


def mentioned(frame: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the methods and the data sets that a result file speaks of, as `Table` takes them."""
    return {
        what: frozenset(str(value) for name in columns if name in frame for value in frame[name].unique())
        for what, columns in (("methods", METHODS), ("datasets", DATASETS))
    }
