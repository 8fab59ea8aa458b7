"""Boxes of ISO base media files (AVIF, HEIC) and of JPEG 2000, as far as they state colours."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from benchmark.images import codepoints


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Boxes of a level: name and content; stops at what is no box."""
    at = 0
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1 and at + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        length = length or len(data) - at
        if length < head:
            return
        yield name, data[at + head : at + length]
        at += length


def stated_colours(file: BinaryIO) -> bytes | None:
    """Return the profile of a primary picture, as ``nclx`` states it; None: sRGB or nothing stated.

    Raises
    ------
    Refused
        For high dynamic range.
    """
    file.seek(0)
    meta = dict(boxes(file.read())).get(b"meta", b"")
    inside = dict(boxes(meta[4:]))
    properties = dict(boxes(inside.get(b"iprp", b"")))
    held = list(boxes(properties.get(b"ipco", b"")))
    for index in _of_primary(inside.get(b"pitm", b""), properties.get(b"ipma", b"")):
        name, content = held[index - 1] if 0 < index <= len(held) else (b"", b"")
        if name == b"colr" and content[:4] == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", content, 4)
            return codepoints.profile_of(primaries, transfer)
    return None


def _of_primary(pitm: bytes, ipma: bytes) -> list[int]:
    """Numbers of the properties of the primary picture (ISO/IEC 23008-12, 9.3), from 1."""
    if not pitm or not ipma:
        return []
    primary = struct.unpack_from(">I" if pitm[0] else ">H", pitm, 4)[0]
    wide_item, wide_index = ipma[0] >= 1, ipma[3] & 1
    (count,), at = struct.unpack_from(">I", ipma, 4), 8
    for _ in range(count):
        item = struct.unpack_from(">I" if wide_item else ">H", ipma, at)[0]
        at += 4 if wide_item else 2
        number, form = ipma[at], ">H" if wide_index else ">B"
        size = struct.calcsize(form)
        found = [struct.unpack_from(form, ipma, at + 1 + size * k)[0] for k in range(number)]
        if item == primary:
            return [index & (0x7FFF if wide_index else 0x7F) for index in found]
        at += 1 + size * number
    return []
