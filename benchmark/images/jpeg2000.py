"""What Pillow leaves of JPEG 2000: samples of other than 8 bits, and stated colours.

Reference: ISO/IEC 15444-1, annexes A.5.1 (SIZ) and I.5.3 (the JP2 header).
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import imagecodecs

from benchmark.images.boxes import boxes
from benchmark.images.picture import Picture, Refused, unit

_SRGB, _GREY, _SYCC, _CMYK = 16, 17, 18, 12


def decode(file: BinaryIO) -> Picture | None:
    """Decode samples that are not all of 8 bits; None where they are, which Pillow decodes."""
    file.seek(0)
    data = file.read()
    depths, subsampled = _components(data)
    header = _header(data)
    if set(depths) == {7}:
        return None
    if len(set(depths)) > 1 or depths[0] & 0x80 or depths[0] > 15 or subsampled or b"pclr" in header:
        raise Refused(
            "JPEG 2000 whose samples are signed, or of several depths or sizes, or an index, "
            "and not of 8 bits; convert it to PNG"
        )
    if len(depths) not in {1, 3} or _enumerated(header) not in {_SRGB, _GREY, None}:
        raise Refused("JPEG 2000 of other than 8 bits that is more than grey or RGB; convert it to PNG")
    pixels = unit(imagecodecs.jpeg2k_decode(data), depths[0] + 1)
    return Picture(pixels.reshape(*pixels.shape[:2], -1), "grey" if len(depths) == 1 else "rgb")


def profile(file: BinaryIO) -> bytes | None:
    """Return the ICC profile of the header's ``colr``; None where it names sRGB, its luma or ink.

    Raises
    ------
    Refused
        For other colours that are named by number (CIELab, e-sRGB and the like).
    """
    file.seek(0)
    header = _header(file.read())
    colour = header.get(b"colr", b"")
    if colour[:1] in {b"\x02", b"\x03"}:
        return colour[3:]
    if _enumerated(header) not in {_SRGB, _GREY, _SYCC, _CMYK, None}:
        raise Refused(f"JPEG 2000 in the colour space {_enumerated(header)}; convert it to sRGB")
    return None


def _header(data: bytes) -> dict[bytes, bytes]:
    """Boxes of the JP2 header, the first of each name; none for a bare codestream."""
    inside = list(boxes(dict(boxes(data)).get(b"jp2h", b"")))
    return dict(reversed(inside))


def _enumerated(header: dict[bytes, bytes]) -> int | None:
    colour = header.get(b"colr", b"")
    return struct.unpack_from(">I", colour, 3)[0] if colour[:1] == b"\x01" else None


def _components(data: bytes) -> tuple[list[int], bool]:
    """Depth of each component (bits less one, sign in the highest bit), and whether any is subsampled."""
    at = data.index(b"\xff\x4f\xff\x51")
    (count,) = struct.unpack_from(">H", data, at + 40)
    triples = [data[at + 42 + 3 * k : at + 45 + 3 * k] for k in range(count)]
    return [triple[0] for triple in triples], any(triple[1:] != b"\x01\x01" for triple in triples)
