"""Files that one process at a time may hold, on any kind of disk."""

from __future__ import annotations

import errno
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

#: What a disk answers that keeps no locks: Lustre without ``-o flock``, some NFS, some containers.
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)
#: Seconds between two words about waiting.
SAID_EVERY = 60.0


class BusyError(ValueError):
    """Another process holds what is asked for; the message says for how long it was waited."""


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
