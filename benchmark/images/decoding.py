"""Which decoder reads which file, told by its first bytes whatever its name ends in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from benchmark.images import bmp, boxes, jpeg2000, png, tiff
from benchmark.images.picture import Picture, Refused, check_range, check_size, unit
from benchmark.images.profiles import D65, made_of

# Pillow takes memory in blocks of 16 MiB, which glibc keeps for the thread that freed them; those above
# 32 MiB go back to the system. Two threads kept 0.7 GB of pictures that were gone.
if "PILLOW_BLOCK_SIZE" not in os.environ:
    Image.core.set_block_size(64 << 20)

#: Formats of Pillow that are read; what their samples mean is known and tested.
FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")

#: First bytes, after so many others, of formats that people have and that are not read.
_STRANGERS = [
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\xd8\xff", "JPEG that is damaged, lossless or has more than 8 bits a sample"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000 that is damaged"),
    (0, b"II\xbc", "JPEG XR"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR, high dynamic range"),
    (0, b"#?R", "Radiance, high dynamic range"),
    (0, b"PF\n", "PFM in colour"),
    (0, b"P7\n", "PAM"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
    (0, b"FUJIFILM", "raw file of a camera"),
    (4, b"ftypcrx", "raw file of a camera"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
]

#: Bytes that tell what a file is.
HEAD = 16

#: First bytes of the formats that are read; those of BMP and PNM are words that a text may begin with.
_READ = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|BM.{4}\0\0\0\0|RIFF.{4}WEBP|P[1-6f]\s|"
    rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51|.{4}ftypavi[fs]",
    re.DOTALL,
)

#: Adobe RGB (1998), whose gamma is 2 51/256.
_ADOBE_XY = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
_ADOBE_GAMMA = 2 + 51 / 256


def decode(file: BinaryIO, admit: Callable[[int], None] = lambda _: None) -> Picture:
    """Decode the one picture of a file, or its first or primary one.

    `admit` is called with the number of its pixels before they are decoded.

    Raises
    ------
    Refused
        With reason and cure, for what is not read.
    Exception
        Whatever a decoder raises of damaged bytes.
    """
    head = _head(file)
    if head[:4] in tiff.MAGIC:
        return tiff.decode(file, admit)
    with _opened(file, head) as image:
        check_size(*image.size)
        admit(image.width * image.height)
        image.load()
        picture = _special(image, file) or from_pillow(image)
        picture.orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        picture.notices += _several(image)
        picture.profile = _profile(image, file)
        return picture


def header(file: BinaryIO) -> tuple[str, int, int]:
    """Return the format, width and height of the picture that `decode` takes."""
    head = _head(file)
    if head[:4] in tiff.MAGIC:
        return "TIFF", *tiff.size(file)
    with _opened(file, head) as image:
        return str(image.format), *image.size


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with these `HEAD` bytes is a picture, of a format that is read or not."""
    if head[:4] in tiff.MAGIC or _READ.match(head):
        return True
    return any(name != "PDF" and head.startswith(magic, at) for at, magic, name in _STRANGERS)


def _head(file: BinaryIO) -> bytes:
    head = file.read(HEAD)
    file.seek(0)
    return head


def from_pillow(image: Image.Image) -> Picture:
    """Take the samples of a picture that Pillow decodes without loss."""
    if image.mode == "I":  # only grey PNM of more than 8 bits, scaled to 16 by Pillow
        return Picture(unit(np.asarray(image), 16)[..., None], "grey")
    if image.mode == "F":  # only PFM
        samples = np.asarray(image)[..., None]
        if image.info["scale"] != 1:
            raise Refused(f"PFM in units of {image.info['scale']:g}; scale it so that white is 1")
        check_range(samples)
        return Picture(samples, "grey")
    if image.mode in {"LA", "La"}:
        pixels = np.asarray(image.convert("LA"))
        return Picture(pixels[..., :1], "grey", pixels[..., 1])
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("RGBA"))
        # Writers of BMP leave the fourth byte zero where they mean no opacity.
        none = image.format == "BMP" and not pixels[..., 3].any()
        return Picture(pixels[..., :3], "rgb", None if none else pixels[..., 3])
    if image.format == "GIF":
        return _on_screen(image)
    if image.mode == "CMYK":
        return Picture(np.asarray(image), "cmyk")
    if image.mode in {"1", "L"}:
        return Picture(np.asarray(image.convert("L"))[..., None], "grey")
    return Picture(np.asarray(image if image.mode == "RGB" else image.convert("RGB")), "rgb")


def _on_screen(image: Image.Image) -> Picture:
    """Take a GIF whose first frame may leave part of the screen free, which viewers leave transparent."""
    left, top, right, bottom = image.dispose_extent  # type: ignore[attr-defined]
    alpha = np.zeros(image.size[::-1], dtype=np.uint8)
    alpha[top:bottom, left:right] = 255
    return Picture(np.asarray(image.convert("RGB")), "rgb", alpha)


def _special(image: Image.Image, file: BinaryIO) -> Picture | None:
    """Decode what Pillow would shorten to 8 bits or misread; None where it would not."""
    if image.format == "PNG":
        return png.decode(image, file)
    if image.format == "JPEG2000":
        return jpeg2000.decode(file)
    return None


def _profile(image: Image.Image, file: BinaryIO) -> bytes | None:
    """What the file says of its colours, as an ICC profile; None where that is sRGB or nothing."""
    kind = image.format
    if kind == "PNG":
        return png.profile(image, file)
    if kind == "JPEG2000":
        return jpeg2000.profile(file)
    if kind == "BMP":
        return bmp.profile(file)
    if kind in {"AVIF", "HEIF"}:
        stated = boxes.stated_colours(file)  # also beside an ICC profile, for high dynamic range
        return image.info.get("icc_profile") or stated
    if "icc_profile" in image.info:
        return image.info["icc_profile"] or b""
    return _by_exif(image)


def _by_exif(image: Image.Image) -> bytes | None:
    """Cameras that write Adobe RGB without a profile say so by the rule of DCF 2.0, as ``R03``."""
    if b"R03" not in image.info.get("exif", b""):  # most pictures need no reading of inner directories
        return None
    index = image.getexif().get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    return made_of(_ADOBE_XY, D65, _ADOBE_GAMMA) if index == "R03" else None


def _several(image: Image.Image) -> list[str]:
    """Say which of several frames is taken; the further pictures of a phone's MPO are no frames."""
    if image.format == "MPO" or not getattr(image, "is_animated", False):
        return []
    if image.format == "HEIF":
        return ["holds several pictures; its primary one is taken"]
    return ["animated; its first frame is taken"]


def _opened(file: BinaryIO, head: bytes) -> Image.Image:
    """Open by content; HEIC through its plug-in, once one is met."""
    for ready in (lambda: True, _heif):
        if ready():
            file.seek(0)
            with suppress(UnidentifiedImageError):
                return _known(Image.open(file))
    found = [name for at, magic, name in _STRANGERS if head.startswith(magic, at)]
    name = f" (but {found[0]})" if found else ""
    cure = "convert it to PNG" if _heif() else "convert it to PNG, or for HEIC install pillow-heif"
    raise Refused(f"not a picture in a format that Pillow reads{name}; {cure}")


def _known(image: Image.Image) -> Image.Image:
    if image.format not in FORMATS:
        raise Refused(f"{image.format} is not among the formats that are read; convert it to PNG")
    return image


@cache
def _heif() -> bool:
    """Whether the extra that reads HEIC is there; Pillow knows it from then on."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True
