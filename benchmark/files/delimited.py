"""Tables as people save them: UTF-8 or UTF-16; commas, semicolons or tabs; every cell as it stands there.

A picture may be called "NA", "007" or "True": nothing is taken for a number, or for missing, before a caller
says so of a column.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pandas as pd

#: What may separate the columns of a table, and its name in messages.
MARKS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: First bytes of files that are no text, and what to do with them.
_OTHERS = (
    (b"PK\x03\x04", "is a workbook or an archive; save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "is a workbook of an old kind (.xls); save the table as CSV or .xlsx"),
    (b"PAR1", "is a parquet file; write it as CSV (`iqa score --out NAME.csv`)"),
    (b"[", "is JSON; write it as CSV (`iqa score --out NAME.csv`)"),
    (b"{", "is JSON; write it as CSV (`iqa score --out NAME.csv`)"),
)

Row = tuple[int, list[str]]


def read_table(path: Path) -> pd.DataFrame:
    """Read a table with a header, every cell as text.

    The columns are separated by the one of `MARKS` by which every row has as many cells as the header; where
    rows break off, by the one that parts the header most. A first line ``sep=;``, as spreadsheets write it,
    is heeded.

    Returns
    -------
    DataFrame
        Strings, "" where a cell is empty; indexed by the line in the file (the last one, of a row over
        several), under the name ``row``. Empty lines are left out.

    Raises
    ------
    ValueError
        If the file is missing, is not text, or no mark makes a table of it; file and row are named.
    """
    text = read_text(path)
    told = re.match(r'"?sep=(.)"?\n', text)
    found, faults = [], []
    for mark in [told[1]] if told else _likely(text, path):
        try:
            found.append((mark, *_rows(text, mark, bool(told))))
        except ValueError as error:
            faults.append(str(error))
    if not found:
        raise ValueError(f"{path}: cannot be read as a table: {faults[0]}")
    even = [one for one in found if all(len(cells) == len(one[1][1]) for _, cells in one[2])]
    mark, header, rows = (even or found)[0]
    if len(even) > 1 and len(header[1]) > 1:
        kinds = " or by ".join(MARKS[mark] for mark, _, _ in even)
        raise ValueError(f"{path}: its columns may be separated by {kinds}; keep one of them")
    return _frame(path, header, rows)


def spelt(table: pd.DataFrame, known: Collection[str], where: str, but: Collection[str] = ()) -> pd.DataFrame:
    """Call columns as they are known: case does not tell them apart, nor blanks or hyphens for underscores.

    A column that is known and spelt otherwise would be passed over, and with ``Reference`` which pictures
    show one thing.

    Parameters
    ----------
    table
        Columns as a user has named them.
    known
        Names in small letters, with underscores.
    where
        What to call the table in a message.
    but
        Columns that are left as they are called.

    Raises
    ------
    ValueError
        If two columns have the same name, spelt so.
    """
    called: dict[str, str] = {}
    for name in map(str, table.columns):
        plain = re.sub(r"[\s-]+", "_", name.strip().lower())
        if plain not in known or name in but:
            continue
        if plain in called:
            raise ValueError(
                f"{where}: the columns {called[plain]!r} and {name!r} are both {plain!r}; rename one of them"
            )
        called[plain] = name
    return table.rename(columns={name: plain for plain, name in called.items()})


def read_text(path: Path) -> str:
    r"""Text of a file in UTF-8, or in UTF-16 with its mark or without; lines end in ``\n``.

    Raises
    ------
    ValueError
        If the file is missing or is neither.
    """
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    content = path.read_bytes()
    for start, what in _OTHERS:
        if content.startswith(start):
            raise ValueError(f"{path}: {what}")
    encoding = next((name for start, name in _ENCODINGS if content.startswith(start)), "utf-8")
    if encoding == "utf-8" and b"\0" in content[:2]:  # a header's first letter is plain, so half of it is 0
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path}: line {line} is not {encoding.upper().removesuffix('-SIG')} ({error.reason}); save the "
            "file in UTF-8"
        ) from error
    if "\0" in text:
        raise ValueError(f"{path}: is not text, it holds zero bytes; save the table as CSV in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _likely(text: str, path: Path) -> list[str]:
    """Marks that part the header, the one of most columns first; all where none does."""
    header = next((line for line in text.split("\n") if line.strip()), None)
    if header is None:
        raise ValueError(f"{path}: is no CSV table, it is empty")
    parts = {mark: len(next(csv.reader([header], delimiter=mark))) for mark in MARKS}
    parting = [mark for mark in sorted(MARKS, key=lambda mark: -parts[mark]) if parts[mark] > 1]
    return parting or list(MARKS)


def _rows(text: str, mark: str, told: bool) -> tuple[Row, list[Row]]:
    """Header and other rows, none longer than it; a ValueError names the first that is."""
    lines = _lines(text, mark)
    if told:
        next(lines)
    header = next(lines, (1, [""]))
    count, rows = len(header[1]), []
    for line, cells in lines:
        if len(cells) > count:  # even by empty ones: a decimal comma before an empty cell looks so
            comma = "; write decimal points, or quote such numbers" if mark == "," else ""
            raise ValueError(
                f"row {line} has {len(cells)} cells where the header has {count}, separated by "
                f"{MARKS.get(mark, repr(mark))}{comma}"
            )
        rows.append((line, cells))
    return header, rows


def _lines(text: str, mark: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise ValueError(f"row {reader.line_num}: {error}; look for a quotation mark too many") from error


def _frame(path: Path, header: Row, rows: Sequence[Row]) -> pd.DataFrame:
    names = [name.strip() or f"column {place}" for place, name in enumerate(header[1], 1)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{path}: has the column {twice[0]!r} twice; rename one of them")
    index = pd.Index([line for line, _ in rows], name="row", dtype="int64")
    body = [[*cells, *[""] * (len(names) - len(cells))] for _, cells in rows]
    return pd.DataFrame(body, columns=names, index=index, dtype=str)
