"""Files that several processes may want at once: written whole, held by one, kept inside their folder.

Before long work `check_file` and `check_folder` say whether its result could be written.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

#: What a disk answers that keeps no locks: Lustre without ``-o flock``, some NFS, some containers.
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)
#: What a disk answers that takes no more: full, over a quota, or beyond the largest file that is allowed.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: Seconds between two words about waiting.
SAID_EVERY = 60.0


#: Folders and files that systems put beside those of people: macOS, Synology, QNAP, Windows, Linux.
SYSTEM = frozenset(
    {"__macosx", "@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "system volume information"}
    | {"lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini"}
)


class BusyError(ValueError):
    """Another process holds what is asked for; the message says for how long it was waited."""


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
    # A file name has at most 255 bytes; leave room for what is added.
    stem = os.fsdecode(os.fsencode(path.name)[:180])
    aside = path.with_name(f".{stem}.{uuid.uuid4().hex}.tmp")
    try:
        yield aside
        os.replace(aside, path)
    except Exception as error:
        if (number := _refused_by_disk(error)) in FULL:
            raise full(path, number) from error
        raise
    finally:
        aside.unlink(missing_ok=True)


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
        If `path` is a folder or no regular file, one of its parents is no folder, its folder takes no file,
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
        raise ValueError(f"{path}: {there} is no folder; name another place")
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


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole, see :func:`whole`; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as aside:
        aside.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 whole, see :func:`whole`; its folder is made."""
    write_bytes(path, text.encode())


def plain(name: str) -> PurePosixPath:
    """Return a name that came from elsewhere as a path that stays below any folder it is joined to.

    Names come from records, archives, tables, answers and servers. A backslash counts as a slash, for those
    who unpacked or wrote it may have meant one.

    Raises
    ------
    ValueError
        If it is empty or absolute, climbs with ``..``, names a drive or a home, or holds a control character.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    drive = re.match("[A-Za-z]:", name) is not None
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or drive
        or re.search(r"[\0-\x1f\x7f]", name)
    ):
        raise ValueError(f"{name!r} leads out of the folder; give a path below it")
    return path


def hidden(path: str | PurePath) -> str:
    """What a path goes through that nobody put there to be listed, as in ``__MACOSX``; "" for any other path.

    Names with a point before them (`._*` of macOS, ``.ipynb_checkpoints``, ``.DS_Store``), and those of
    `SYSTEM`. Ask of paths below the folder that is listed: that one, people have named.
    """
    for part in PurePath(path).parts:
        if part.startswith("._"):
            return "._*"
        if part.lower() in SYSTEM or (part.startswith(".") and part not in (".", "..")):
            return part
    return ""


def inside(folder: Path, name: str) -> Path:
    """Return ``folder/name`` for a file to be written, whose name came from elsewhere.

    Raises
    ------
    ValueError
        As in :func:`plain`, or if a link on the way leads out of `folder`.
    """
    path = folder / plain(name)
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{name!r} would follow a link out of {folder}; remove the link")
    return path


@contextmanager
def alone(
    lock: Path, busy: str, *, patience: float = 600.0, sign: Callable[[], object] | None = None
) -> Iterator[None]:
    """Wait until no other process holds `lock`, saying so at once and then every minute; then hold it.

    The lock ends with the process that holds it, even a killed one. Where the disk keeps no locks, a file
    ``<lock>.lock`` with host and process stands for one; what a killed process of this host left of that kind
    is removed by the next.

    Parameters
    ----------
    lock
        File to lock, made where it is missing; its content stays.
    busy
        What to say where another process holds it: ``"a.zip: another process is fetching it"``.
    patience
        Seconds to wait while nothing moves.
    sign
        Something that changes as long as the other process gets on, such as the size of a file.

    Raises
    ------
    BusyError
        If it is held longer than that.
    """
    held = _acquired(lock, busy, patience, sign)
    try:
        yield
    finally:
        held.release()


def keeps_locks(folder: Path) -> bool:
    """Whether files in `folder` can be locked (flock)."""
    probe = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        with FileLock(probe, timeout=0, fallback_to_soft=False):
            return True
    except OSError as error:
        if error.errno in NO_LOCKS:
            return False
        raise
    finally:
        probe.unlink(missing_ok=True)


def _acquired(lock: Path, busy: str, patience: float, sign: Callable[[], object] | None) -> BaseFileLock:
    try:
        return _waited(FileLock(lock, fallback_to_soft=False), busy, patience, sign)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    soft = lock.with_name(f"{lock.name}.lock")
    busy = f"{busy} (this disk keeps no locks: if there is no such process, remove {soft})"
    return _waited(SoftFileLock(soft), busy, patience, sign)


def _waited(
    held: BaseFileLock, busy: str, patience: float, sign: Callable[[], object] | None
) -> BaseFileLock:
    began = moved = time.monotonic()
    words, seen = 0, object()
    while True:
        try:
            held.acquire(timeout=0)
            return held
        except Timeout:
            now = time.monotonic()
        if sign and (found := sign()) != seen:
            seen, moved = found, now
        if now - moved > patience:
            raise BusyError(f"{busy}, and nothing moved for {patience:g} s; wait for that one, or end it")
        if now - began >= words * SAID_EVERY:
            words += 1
            print(f"{busy}; waiting for it ({now - began:.0f} s)", file=sys.stderr, flush=True)
        time.sleep(min(0.2, patience / 4))
