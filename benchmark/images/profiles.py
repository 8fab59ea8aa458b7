"""Colours to sRGB by ICC profiles, and profiles made of primaries and a curve.

Profiles are judged by what they do to colours and never by their names. LittleCMS converts, by the perceptual
intent, which differs from the others only in profiles made of tables.
"""

from __future__ import annotations

import io
from functools import lru_cache

import imagecodecs
import numpy as np
from PIL import Image, ImageCms

from benchmark.images.picture import Picture, Samples, floats

#: Colour space in an ICC profile's header, for each kind of picture.
_SPACES = {"grey": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK"}

#: Device classes whose profiles describe pictures: input, display, output, colour space.
_CLASSES = {b"scnr", b"mntr", b"prtr", b"spac"}

#: A profile that moves no colour further than one step of 8 bits is sRGB; such pictures are left alone.
_STEP = 1 / 255

#: CIE xy of sRGB's primaries and of its white, D65.
SRGB_XY = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
D65 = (0.3127, 0.3290)

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_srgb(picture: Picture) -> Samples:
    """Return the picture in sRGB, ``[H, W, 3]``, or ``[H, W, 1]`` where grey needed no conversion.

    A profile that cannot be used (damaged, of another colour space, or one that does not show white as white)
    is ignored as viewers do, and `Picture.notices` says so.
    """
    if picture.profile is None:
        return _plain(picture)
    try:
        return _by_profile(picture.samples, picture.kind, picture.profile)
    except (_UnusableError, imagecodecs.CmsError, ImageCms.PyCMSError, OSError) as error:
        picture.notices.append(f"its colour profile cannot be used ({error}); read without it")
        return _plain(picture)


class _UnusableError(Exception):
    """Why a profile is not used."""


def _by_profile(samples: Samples, kind: str, profile: bytes) -> Samples:
    if profile[12:16] not in _CLASSES:
        raise _UnusableError("it is damaged or no profile of pictures")
    space = profile[16:20]
    grey_by_rgb = kind == "grey" and space == b"RGB "  # common, and three equal channels are what is meant
    if space != _SPACES[kind] and not grey_by_rgb:
        raise _UnusableError(f"it is for {space.decode('latin-1').strip()} and the picture is {kind}")
    _check_white(profile)
    if space != b"CMYK" and _is_srgb(profile):
        return samples
    return _convert(samples.repeat(3, axis=2) if grey_by_rgb else samples, profile)


def _plain(picture: Picture) -> Samples:
    """Without a profile: grey and RGB are sRGB already, ink takes away light."""
    if picture.kind != "cmyk":
        return picture.samples
    ink = floats(picture.samples)
    light = (1 - ink[..., :3]) * (1 - ink[..., 3:])
    return (light * 255).round().astype(np.uint8) if picture.samples.dtype == np.uint8 else light


def _convert(samples: Samples, profile: bytes) -> Samples:
    """Convert ``[H, W, C]`` to sRGB, ``[H, W, 3]``: bytes to bytes, floats to floats in [0, 1]."""
    plain = np.ascontiguousarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    return _bytes(plain, profile) if samples.dtype == np.uint8 else _floats(plain, profile)


def _bytes(samples: Samples, profile: bytes) -> Samples:
    """Convert by Pillow's LittleCMS, whose way from bytes to bytes is fast and right to a step."""
    mode = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}[profile[16:20]]
    height, width = samples.shape[:2]
    image = Image.frombuffer(mode, (width, height), samples.tobytes(), "raw", mode, 0, 1)
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return np.asarray(ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB"))


def _floats(samples: Samples, profile: bytes) -> Samples:
    """Convert by imagecodecs' LittleCMS: Pillow's takes bytes alone.

    Not by its way from 16 bits to 16 bits, which is wrong by up to 25 steps of 8 bits in some colours.
    """
    space = profile[16:20]
    converted = imagecodecs.cms_transform(
        samples * np.float32(100) if space == b"CMYK" else samples,  # ink of floats is counted in percent
        profile,
        _SRGB.tobytes(),
        colorspace={b"GRAY": "gray", b"RGB ": "rgb", b"CMYK": "cmyk"}[space],
        outcolorspace="rgb",
        outdtype="float32",
        intent=imagecodecs.CMS.INTENT.PERCEPTUAL,
    )
    return np.asarray(converted).clip(0, 1)


@lru_cache(maxsize=16)
def _check_white(profile: bytes) -> None:
    """A matrix or curve of damaged bytes is a profile to LittleCMS; white that is not white gives it away."""
    white = {b"GRAY": [1.0], b"RGB ": [1.0] * 3, b"CMYK": [0.0] * 4}[profile[16:20]]
    shown = _convert(np.array([[white]], dtype=np.float32), profile).min()
    if not shown > 0.9:
        raise _UnusableError(f"it shows white as {shown:.2f}")


@lru_cache(maxsize=16)
def _is_srgb(profile: bytes) -> bool:
    """Whether a profile of grey or RGB leaves a grid of colours, and 65 greys, where they are."""
    greys = np.linspace(0, 1, 65, dtype=np.float32)[:, None]
    if profile[16:20] == b"RGB ":
        grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 9, dtype=np.float32)] * 3), axis=-1).reshape(-1, 3)
        greys = np.concatenate([greys.repeat(3, axis=1), grid])
    return float(np.abs(_convert(greys[None], profile) - greys).max()) <= _STEP


@lru_cache(maxsize=16)
def made_of(xy: tuple[float, ...], white: tuple[float, float], gamma: float | None) -> bytes | None:
    """Return a profile of three primaries, a white and a curve; None where that is sRGB.

    Parameters
    ----------
    xy
        CIE x and y of red, green and blue.
    white
        CIE x and y of white.
    gamma
        Exponent from samples to light; None is the curve of sRGB (IEC 61966-2-1).
    """
    near = np.abs(np.subtract((*xy, *white), (*SRGB_XY, *D65))).max() < 0.001
    if near and gamma is None:
        return None
    primaries = [*xy[0:2], 1.0, *xy[2:4], 1.0, *xy[4:6], 1.0]
    curve = {"gamma": gamma} if gamma else {"transferfunction": _srgb_curve()}
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[*white, 1.0], primaries=primaries, **curve))


def _srgb_curve() -> Samples:
    values = np.linspace(0, 1, 4096)
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return (light * 65535).round().astype(np.uint16)
