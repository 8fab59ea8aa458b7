"""Colours that a BMP states in its header (BITMAPV4HEADER and BITMAPV5HEADER)."""

from __future__ import annotations

import struct
from typing import BinaryIO

from benchmark.images.picture import Refused
from benchmark.images.profiles import made_of

_V4, _V5 = 108, 124
_CALIBRATED, _EMBEDDED, _LINKED = 0, 0x4D424544, 0x4C494E4B


def profile(file: BinaryIO) -> bytes | None:
    """Return an embedded profile, or one made of end points and gammas; None: sRGB or nothing."""
    file.seek(14)
    header = file.read(_V5)
    (size,) = struct.unpack_from("<I", header)
    if size < _V4:
        return None
    (kind,) = struct.unpack_from("<I", header, 56)
    if kind == _LINKED:
        raise Refused("its colour profile is in another file; convert it to sRGB")
    if kind == _EMBEDDED and size >= _V5:
        at, length = struct.unpack_from("<II", header, 112)
        file.seek(14 + at)
        return file.read(length)
    return _calibrated(header) if kind == _CALIBRATED else None


def _calibrated(header: bytes) -> bytes | None:
    """End points are XYZ as fixed point 2.30, gammas 16.16; most writers leave them all zero."""
    points = struct.unpack_from("<9I", header, 60)
    gammas = struct.unpack_from("<3I", header, 96)
    if not all(gammas) or not all(sum(points[k : k + 3]) for k in (0, 3, 6)):
        return None
    if len(set(gammas)) > 1:
        raise Refused("calibrated by one gamma a channel; convert it to sRGB")
    xy = [points[k + j] / sum(points[k : k + 3]) for k in (0, 3, 6) for j in (0, 1)]
    whole = [sum(points[j::3]) for j in range(3)]
    return made_of(tuple(xy), (whole[0] / sum(whole), whole[1] / sum(whole)), gammas[0] / 65536)
