"""Files that several processes may want at once: written whole, held by one, kept inside their folder."""

from __future__ import annotations

import errno
import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

#: What a disk answers that keeps no locks: Lustre without ``-o flock``, some NFS, some containers.
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)
#: Seconds between two words about waiting.
SAID_EVERY = 60.0


class BusyError(ValueError):
    """Another process holds what is asked for; the message says for how long it was waited."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to, and rename it to `path` when that went well.

    The name is nobody else's, so that processes which write the same file at once leave the whole of one of
    them. What an exception interrupts is removed.
    """
    # A file name has at most 255 bytes; leave room for what is added.
    stem = os.fsdecode(os.fsencode(path.name)[:180])
    aside = path.with_name(f".{stem}.{uuid.uuid4().hex}.tmp")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


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
