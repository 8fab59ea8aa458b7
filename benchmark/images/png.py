"""What Pillow leaves of PNG: 16 bits, one transparent colour, and colours stated by chunks.

Reference: Portable Network Graphics (PNG) Specification, third edition, W3C 2025, sections 4.3, 11.3 and 12.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import imagecodecs
from PIL import Image

from benchmark.images import codepoints
from benchmark.images.picture import Picture, Refused, unit
from benchmark.images.profiles import D65, SRGB_XY, made_of

#: Files of this gamma are sRGB to libpng and to viewers: writers of sRGB add this number for old readers.
_SRGB_GAMMA = 0.45455
_THRESHOLD = 0.05  # libpng's own, relative


def decode(image: Image.Image, file: BinaryIO) -> Picture | None:
    """Decode pictures of 16 bits or with one transparent colour; None for all others."""
    file.seek(24)
    depth, colour = file.read(2)
    if depth != 16 and (colour == 3 or "transparency" not in image.info):
        return None
    file.seek(0)
    pixels = unit(imagecodecs.png_decode(file.read()), depth if depth == 16 else 8)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    colours = pixels.shape[2] - 1 + pixels.shape[2] % 2  # of 2 and 4 channels the last is opacity
    alpha = pixels[..., -1] if colours < pixels.shape[2] else None
    return Picture(pixels[..., :colours], "grey" if colours == 1 else "rgb", alpha)


def profile(image: Image.Image, file: BinaryIO) -> bytes | None:
    """Return the profile of the chunk that counts: cICP, else iCCP, sRGB, gAMA and cHRM."""
    cicp = dict(_chunks(file)).get(b"cICP")
    if cicp is not None:
        primaries, transfer, matrix, full = cicp[:4]
        if matrix or not full:
            raise Refused("samples of video (cICP with a matrix or of narrow range); convert it to RGB")
        return codepoints.profile_of(primaries, transfer)
    if "icc_profile" in image.info:
        return image.info["icc_profile"] or b""  # Pillow says None of one that cannot be inflated
    if "srgb" in image.info:
        return None
    return _by_gamma(image.info.get("gamma"), image.info.get("chromaticity"))


def _by_gamma(gamma: float | None, chromaticity: tuple[float, ...] | None) -> bytes | None:
    """Return the profile of gAMA and cHRM; either may be missing, and is then sRGB's."""
    if gamma == 0:
        return b""
    exponent = None if gamma is None or abs(gamma / _SRGB_GAMMA - 1) < _THRESHOLD else 1 / gamma
    white, xy = (chromaticity[:2], chromaticity[2:]) if chromaticity else (D65, SRGB_XY)
    return made_of(tuple(xy), (white[0], white[1]), exponent)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Short chunks before the pixels, by name."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name == b"IDAT":
            return
        yield name, file.read(length) if length < 64 else b""
        file.seek(4 if length < 64 else length + 4, 1)
