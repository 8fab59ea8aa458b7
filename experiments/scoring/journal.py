"""A journal of scores: a killed run loses the batch in hand and nothing else, and so does a full disk.

One line of JSON a batch, after a first line that says what scores and how. A line that was cut off is
dropped, so a batch is there as a whole or not at all. What is there is never written a second time. Each
picture stands under its key, name and stamp: one that was replaced is another one, and a list that has grown
finds what it had before.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmark import files
from benchmark.datasets.prepared.contents import stamp_of
from benchmark.images import is_address
from benchmark.scoring import Row

#: Seconds to wait for another process that writes the same journal; it would begin where that one ends.
PATIENCE = 3.0


class Journal:
    """Results already there, and where further ones go.

    Parameters
    ----------
    path
        The journal's file.
    about
        What scores and how; JSON values.
    resume
        Whether to go on from what the file holds; else it begins anew.

    Raises
    ------
    ValueError
        If the file is of a run with another method or other settings, or another process writes it.
    OSError
        If it cannot be written.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._held = ExitStack()
        busy = f"{path}: another process is scoring into it"
        self._held.enter_context(files.alone(path, busy, patience=PATIENCE))
        try:
            self._open(about, resume)
        except BaseException:
            self._held.close()
            raise

    def _open(self, about: Mapping[str, Any], resume: bool) -> None:
        path = self.path
        self.known: dict[str, Row] = {}
        whole = _lines(path) if resume else []
        if whole:
            _check(path, json.loads(whole[0]), about)
            self.known = {key: _row(*cells) for line in whole[1:] for key, *cells in json.loads(line)}
        # Without a buffer: what the disk did not take is not tried again when the file is closed.
        self.file = path.open("ab", buffering=0)
        self.file.truncate(sum(map(len, whole)))
        if not whole:
            self._write(about)

    def add(self, rows: Sequence[Row], keys: Sequence[str]) -> None:
        """Append a batch; `keys` are those of all pictures of the run, by their places."""
        cells = [(keys[r.index], r.size, None if math.isnan(r.score) else r.score, r.error) for r in rows]
        self._write(cells)

    def _write(self, value: Any) -> None:
        line = json.dumps(value, sort_keys=True).encode() + b"\n"
        try:
            while line:  # a disk that is nearly full takes a part, and says so at the next
                line = line[self.file.write(line) :]
        except OSError as error:
            raise OSError(
                error.errno, f"{error.strerror}; what is in it stays; make room and resume", str(self.path)
            ) from error

    def close(self) -> None:
        """Close the file and leave it there."""
        self.file.close()
        self._held.close()


def check(path: Path, about: Mapping[str, Any], *, resume: bool) -> None:
    """Make sure that a run could write its journal and go on from it; nothing is changed.

    Raises
    ------
    ValueError
        As `Journal`, or `benchmark.files.check_file`.
    """
    files.check_file(path)
    if resume and (whole := _lines(path)):
        _check(path, json.loads(whole[0]), about)


def _lines(path: Path) -> list[bytes]:
    """Whole lines of a journal, none where there is no file."""
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    return [line for line in lines if line.endswith(b"\n")]


def of_run(path: Path, about: Mapping[str, Any]) -> bool:
    """Whether a journal is there and of this run, so that the run can go on from it."""
    if not path.is_file():
        return False
    with path.open() as file:
        return file.readline() == json.dumps(about, sort_keys=True) + "\n"


def key_of(picture: Path | str) -> str:
    """Key of a picture: its name, and the size and time of its file where it is one of this machine."""
    stamp = () if is_address(picture) else stamp_of(picture)
    return "\0".join((os.fspath(picture), *stamp))


def _row(size: list[int] | None, score: float | None, error: str) -> Row:
    return Row(-1, (size[0], size[1]) if size else None, math.nan if score is None else score, error)


def _check(path: Path, found: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    asked = json.loads(json.dumps(about))
    other = [name for name in asked if found.get(name) != asked[name]]
    if other:
        raise ValueError(
            f"{path} is of a run with other {', '.join(other)}; finish that one, or leave out --resume to "
            "begin anew"
        )
