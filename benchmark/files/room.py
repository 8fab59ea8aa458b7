"""Whether the result of long work could be written, asked before it."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from pathlib import Path


def check_file(path: Path, needs: int = 0) -> None:
    """Make sure that a file can be written whole to `path`, before the work that it is to hold.

    A file is made and removed in its folder, or in the deepest one that exists of those it will lie in.

    Parameters
    ----------
    path
        The file; it may exist.
    needs
        Bytes that may be written there at most.

    Raises
    ------
    ValueError
        If `path` is a folder or no regular file, a parent is not a folder, its folder takes no file,
        it is another user's in a folder where only owners may replace files, or the disk has less room.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = stat.S_IFREG
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror}); give another name") from error
    if stat.S_ISDIR(mode):
        raise ValueError(f"{path}: is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path}: is a device or pipe, no file that could be replaced; give another name")
    folder = _takes_files(path.parent, path, needs)
    owners = {0, folder.stat().st_uid, path.lstat().st_uid if os.path.lexists(path) else os.geteuid()}
    if folder.stat().st_mode & stat.S_ISVTX and os.geteuid() not in owners:
        raise ValueError(
            f"{path}: is another user's, and {folder} lets only owners replace files; name another place"
        )


def check_apart(path: Path, *inputs: str | os.PathLike[str]) -> None:
    """Make sure that a file to be written takes the place of none that it is made from.

    Raises
    ------
    ValueError
        If it would.
    """
    for given in inputs:
        if path.exists() and os.path.exists(given) and path.samefile(given):
            raise ValueError(f"{path}: is read for the result, which would take its place; name another file")


def check_folder(path: Path, needs: int = 0) -> None:
    """Make sure that files can be written into the folder `path`, which is made where it is missing.

    Raises
    ------
    ValueError
        As in :func:`check_file`, or if `path` is a file.
    """
    _takes_files(path, path, needs)


def _takes_files(folder: Path, path: Path, needs: int) -> Path:
    """Return the deepest folder down to `folder` that exists, having made and removed a file there."""
    there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not there.is_dir():
        raise ValueError(f"{path}: {there} is not a folder; name another place")
    probe = there / f".{uuid.uuid4().hex}.tmp"
    try:
        try:
            probe.write_bytes(b"\0")  # a full disk takes a file without content
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(
            f"{path}: cannot be written, for {there} takes no file ({error.strerror}); change that, or name "
            "another place"
        ) from error
    if needs > (free := shutil.disk_usage(there).free):
        raise ValueError(
            f"{path}: may take {needs / 1e6:.4g} MB, and {free / 1e6:.4g} MB are free; make room, or name "
            "another place"
        )
    return there
