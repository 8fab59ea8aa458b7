"""Scores as files: CSV, parquet or JSON by the ending of the name, written aside and renamed."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from benchmark import files

FORMATS = (".csv", ".parquet", ".json")


def check_format(path: Path) -> None:
    """Raise ValueError unless the name ends as one of `FORMATS`."""
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: the name must end in {', '.join(FORMATS)}")


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write scores; names of files that are no UTF-8 keep their bytes in CSV and are escaped elsewhere.

    Raises
    ------
    ValueError
        If the ending is unknown, or parquet is asked for and pyarrow is not installed.
    """
    check_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.whole(path) as aside:
        _write(frame, path, aside)


def _write(frame: pd.DataFrame, path: Path, aside: Path) -> None:
    if path.suffix.lower() == ".csv":
        frame.to_csv(aside, index=False, float_format="%.9g", lineterminator="\n", errors="surrogateescape")
    elif path.suffix.lower() == ".json":
        _escaped(frame).to_json(aside, orient="records", indent=1, double_precision=12)
    else:
        try:
            _escaped(frame).to_parquet(aside, index=False)
        except ImportError as error:
            raise ValueError(f"{path}: parquet needs pyarrow, which is not installed") from error


def _escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Names and reasons as text that every format can hold."""
    texts = [name for name in frame if name != "score"]
    escaped = {
        name: [os.fsencode(text).decode("utf-8", "backslashreplace") for text in frame[name]]
        for name in texts
    }
    return frame.assign(**escaped)
