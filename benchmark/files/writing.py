"""Files written whole: aside first, then renamed, so that nobody ever reads half of one."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # who writes no table must not wait for pandas
    import pandas as pd

#: What a disk answers that takes no more: full, over a quota, or beyond the largest file that is allowed.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to, and rename it to `path` when that went well.

    The name is nobody else's, so that processes which write the same file at once leave the whole of one of
    them. What an exception interrupts is removed, and a file that was there before stays.

    Raises
    ------
    OSError
        If the disk is full, whatever the writer made of that.
    """
    aside = path.with_name(f".{_stem(path)}.{uuid.uuid4().hex}.tmp")
    try:
        yield aside
        os.replace(aside, path)
    except Exception as error:
        if (number := _refused_by_disk(error)) in FULL:
            raise full(path, number) from error
        raise
    finally:
        aside.unlink(missing_ok=True)


def clear(path: Path) -> None:
    """Remove what killed processes left of :func:`whole` beside `path`; no other may be writing it."""
    if path.parent.is_dir():
        for left in path.parent.iterdir():
            if re.fullmatch(rf"\.{re.escape(_stem(path))}\.[0-9a-f]{{32}}\.tmp", left.name):
                left.unlink(missing_ok=True)


def _stem(path: Path) -> str:
    """Name of a file as far as there is room for what is added: a file name has at most 255 bytes."""
    return os.fsdecode(os.fsencode(path.name)[:180])


def full(path: Path, number: int) -> OSError:
    """Return the error of a disk that takes no more of a file."""
    return OSError(number, f"{os.strerror(number)}, and it could not be written; make room", str(path))


def _refused_by_disk(error: BaseException | None) -> int:
    """Number of what the system answered: torch and safetensors raise errors of their own instead; else 0."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        if told := re.search(r"\(os error (\d+)\)", str(error)):
            return int(told[1])
        error = error.__cause__ or error.__context__
    return 0


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole, see :func:`whole`; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as aside:
        aside.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 whole, see :func:`whole`; its folder is made."""
    write_bytes(path, text.encode())


def write_json(value: Any, path: Path) -> None:
    """Write JSON with sorted keys, whole; its folder is made."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def write_csv(frame: pd.DataFrame, path: Path, *, digits: int = 9) -> None:
    """Write a table without its index, whole; ``digits`` are significant. Its folder is made."""
    write_text(path, frame.to_csv(index=False, float_format=f"%.{digits}g", lineterminator="\n"))


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays by name as a file of NumPy's, whole; its folder is made."""
    write_bytes(path, packed(arrays))


def packed(arrays: Mapping[str, Any], *, compressed: bool = False) -> bytes:
    """Arrays by name, as a file of NumPy's."""
    import numpy as np

    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()
