"""What the C library does with memory that is given back."""

from __future__ import annotations

from functools import cache

import torch


@cache
def keep_freed() -> None:
    """Free one block of 31 MB, untouched.

    The C library then takes blocks up to this size from its heap. Otherwise it may hand every temporary
    image back to the system, and half the time goes into mapping it anew.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)
