"""TIFF by tifffile, as its tags say and no further; what they leave open is refused.

Reference: TIFF Revision 6.0, Adobe 1992.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, BinaryIO, Literal

import numpy as np
import tifffile

from benchmark.images.picture import Picture, Refused, Samples, check_range, check_size, unit, without_matte

MAGIC = {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _INK, _YCBCR = 0, 1, 2, 3, 5, 6
_NAMES = {
    4: "a mask",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    32803: "raw of a camera",
    34892: "raw of a camera",
}
_CHANNELS: dict[int, tuple[Literal["grey", "rgb", "cmyk"], int]] = {
    _WHITE_IS_ZERO: ("grey", 1),
    _BLACK_IS_ZERO: ("grey", 1),
    _RGB: ("rgb", 3),
    _PALETTE: ("rgb", 1),
    _INK: ("cmyk", 4),
    _YCBCR: ("rgb", 3),
}

#: None, CCITT (three), LZW, JPEG, deflate (two), PackBits, LZMA, Zstandard, WebP.
_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32946, 32773, 34925, 50000, 50001}
_JPEG = 7

_REDUCED, _MASK = 1, 4
_ORIENTATION, _PALETTE_COLOURS, _EXTRA, _FORMAT, _ICC, _DNG_VERSION = 274, 320, 338, 339, 34675, 50706


def decode(file: BinaryIO, admit: Callable[[int], None] = lambda _: None) -> Picture:
    """Decode the first page that is no thumbnail; `admit` as in `benchmark.images.decoding.decode`.

    Raises
    ------
    Refused
        For samples that are signed, complex or of several depths, floats beyond [0, 1], colours other than
        grey, RGB, palette, CMYK and YCbCr by JPEG, extra samples that the file does not explain, raw files
        of cameras.
    """
    with _opened(file) as tif:
        page, count = _first(tif)
        check_size(page.imagewidth, page.imagelength)
        admit(page.imagewidth * page.imagelength)
        _check(page)
        _check_whole(page, file)
        kind, colours = _CHANNELS[page.photometric]
        stored = _stored(page)
        if stored.shape[2] < colours:
            raise Refused(f"TIFF of {stored.shape[2]} samples a pixel for {kind}; get the file again")
        samples, extra = _meaning(page, stored[..., :colours]), stored[..., colours:]
        alpha, associated = _alpha(page, extra)
        if alpha is not None and associated:
            samples = without_matte(samples, alpha)
        notices = [f"has {count} pages; its first is taken"] if count > 1 else []
        icc = page.tags.get(_ICC)
        profile = bytes(icc.value) if icc else None
        return Picture(samples, kind, alpha, profile, _tag(page, _ORIENTATION, 1), notices)


def _tag(page: Any, code: int, default: int) -> int:
    found = page.tags.get(code)
    return int(found.value) if found else default


def size(file: BinaryIO) -> tuple[int, int]:
    """Return the width and height of the page that `decode` takes."""
    with _opened(file) as tif:
        page, _ = _first(tif)
        return page.imagewidth, page.imagelength


def _opened(file: BinaryIO) -> tifffile.TiffFile:
    file.seek(8)
    if file.read(2) == b"CR":
        raise Refused("a raw file of a camera (Canon CR2); develop it to PNG")
    file.seek(0)
    return tifffile.TiffFile(file)


def _first(tif: tifffile.TiffFile) -> tuple[Any, int]:
    """Return the first page that is neither a thumbnail nor a mask, and how many such pages there are."""
    every: list[Any] = list(tif.pages)
    pages = [page for page in every if not int(page.subfiletype) & (_REDUCED | _MASK)]
    if not pages or any(_DNG_VERSION in page.tags for page in every):
        raise Refused("a raw file of a camera, or no more than a thumbnail; develop it to PNG")
    return pages[0], len(pages)


def _check(page: Any) -> None:
    """Refuse what has no one reading."""
    if page.photometric not in _CHANNELS:
        name = _NAMES.get(page.photometric, f"photometric {page.photometric}")
        raise Refused(f"TIFF in {name}; convert it to RGB")
    if page.compression not in _COMPRESSIONS:
        raise Refused(f"TIFF by compression {page.compression}; save it by deflate or LZW")
    if page.photometric == _YCBCR and page.compression != _JPEG:
        raise Refused("TIFF in YCbCr that is not JPEG inside; convert it to RGB")
    if page.planarconfig not in {1, 2}:
        raise Refused(f"TIFF of planar configuration {page.planarconfig}: it is damaged; get the file again")
    if page.imagedepth > 1:
        raise Refused("TIFF of a volume; save one slice as a picture")
    formats = page.tags.get(_FORMAT)
    formats = set(np.atleast_1d(formats.value).tolist()) if formats else {1}
    if formats not in ({1}, {3}):
        raise Refused(
            "TIFF of signed or complex samples, whose white is not agreed; save unsigned or float ones"
        )
    if not isinstance(page.bitspersample, int) or page.bitspersample > 64:
        raise Refused("TIFF whose channels have different depths; save 8 or 16 bits a sample")


def _check_whole(page: Any, file: BinaryIO) -> None:
    """Refuse a file that is cut, or with strips left out, which tifffile would fill with black."""
    size = file.seek(0, os.SEEK_END)
    ends = [at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or max(ends) > size or not all(page.databytecounts):
        raise Refused("TIFF with pixels missing; get the file again")


def _stored(page: Any) -> Samples:
    """Samples as they are stored, ``[H, W, S]``, whether by pixels or by planes."""
    planes = page.asarray(squeeze=False)[:, 0]  # [separate, H, W, together], one of the two being 1
    return np.ascontiguousarray(np.moveaxis(planes, 0, 2)).reshape(*planes.shape[1:3], -1)


def _scaled(page: Any, stored: Samples) -> Samples:
    """Scale to bytes or to [0, 1]; a palette's indices are no samples and come elsewhere."""
    if stored.dtype.kind == "f":
        check_range(stored)
        return stored.astype(np.float32)
    return unit(stored, page.bitspersample)


def _meaning(page: Any, stored: Samples) -> Samples:
    """Colours of stored samples by the photometric interpretation."""
    if page.photometric == _PALETTE:
        return _palette(page)[stored[..., 0].astype(np.intp)]  # one bit comes as booleans, which would select
    samples = _scaled(page, stored)
    if page.photometric == _WHITE_IS_ZERO:
        return (255 if samples.dtype == np.uint8 else np.float32(1)) - samples
    return samples


def _palette(page: Any) -> Samples:
    """Colours ``[2^bits, 3]`` of 16 bits; writers fill the upper 8 of them, or by mistake the lower 8."""
    colours = np.asarray(page.tags[_PALETTE_COLOURS].value).reshape(3, -1).T
    return (colours if colours.max() < 256 else colours >> 8).astype(np.uint8)


def _alpha(page: Any, extra: Samples) -> tuple[Samples | None, bool]:
    """Opacity among the extra samples, and whether it is multiplied into the colours (ExtraSamples 1)."""
    if not extra.shape[2]:
        return None, False
    found = page.tags.get(_EXTRA)
    if found is None:
        raise Refused(
            "TIFF that does not say what its extra samples are; save it with or without an alpha channel"
        )
    kinds = np.atleast_1d(found.value).tolist()
    for index, kind in enumerate(kinds[: extra.shape[2]]):
        if kind in {1, 2}:
            return _scaled(page, extra[..., index]), kind == 1
    return None, False
