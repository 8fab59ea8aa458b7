"""What every decoder hands on, and the errors of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: Samples of 8 bits, or float32 in [0, 1].
Samples = NDArray[Any]

#: Largest picture that is decoded, in pixels (Pillow's own limit against decompression bombs).
MAX_PIXELS = 89_478_485


class ImageNotice(UserWarning):
    """Something about a picture that its score depends on and its viewer may not expect."""


class ImageError(ValueError):
    """A picture that cannot be read; the message names the file, the reason and the cure."""


class Refused(Exception):
    """Reason and cure of a decoder that leaves a picture; `read` puts the file's name before them."""


@dataclass
class Picture:
    """Decoded samples, and what they mean.

    Parameters
    ----------
    samples
        ``[H, W, C]``: bytes where the file holds no more, else float32 in [0, 1]. 0 is black, or no ink.
    kind
        What the channels are; C is 1, 3 or 4.
    alpha
        ``[H, W]``, opacity as bytes or float32 in [0, 1], not multiplied into the colours; None: opaque.
    profile
        ICC profile that says how the samples look; None: sRGB. Empty where the file has one that is damaged.
    orientation
        As EXIF counts: 1 is upright.
    notices
        What a viewer may not expect, for the file's name to be put before.
    """

    samples: Samples
    kind: Literal["grey", "rgb", "cmyk"]
    alpha: Samples | None = None
    profile: bytes | None = None
    orientation: int = 1
    notices: list[str] = field(default_factory=list)


def unit(samples: Samples, bits: int) -> Samples:
    """Scale unsigned integers of so many bits: to bytes where that is exact, else to [0, 1]."""
    if samples.max() >= 2**bits:
        raise Refused(f"samples beyond {bits} bits: it is damaged; get the file again")
    if bits in {1, 2, 4, 8}:
        return samples.astype(np.uint8) * np.uint8(255 // (2**bits - 1))
    return (samples / np.float64(2**bits - 1)).astype(np.float32)


def floats(samples: Samples) -> Samples:
    """Return samples as float32 in [0, 1]."""
    return samples / np.float32(255) if samples.dtype == np.uint8 else samples


def check_size(width: int, height: int) -> None:
    """Refuse a picture before anything is decoded that would fill the memory."""
    if width * height > MAX_PIXELS:
        raise Refused(f"{width}x{height} is more than {MAX_PIXELS} pixels; scale or crop it first")


def check_range(samples: Samples) -> None:
    """Refuse floats whose white is not 1."""
    low, high = float(samples.min()), float(samples.max())
    if not (low >= 0 and high <= 1):  # so written, NaN is refused too
        raise Refused(f"float values from {low:g} to {high:g}, where 0 is black and 1 white; scale them")


def without_matte(samples: Samples, alpha: Samples) -> Samples:
    """Divide colours by the opacity that was multiplied into them (associated alpha)."""
    colours, opacity = floats(samples), floats(alpha)[..., None]
    divided = np.divide(colours, opacity, out=np.zeros_like(colours), where=opacity > 0)
    return divided.clip(0, 1)
