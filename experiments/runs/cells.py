"""Results kept one by one: a cell is a file, made anew only when what it was made from has changed.

A stage of DVC makes the cells of one method in one process, and a table that joins all methods keeps what it
has worked out of each. ``cells.json`` in their folder says what every file was made from, and its digest.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark import files
from experiments.runs import stage
from experiments.runs.closure import closure

#: What cells were made from, beside them.
INDEX = "cells.json"
Tables = dict[str, pd.DataFrame]


class Cells:
    """The cells of a folder.

    Parameters
    ----------
    folder
        Where they lie. DVC must not empty it before the stage begins (``persist: true``).
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.good = folder, set[str]()
        index = folder / INDEX
        self.known: dict[str, dict[str, Any]] = json.loads(index.read_text()) if index.is_file() else {}

    def kept(self, name: str, about: Mapping[str, Any]) -> bool:
        """Whether the file ``name`` was made from ``about``, and is as it was left."""
        noted, path = self.known.get(name), self.folder / name
        if noted is None or noted["from"] != _plain(about) or not path.is_file():
            return False
        if noted["sha256"] == files.sha256_of(path):
            self.good.add(name)
        return name in self.good

    def rests_on(self, name: str, about: Mapping[str, Any]) -> bool:
        """Whether the file ``name`` is as it was left, and ``about`` is part of what it was made from."""
        noted, path = self.known.get(name), self.folder / name
        if noted is None or not path.is_file() or noted["sha256"] != files.sha256_of(path):
            return False
        return all(noted["from"].get(key) == value for key, value in _plain(about).items())

    def note(self, name: str, about: Mapping[str, Any]) -> None:
        """Take down what the file ``name``, which is there, was made from."""
        self.known[name] = {"from": _plain(about), "sha256": files.sha256_of(self.folder / name)}
        self.good.add(name)
        files.write_json(self.known, self.folder / INDEX)

    def file(self, name: str, about: Mapping[str, Any], make: Callable[[], bytes]) -> None:
        """Leave a file that holds what ``make`` gives, unless it is kept."""
        if not self.kept(name, about):
            self.put(name, about, make())

    def put(self, name: str, about: Mapping[str, Any], content: bytes) -> None:
        """Leave a file with this content."""
        files.write_bytes(self.folder / name, content)
        self.note(name, about)

    def tables(self, name: str, about: Mapping[str, Any], make: Callable[[], Tables]) -> Tables:
        """Return the tables of the cell ``name``, from its file; ``make`` gives them where it is not kept."""
        file = f"{name}.json"
        self.file(file, about, lambda: _dumped(make()))
        return self.read(name)

    def has(self, name: str) -> bool:
        """Whether there are tables of this name."""
        return f"{name}.json" in self.known and (self.folder / f"{name}.json").is_file()

    def read(self, name: str) -> Tables:
        """Return the tables of the cell ``name`` as they were left, every number to the last bit."""
        tables = json.loads((self.folder / f"{name}.json").read_text())
        return {table: pd.DataFrame(columns) for table, columns in tables.items()}

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of a file of NumPy's."""
        with np.load(self.folder / name) as file:
            return {key: file[key] for key in file.files}

    def close(self, also: Collection[str] = ()) -> None:
        """Remove what this run has neither made nor found as it should be, but for the files of ``also``.

        So nothing of a former run stands beside what is new: not where a study has failed, nor what was
        taken off a list.
        """
        kept = {INDEX, *self.good, *also}
        for path in [path for path in self.folder.rglob("*") if path.is_file()]:
            name = path.relative_to(self.folder).as_posix()
            if name not in kept and path.suffix != ".part":  # what is half done goes on later
                path.unlink()
                self.known.pop(name, None)
        self.folder.mkdir(parents=True, exist_ok=True)
        files.write_json(self.known, self.folder / INDEX)


@functools.cache
def code(*modules: str) -> str:
    """Hash of the code that cells made by these modules rest on."""
    return stage.sha256(closure(*modules))


def digest(rows: Iterable[object]) -> str:
    """Hash of anything that has a text, in its order."""
    return hashlib.sha256("\n".join(map(str, rows)).encode()).hexdigest()


def _dumped(tables: Tables) -> bytes:
    columns = {
        name: {
            str(column): [None if pd.isna(value) else value for value in frame[column].tolist()]
            if frame[column].dtype == object or str(frame[column].dtype) in ("string", "Float64", "Int64")
            else frame[column].tolist()
            for column in frame
        }
        for name, frame in tables.items()
    }
    return (json.dumps(columns) + "\n").encode()


def _plain(about: Mapping[str, Any]) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(about, sort_keys=True))
