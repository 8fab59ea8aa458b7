"""What pictures a command line names: files, folders, globs, lists."""

from __future__ import annotations

import csv
import glob
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from benchmark.images import EXTENSIONS

#: Columns of a list of pictures that may hold their paths, the first one found.
COLUMNS = ("image", "path", "file", "filename", "name")


def pictures(arguments: Sequence[str], stdin: TextIO | None = None) -> list[Path]:
    """List the pictures that arguments name, each once, in the order of the arguments.

    Parameters
    ----------
    arguments
        Files as they are; folders, searched for pictures all the way down, in the order of their names; glob
        patterns; CSV files with a column of `COLUMNS`, whose paths start from the folder of the file; or
        ``-`` for one path a line of standard input.
    stdin
        Standard input.

    Raises
    ------
    ValueError
        If an argument names nothing that exists, or a folder or list without a picture.
    """
    found = [path for argument in arguments for path in _named(argument, stdin)]
    return list(dict.fromkeys(found))


def _named(argument: str, stdin: TextIO | None) -> Iterable[Path]:
    path = Path(argument)
    if argument == "-":
        lines = [line.rstrip("\n") for line in stdin or ()]
        return _some([Path(line) for line in lines if line], "standard input names no picture")
    if path.is_dir():
        # A broken link stays in the list: that it cannot be read is for its row to say.
        inside = [p for p in path.rglob("*") if p.suffix.lower() in EXTENSIONS and not p.is_dir()]
        return _some(sorted(inside), f"{path} holds no picture ({', '.join(sorted(EXTENSIONS))})")
    if path.suffix.lower() == ".csv" and path.is_file():
        return _listed(path)
    if path.exists() or path.is_symlink():
        return [path]
    matches = sorted(Path(match) for match in glob.glob(argument, recursive=True))
    return _some(matches, f"{argument} does not exist")


def _listed(path: Path) -> list[Path]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        column = next((name for name in COLUMNS if name in (reader.fieldnames or ())), None)
        if column is None:
            raise ValueError(f"{path}: needs a column among {', '.join(COLUMNS)}, has {reader.fieldnames}")
        return _some([path.parent / row[column] for row in reader], f"{path} lists no picture")


def _some(found: list[Path], otherwise: str) -> list[Path]:
    if not found:
        raise ValueError(otherwise)
    return found
