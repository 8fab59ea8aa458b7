"""A file brought once and checked ever after, by one process at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from benchmark import files
from benchmark.files.fetching.addresses import allowed
from benchmark.files.fetching.download import Download, beside
from benchmark.files.fetching.limits import PATIENCE, BusyFetchError, FetchError, Patience


def fetch(
    urls: Sequence[str],
    path: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    patience: Patience = PATIENCE,
) -> Path:
    """Bring a file to `path`, or check the one that is there.

    The file is written to ``<path>.part`` and renamed when it is whole. Its digest is `sha256` where given;
    otherwise it is recorded at first use in ``<path>.sha256`` and holds ever after (where the folder can be
    written). Of several processes that ask for it one fetches, the others wait and say so.

    Parameters
    ----------
    urls
        Addresses of the same file, asked in turn.
    path
        Where it shall lie; its folder is made.
    sha256
        Hexadecimal digest that the file must have.
    size
        Bytes that it must have.
    patience
        Bounds on time and attempts.

    Returns
    -------
    Path
        `path`, whole and checked.

    Raises
    ------
    FetchError
        If no address gives the file, the file differs from its digest or size, the disk is too small, the
        request is refused by ``IQA_OFFLINE``, or another process is fetching it and gets nowhere.
    """
    path = Path(path)
    record = path.with_name(path.name + ".sha256")
    expected = (sha256 or _recorded(record)).lower()
    if path.is_file():
        _check_present(path, expected, size, record)
        return path
    asked = allowed(path, urls)
    if path.exists():
        raise FetchError(f"{path}: is not a file; move it away")
    with _alone(path, patience) as part:
        if path.is_file():  # another process has brought it meanwhile
            _check_present(path, (sha256 or _recorded(record)).lower(), size, record)
            return path
        digest = Download(asked, path, part, expected, size, patience).run()
        os.fsync(part.fileno())
        files.write_text(record, f"{digest}  {path.name}\n")
        os.replace(beside(path, ".part"), path)
        beside(path, ".part.json").unlink(missing_ok=True)
    return path


def _recorded(record: Path) -> str:
    try:
        content = record.read_text()
    except FileNotFoundError:  # asked for, not looked for: another process may delete it in between
        return ""
    digest = (content.split() or [""])[0]
    if not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise FetchError(f"{record}: holds no sha256 digest; delete it to record the digest anew")
    return digest


def _check_present(path: Path, expected: str, size: int | None, record: Path) -> None:
    """Check a whole file, and record its digest where none was known."""
    if size is not None and path.stat().st_size != size:
        raise FetchError(f"{path}: has {path.stat().st_size} bytes, not {size}; delete it and fetch it again")
    digest = files.sha256_of(path)
    if expected and digest != expected:
        raise FetchError(
            f"{path}: its sha256 is {digest}, expected {expected}; delete it and fetch it again"
            + (f", or delete {record.name} if the file was renewed at its source" if record.is_file() else "")
        )
    if not record.is_file():
        with suppress(OSError):  # a folder that is shared and read-only: checked here, recorded nowhere
            files.write_text(record, f"{digest}  {path.name}\n")


@contextmanager
def _alone(path: Path, patience: Patience) -> Iterator[IO[bytes]]:
    """Open ``<path>.part`` for this process alone; the lock goes with the process, even a killed one."""
    half = beside(path, ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            files.alone(
                half,
                f"{path}: another process is fetching it",
                patience=patience.others,
                sign=lambda: half.stat().st_size if half.exists() else -1,
            ),
            half.open("ab") as part,
        ):
            try:
                yield part
            finally:
                if not os.fstat(part.fileno()).st_size:
                    half.unlink(missing_ok=True)
                    beside(path, ".part.json").unlink(missing_ok=True)
    except files.BusyError as error:
        raise BusyFetchError(str(error)) from error
    except OSError as error:
        raise FetchError(
            f"{path}: cannot be written ({error.strerror or error}); make room, get the right to write "
            "there, or put the file there yourself"
        ) from error
