"""What a process has of the machine: cores, memory shared with others, and what becomes of freed memory."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

import torch

#: Where Linux keeps the memory that processes share; a container may have little.
SHARED = Path("/dev/shm")


def cores() -> int:
    """Return the number of cores that this process may run on, where the system says; else of all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shared_memory() -> int | None:
    """Return the free bytes of the memory that processes share; None where the system sets no limit."""
    return shutil.disk_usage(SHARED).free if SHARED.is_dir() else None


@cache
def keep_freed() -> None:
    """Free one block of 31 MB, untouched.

    The C library then takes blocks up to this size from its heap. Otherwise it may hand every temporary
    image back to the system, and half the time goes into mapping it anew.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)
