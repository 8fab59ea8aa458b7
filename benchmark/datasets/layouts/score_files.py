"""Tables of names and scores as text, each row with its number in the file, faults named."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.datasets._files import files_of
from benchmark.datasets.layouts.mat_files import vectors
from benchmark.datasets.prepared.manifest import lacking_column
from benchmark.files.delimited import read_text

if TYPE_CHECKING:
    from openpyxl import Workbook


def read_table(root: Path, layout: Mapping[str, Any]) -> tuple[pd.DataFrame, Path]:
    """Read the first of the layout's score files that is there, every value as text.

    Parameters
    ----------
    root
        Folder of the release.
    layout
        ``scores`` (a name, a pattern, or several) or ``file`` (a path of its own); where needed ``columns``
        (names, for files without a header; which to take, of a MATLAB file or of records in JSON),
        ``separator`` ("," or "whitespace"), ``sheet`` (default: the first, and of ``file`` the only one that
        is not empty), ``header`` (a column by which the header row is known) and ``rename`` (column -> value
        -> value).

    Returns
    -------
    DataFrame, Path
        The table, indexed by the row's number in its file, and the file (the first, of a pattern).

    Raises
    ------
    FileNotFoundError
        If none is there.
    ValueError
        If a file cannot be read as such a table.
    """
    if own := layout.get("file"):
        path = Path(own)
        if not path.is_file():
            raise ValueError(f"{path}: is missing; it holds the scores, add the data set again")
        return _read(path, layout), path
    names = [layout["scores"]] if isinstance(layout["scores"], str) else layout["scores"]
    for name in names:
        found = files_of(root, re.sub(r"([\[\]])", r"[\1]", name))
        if found:
            tables = [_read(path, layout) for path in found]
            table = pd.concat(tables) if len(tables) > 1 else tables[0]
            for column, values in layout.get("rename", {}).items():
                told = {str(old): str(new) for old, new in values.items()}  # YAML reads 1 as a number
                table[column] = pick(table, column, str(found[0])).replace(told)
            if table.empty:
                raise ValueError(f"{found[0]}: lists no picture; get the release again")
            return table, found[0]
    raise FileNotFoundError(f"{root}: has none of {', '.join(names)}")


def pick(table: pd.DataFrame, column: str, where: str) -> pd.Series:
    """Return a column, or raise a ValueError that names the file, what it has and the likeliest name."""
    if column not in table:
        raise ValueError(f"{where}: {lacking_column(column, [str(name) for name in table.columns])}")
    return table[column]


def _read(path: Path, layout: Mapping[str, Any]) -> pd.DataFrame:
    readers = {".xlsx": _read_sheet, ".mat": _read_vectors, ".json": _read_records}
    return readers.get(path.suffix.lower(), _read_text)(path, layout)


def _read_text(path: Path, layout: Mapping[str, Any]) -> pd.DataFrame:
    columns = layout.get("columns")
    separator = r"\s+" if layout.get("separator") == "whitespace" else layout.get("separator", ",")
    text = read_text(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)  # of what `_check_width` looks at
            table = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                names=columns,
                header=None if columns else 0,
                dtype=str,
                keep_default_na=False,
                na_values=[],
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path}: cannot be read as a table ({error}); get the release again") from error
    _check_width(path, text, separator, len(table.columns))
    table = table.fillna("")
    table.columns = [str(name).strip() for name in table.columns]
    table.index = pd.RangeIndex(1 if columns else 2, len(table) + (1 if columns else 2), name="row")
    return table


def _check_width(path: Path, text: str, separator: str, width: int) -> None:
    """Refuse cells beyond the header, which pandas drops: of "a.png,3,5" the score 3 where 3,5 was meant."""
    lines = io.StringIO(text)
    rows = map(str.split, lines) if separator == r"\s+" else csv.reader(lines, delimiter=separator)
    for number, cells in enumerate(rows, 1):
        if any(cell.strip() for cell in cells[width:]):
            raise ValueError(
                f"{path}: row {number} has {len(cells)} cells where {width} have a name; get the release "
                "again, or correct the record's `separator` or `columns`"
            )


def _read_sheet(path: Path, layout: Mapping[str, Any]) -> pd.DataFrame:
    """Read a sheet of a workbook; whole numbers lose the ".0" that spreadsheets keep."""
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as a workbook ({error}); get the file again") from error
    try:
        sheet = layout.get("sheet")
        if sheet is not None and sheet not in book.sheetnames:
            raise ValueError(f"{path}: has no sheet {sheet!r}, only {', '.join(book.sheetnames)}")
        chosen = book[sheet] if sheet else _only(path, book) if layout.get("file") else book.worksheets[0]
        rows = [tuple(_text(cell) for cell in row) for row in chosen.values]
    finally:
        book.close()
    key = layout.get("header")
    start = next((i for i, row in enumerate(rows) if key is None or key in row), None)
    if start is None and key is None:
        raise ValueError(f"{path}: has no sheet with a table; save a workbook whose sheet is the table")
    if start is None:
        raise ValueError(f"{path}: no row holds the header {key!r}; get the file again")
    rest = enumerate(rows[start + 1 :], start + 2)
    body = [(number, row) for number, row in rest if any(cell.strip() for cell in row)]
    header = [name.strip() for name in rows[start]]
    if layout.get("file"):  # a column without a name is one all the same, as in a CSV table
        filled = {i for _, row in body for i, cell in enumerate(row) if cell.strip()}
        header += [""] * (max(filled, default=-1) + 1 - len(header))
        header = [name or f"column {i + 1}" * (i in filled) for i, name in enumerate(header)]
    used = [i for i, name in enumerate(header) if name]
    return pd.DataFrame(
        [[row[i] if i < len(row) else "" for i in used] for _, row in body],
        columns=[header[i] for i in used],
        index=pd.Index([number for number, _ in body], name="row"),
        dtype=str,
    )


def _only(path: Path, book: Workbook) -> Any:
    """Return the one sheet of a workbook that is not empty: of several nobody has said which is meant."""
    filled = [
        sheet for sheet in book.worksheets if any(_text(cell).strip() for row in sheet.values for cell in row)
    ]
    if len(filled) > 1:
        names = ", ".join(repr(sheet.title) for sheet in filled)
        raise ValueError(
            f"{path}: has several sheets, {names}; save the one that is the table as a workbook of its own, "
            "or as CSV"
        )
    return (filled or book.worksheets)[0]


def _read_vectors(path: Path, layout: Mapping[str, Any]) -> pd.DataFrame:
    """Take vectors of one length out of a MATLAB file, side by side."""
    found = vectors(path, *layout["columns"])
    if len({len(values) for values in found.values()}) > 1:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in found.items())
        raise ValueError(f"{path}: has vectors of unlike length ({lengths}); get the file again")
    table = pd.DataFrame({name: [str(value) for value in values] for name, values in found.items()})
    return table.set_axis(pd.RangeIndex(1, len(table) + 1, name="row"))


def _read_records(path: Path, layout: Mapping[str, Any]) -> pd.DataFrame:
    """Read a list of records in JSON, the columns that the layout names; records alike in these are one."""
    try:
        records = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=str, parse_int=str)
        table = pd.DataFrame([[str(one[name]) for name in layout["columns"]] for one in records])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: is no list of records with {', '.join(layout['columns'])} ({error}); get it again"
        ) from error
    table = table.set_axis(layout["columns"], axis=1)
    return table.set_axis(pd.RangeIndex(1, len(table) + 1, name="row")).drop_duplicates()


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
