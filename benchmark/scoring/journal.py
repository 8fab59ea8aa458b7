"""A journal of what takes long: a killed run, or a full disk, loses the batch in hand and nothing else.

One line of JSON a batch, after a first line that says what the run is. A line that was cut off is dropped, so
a batch is there as a whole or not at all. What is there is never written a second time.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

from benchmark import files
from benchmark.scoring import Result

#: Seconds to wait for another process that writes the same journal; it would begin where that one ends.
PATIENCE = 3.0


class Journal:
    """Batches already there, and where further ones go; the file stays when it is closed.

    Parameters
    ----------
    path
        The journal's file.
    about
        What the run is; JSON values.
    resume
        Whether to go on from what the file holds; else it begins anew. Without it, it goes on from a file of
        this run and from no other.

    Attributes
    ----------
    lines
        Batches that the file held.

    Raises
    ------
    ValueError
        If `resume` is asked for and the file is of a run with another method or other settings, or another
        process writes it.
    OSError
        If it cannot be written.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], *, resume: bool | None = None) -> None:
        self.path, self._held = path, ExitStack()
        path.parent.mkdir(parents=True, exist_ok=True)
        busy = f"{path}: another process is scoring into it"
        self._held.enter_context(files.alone(path, busy, patience=PATIENCE))
        try:
            self._open(about, resume)
        except BaseException:
            self._held.close()
            raise

    def _open(self, about: Mapping[str, Any], resume: bool | None) -> None:
        whole = [] if resume is False else _lines(self.path)
        if resume:
            _check(self.path, whole, about)
        elif whole[:1] != [_line(about)]:
            whole = []
        self.lines = [json.loads(line) for line in whole[1:]]
        # Without a buffer: what the disk did not take is not tried again when the file is closed.
        self.file = self.path.open("ab", buffering=0)
        self.file.truncate(sum(map(len, whole)))
        if not whole:
            self.add(about)

    def add(self, batch: Any) -> None:
        """Append a batch of JSON values."""
        line = _line(batch)
        try:
            while line:  # a disk that is nearly full takes a part, and says so at the next
                line = line[self.file.write(line) :]
        except OSError as error:
            raise OSError(
                error.errno, f"{error.strerror}; what is in it stays; make room and resume", str(self.path)
            ) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
    if resume:
        _check(path, _lines(path), about)


def of_features(book: Journal) -> dict[str, Any]:
    """Return what has `benchmark.scoring.features_files` go on from a journal, and add to it what it does."""
    return {
        "known": [_read(*line) for lines in book.lines for line in lines],
        "keep": lambda part: book.add([_laid_out(result) for result in part]),
    }


def _laid_out(result: Result) -> list[Any]:
    """Lay out a picture's features as JSON, their bits in base64."""
    if result.value is None:
        return [result.index, result.size, result.error, None, ""]
    values = result.value.numpy().astype("<f4", copy=False)
    return [result.index, result.size, "", values.shape, b64encode(values.tobytes()).decode()]


def _read(index: int, size: list[int] | None, error: str, shape: list[int] | None, bits: str) -> Result:
    """Read what `_laid_out` laid out."""
    value = None
    if shape is not None:
        value = torch.from_numpy(np.frombuffer(b64decode(bits), "<f4").reshape(shape).astype(np.float32))
    return Result(index, (size[0], size[1]) if size else None, value, error)


def _lines(path: Path) -> list[bytes]:
    """Whole lines of a journal, none where there is no file."""
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    return [line for line in lines if line.endswith(b"\n")]


def _check(path: Path, whole: list[bytes], about: Mapping[str, Any]) -> None:
    known, asked = json.loads(whole[0] if whole else _line(about)), json.loads(_line(about))
    if other := [name for name in asked if known.get(name) != asked[name]]:
        raise ValueError(
            f"{path} is of a run with other {', '.join(other)}; finish that one, or leave out --resume to "
            "begin anew"
        )


def _line(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode() + b"\n"
