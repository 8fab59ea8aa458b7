"""Pictures at addresses: of http and https, or of a store that fsspec knows, within a time and a size."""

from __future__ import annotations

import io
import os
import re
import threading
from typing import BinaryIO

from benchmark.files import web
from benchmark.images.picture import MAX_PIXELS, ImageError

#: Seconds in which a picture at an address must have come as a whole; ``IQA_TIMEOUT`` sets others.
SECONDS = 60.0
#: Bytes that it may have: `MAX_PIXELS` in 48 bits.
BYTES = 6 * MAX_PIXELS


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether a path is an address such as ``s3://bucket/photo.jpg``, and no file of this machine."""
    return re.match("[A-Za-z][A-Za-z0-9+.:-]*://", os.fspath(path)) is not None


def fetched(address: str) -> BinaryIO:
    """Read a picture from its store; whatever goes wrong there is the picture's error."""
    seconds = patience()
    try:
        if address.startswith(("http://", "https://")):
            return io.BytesIO(web.read(address, seconds=seconds, largest=BYTES))
        return io.BytesIO(web.within(seconds, lambda: _stored(address)))
    except Exception as error:  # every store raises errors of its own
        raise ImageError(f"{address}: cannot be fetched ({type(error).__name__}: {error})") from error


def patience() -> float:
    """Seconds that a store may take: ``IQA_TIMEOUT``, else `SECONDS`."""
    told = os.environ.get("IQA_TIMEOUT", "")
    try:
        seconds = float(told or SECONDS)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise ValueError(f"IQA_TIMEOUT={told!r}: give a number of seconds above 0")
    return seconds


def _stored(address: str) -> bytes:
    import fsspec

    with fsspec.open(address, "rb") as file:
        content: bytes = file.read(BYTES + 1)
    if len(content) > BYTES:
        raise ValueError(f"more than {BYTES / 1e6:g} MB")
    return content
