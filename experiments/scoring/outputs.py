"""Scores as files: CSV, parquet or JSON by the ending of the name, written aside and renamed."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from benchmark import files

FORMATS = (".csv", ".parquet", ".json")

#: Most bytes of a row in table and journal beside names: columns, sizes, times, a score and a reason.
ROW = 1024


def check_output(path: Path, needs: int = 0) -> None:
    """Make sure, before the work, that `write_frame` could write `path`, and so many bytes.

    Raises
    ------
    ValueError
        If the name does not end as one of `FORMATS`, it asks for parquet and pyarrow is not installed, or
        `benchmark.files.check_file` finds that it cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise ValueError(f"{path}: the name must end in {', '.join(FORMATS)}")
    if kind == ".parquet":
        try:
            importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise ValueError(
                f"{path}: parquet needs pyarrow, which is not installed; name a .csv, or install it"
            ) from error
    files.check_file(path, needs)


def largest(names: Sequence[str | os.PathLike[str]], made: Mapping[str, str]) -> int:
    """Bytes that table and journal of these pictures take at most: each may have a reason that names it.

    Parameters
    ----------
    names
        The pictures.
    made
        What stands beside every score.
    """
    beside = ROW + len(json.dumps(dict(made)))
    return sum(4 * len(json.dumps(os.fspath(name))) + beside for name in names)


def show_frame(frame: pd.DataFrame) -> None:
    """Write scores to standard output as the bytes of a CSV file, whatever that is said to be encoded in."""
    sys.stdout.flush()
    text = frame.to_csv(index=False, float_format="%.9g", lineterminator="\n")
    sys.stdout.buffer.write(text.encode(errors="surrogateescape"))
    sys.stdout.buffer.flush()


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write scores; names of files that are no UTF-8 keep their bytes in CSV and are escaped elsewhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.whole(path) as aside:
        _write(frame, path, aside)


def _write(frame: pd.DataFrame, path: Path, aside: Path) -> None:
    if path.suffix.lower() == ".csv":
        frame.to_csv(aside, index=False, float_format="%.9g", lineterminator="\n", errors="surrogateescape")
    elif path.suffix.lower() == ".json":
        _escaped(frame).to_json(aside, orient="records", indent=1, double_precision=12)
    else:
        _escaped(frame).to_parquet(aside, index=False)


def _escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Names and reasons as text that every format can hold."""
    texts = [name for name in frame if name != "score"]
    escaped = {
        name: [os.fsencode(text).decode("utf-8", "backslashreplace") for text in frame[name]]
        for name in texts
    }
    return frame.assign(**escaped)
