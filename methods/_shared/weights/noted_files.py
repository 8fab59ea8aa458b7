"""Which files and folders a method was made of, noted where they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_NOTED: ContextVar[dict[Path, None] | None] = ContextVar("_NOTED", default=None)


def used(path: Path) -> Path:
    """Note a file of weights or parameters that is about to be read, or a folder of pictures; returns it."""
    noted = _NOTED.get()
    if noted is not None:
        noted[Path(path)] = None
    return path


@contextmanager
def noted() -> Iterator[dict[Path, None]]:
    """Gather, as keys, the files and folders that are noted meanwhile, in their order."""
    files: dict[Path, None] = {}
    token = _NOTED.set(files)
    try:
        yield files
    finally:
        _NOTED.reset(token)
