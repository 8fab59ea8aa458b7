"""A journal of scores: a killed run loses the batch in hand and nothing else.

One line of JSON a batch, after a first line that says what scores and how. A line that was cut off is
dropped, so a batch is there as a whole or not at all. Each picture stands under its key, name and stamp: one
that was replaced is another one, and a list that has grown finds what it had before.
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
from benchmark.datasets.contents import stamp_of
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
        head = json.dumps(about, sort_keys=True)
        whole: list[str] = []
        if resume and path.is_file():
            whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        if whole:
            _check(path, json.loads(whole[0]), json.loads(head))
            self.known = {key: _row(*cells) for line in whole[1:] for key, *cells in json.loads(line)}
        else:
            whole = [head + "\n"]
        self.file = path.open("w")
        self.file.writelines(whole)
        self.file.flush()

    def add(self, rows: Sequence[Row], keys: Sequence[str]) -> None:
        """Append a batch; `keys` are those of all pictures of the run, by their places."""
        cells = [(keys[r.index], r.size, None if math.isnan(r.score) else r.score, r.error) for r in rows]
        self.file.write(json.dumps(cells) + "\n")
        self.file.flush()

    def close(self) -> None:
        """Close the file and leave it there."""
        self.file.close()
        self._held.close()


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


def _check(path: Path, found: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    other = [name for name in asked if found.get(name) != asked[name]]
    if other:
        raise ValueError(
            f"{path} is of a run with other {', '.join(other)}; finish that one, or leave out --resume to "
            "begin anew"
        )
