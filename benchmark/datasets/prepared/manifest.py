"""The manifest: one row an image, checked at the door so that no later stage meets a bad row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import files, naming
from benchmark.datasets.prepared import contents
from benchmark.datasets.prepared.record import Record, write_record
from benchmark.datasets.prepared.references import one_name

COLUMNS = ("image", "mos", "mos_std", "reference", "distortion", "level", "split")
OPTIONAL = ("ratings", "mos_within")
"""Columns that few manifests have: ratings of each picture, opinions that hold within a reference alone."""
NUMBERS = ("mos", "mos_std", "level")
LEAST = {"mos_std": 0.0, "level": 0.0, "ratings": 1.0}
"""What the numbers of a column cannot be less than."""
SPLITS = ("train", "val", "test")
_DECIMAL_COMMA = r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?"
_THOUSANDS = r"[+-]?[1-9]\d{0,2},\d{3}"


def read_manifest(path: Path, record: Record) -> pd.DataFrame:
    """Read and check a manifest.

    Parameters
    ----------
    path
        CSV file with at least the columns `COLUMNS`.
    record
        The data set's record, for the range of ``mos``.

    Returns
    -------
    DataFrame
        `COLUMNS` and any further column of the file; ``mos``, ``mos_std``, ``level`` and ``ratings`` are
        float64 with NaN where the file is empty, the others are strings with NaN there.

    Raises
    ------
    ValueError
        Naming the file, and the row (numbered as in the file, the header being 1) and column at fault.
    """
    return check_manifest(read_csv(path), record, str(path))


def read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV file as text, every value as it stands there; unreadable files are named."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 ({error.reason}); save it as CSV in UTF-8") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(
            f"{path}: cannot be read as CSV ({error}); commas must separate its columns"
        ) from error


def check_manifest(frame: pd.DataFrame, record: Record, source: str) -> pd.DataFrame:
    """Return `frame` with its columns typed, or raise a ValueError that names `source`, row and column."""
    if missing := [name for name in COLUMNS if name not in frame.columns]:
        have = [str(name) for name in frame.columns]
        raise ValueError(f"{source}: {'; '.join(lacking_column(name, have) for name in missing)}")
    if frame.empty:
        raise ValueError(f"{source}: lists no image; an empty data set cannot be evaluated, prepare it again")
    frame = frame.reset_index(drop=True)
    _check_names(frame["image"], source)
    for name in (*NUMBERS, *(name for name in OPTIONAL if name in frame)):
        frame[name] = numbers(frame[name], source, LEAST.get(name))
    for name in ("reference", "distortion", "split"):
        text = _text(frame[name])
        frame[name] = text.mask(text == "")
    check_parts(frame["split"], source)
    for name in ("mos", "mos_within"):
        if name in frame:
            outside = (frame[name] < record.low) | (frame[name] > record.high)
            _first_bad(
                outside, frame[name], source, f"the record's range is {record.low:g} to {record.high:g}"
            )
    return frame


def check_parts(split: pd.Series, source: str) -> None:
    """Make sure that the column ``split`` holds parts of a split or nothing; another word is named."""
    wrong = ~split.isin([*SPLITS, ""]) & split.notna()
    _first_bad(wrong, split, source, "use train, val, test or leave it empty")


def has_parts(split: pd.Series) -> bool:
    """Whether the column ``split`` holds every part that an official split has."""
    return set(SPLITS) <= set(split.dropna())


def lacking_column(name: str, have: Sequence[str]) -> str:
    """Say that column `name` is missing, what there is, and the likeliest misspelling."""
    near = naming.nearest(name, have)
    hint = f", did you mean to rename {near!r}?" if near else ""
    return f"column {name!r} is missing (the file has {', '.join(have) or 'none'}){hint}"


def numbers(column: pd.Series, source: str, least: float | None = None) -> pd.Series:
    """Convert text to finite float64, empty text to NaN; the first that is none, or below `least`, is named.

    Decimal commas are taken where they can be nothing else: not where every number with a comma is like
    1,234, nor where others have points.
    """
    if pd.api.types.is_numeric_dtype(column):
        converted = column.astype(float)
        empty = converted.isna()
    else:
        text = _text(column).str.strip()
        empty = text == ""
        text = _decimal_points(text, source)
        converted = pd.to_numeric(text.mask(empty), errors="coerce").astype(float)
    _first_bad(
        ~empty & ~np.isfinite(converted),
        column,
        source,
        "write a number or leave it empty, this is not a finite number",
    )
    if least is not None:
        cure = f"it cannot be less than {least:g}, correct it or leave it empty"
        _first_bad(converted < least, column, source, cure)
    return converted


def _decimal_points(text: pd.Series, source: str) -> pd.Series:
    """Write decimal commas as points; refuse them where they may separate thousands instead."""
    commas = text.str.fullmatch(_DECIMAL_COMMA)
    if not commas.any():
        return text
    mixed = commas & text.str.contains(".", regex=False).any()
    _first_bad(mixed, text, source, "other rows have a decimal point, write one here too")
    thousands = commas & text[commas].str.fullmatch(_THOUSANDS).all()
    _first_bad(thousands, text, source, "may be a decimal comma or thousands, write a decimal point")
    return text.mask(commas, text.str.replace(",", ".", regex=False))


def write_dataset(target: Path, record: Record, manifest: pd.DataFrame) -> None:
    """Check `manifest`, then write it, the record and the pictures' digests into `target`, all digits kept.

    Raises
    ------
    ValueError
        If a row is at fault or a picture is missing.
    """
    if record.within:
        manifest = manifest.rename(columns={"mos": "mos_within"}).drop(columns="mos_std", errors="ignore")
    kept = manifest.reindex(columns=[*COLUMNS, *(name for name in OPTIONAL if name in manifest)])
    kept = kept.assign(
        reference=one_name(kept["reference"], kept["image"]), distortion=_text(kept["distortion"]).str.strip()
    )
    frame = check_manifest(kept, record, f"manifest of {record.name!r}")
    if record.within and frame["reference"].isna().all():
        raise ValueError(
            f"{record.name}: its opinions hold within a reference alone, and no picture has a reference"
        )
    files.write_text(target / "manifest.csv", frame.to_csv(index=False, lineterminator="\n"))
    write_record(record, target / "record.json")
    known = None if record.linked is None else contents.JOURNALS / f"{target.name}.sha256.csv"
    contents.write(target, frame["image"].tolist(), known)


def _text(column: pd.Series) -> pd.Series:
    """Return the column as strings, "" where a value is missing."""
    return column.astype(object).where(column.notna(), "").astype(str)


def _check_names(names: pd.Series, source: str) -> None:
    names = _text(names)
    _first_bad(names == "", names, source, "every row names an image")
    _first_bad(names.duplicated(), names, source, "it stands in an earlier row too, remove one of them")
    _first_bad(names.map(_leads_out), names, source, "give a path below the data set's folder")


def _leads_out(name: str) -> bool:
    try:
        files.plain(name)
    except ValueError:
        return True
    return False


def _first_bad(bad: pd.Series, column: pd.Series, source: str, cure: str) -> None:
    """Raise for the first row where `bad`, with its line in the file and its value."""
    if bool(bad.any()):
        row = int(np.argmax(bad.to_numpy()))
        line = column.index[row] if column.index.name == "row" else row + 2
        more = f" (and {int(bad.sum()) - 1} more rows)" if bad.sum() > 1 else ""
        raise ValueError(f"{source}: row {line}, column {column.name!r}: {column.iloc[row]!r}: {cure}{more}")
