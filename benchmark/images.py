"""Any picture file -> RGB tensor in [0, 1]: the one place of the suite that decodes and encodes pictures."""

from __future__ import annotations

import io
import os
import re
import threading
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from torch import Tensor

from benchmark import files, web

#: File name endings taken for pictures when a folder is listed.
EXTENSIONS = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jp2", ".jpeg", ".jpg"}
    | {".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)

#: Largest picture that is decoded, in pixels (Pillow's own limit against decompression bombs).
MAX_PIXELS = 89_478_485

#: Seconds in which a picture at an address must have come as a whole; ``IQA_TIMEOUT`` sets others.
SECONDS = 60.0
#: Bytes that it may have: `MAX_PIXELS` in 48 bits.
BYTES = 6 * MAX_PIXELS

_SRGB = ImageCms.createProfile("sRGB")


class ImageNotice(UserWarning):
    """Something about a picture that its score depends on and its viewer may not expect."""


class ImageError(ValueError):
    """A picture that cannot be read; the message names the file, the reason and the cure."""


def read(path: str | os.PathLike[str], short_side: int = 0) -> Tensor:
    """Decode a picture as a viewer would show it on a white page in sRGB.

    The EXIF orientation is applied, an embedded colour profile is converted to sRGB, transparency is laid
    over white (an `ImageNotice` says so, once), grey, palette and CMYK pictures become RGB, and an animation
    gives its first frame (said of each). Grey pictures of 16 bits keep their depth; colour pictures of 16
    bits are decoded to 8 by Pillow.

    Parameters
    ----------
    path
        File to read, or an address: of http and https, or of a store that fsspec knows, such as
        ``s3://bucket/photo.jpg``. What does not come within `SECONDS` or has more than `BYTES` is given up.
    short_side
        Scale to this short side, in pixels, before anything else looks at the picture; 0 leaves it. As
        published protocols do it (ARNIQA's for SPAQ): Pillow's antialiased bicubic filter in the bits of the
        file, the long side rounded down.

    Returns
    -------
    Tensor
        ``[3, H, W]`` float32, RGB in [0, 1], contiguous.

    Raises
    ------
    ImageError
        If the file is missing, empty, no picture, damaged, truncated or larger than `MAX_PIXELS`.
    """
    source: Path | io.BytesIO
    if is_address(path):
        path, source = os.fspath(path), _fetched(os.fspath(path))
    else:
        path = source = Path(path)
        _check_file(path)
    try:
        with _open(source) as image:
            _check_size(path, image.size)
            if getattr(image, "is_animated", False):
                warnings.warn(f"{path}: animated; its first frame is taken", ImageNotice, stacklevel=2)
            image.load()
            return _to_tensor(_scaled(_upright(image, path), short_side), path)
    except (ImageError, ImageNotice):  # a notice is raised where warnings are errors
        raise
    except UnidentifiedImageError as error:
        cure = "convert it to PNG" if _heif() else "convert it to PNG, or for HEIC install pillow-heif"
        raise ImageError(f"{path}: not a picture in a format that Pillow reads; {cure}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{path}: more than {MAX_PIXELS} pixels; scale or crop it first") from error
    except Exception as error:  # decoders of damaged bytes raise anything from SyntaxError to struct.error
        raise ImageError(
            f"{path}: cannot be decoded ({error}); get the file again, or convert it to PNG"
        ) from error


def below(folder: Path) -> list[Path]:
    """Files in a folder and its subfolders whose names end as pictures do, sorted.

    Raises
    ------
    ValueError
        If there is none.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
    if not files:
        raise ValueError(f"no pictures in the folder {folder}; see the endings in {__name__}.EXTENSIONS")
    return files


def write_png(path: str | os.PathLike[str], image: Tensor) -> None:
    """Write ``image [3, H, W]`` (RGB in [0, 1]) as an 8-bit PNG: rounded, clipped, aside and then renamed.

    Raises
    ------
    ValueError
        If `image` has another shape, or values that are not finite.
    """
    path = Path(path)
    if image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(f"{path}: expected an image [3, H, W], got {list(image.shape)}")
    if not bool(torch.isfinite(image).all()):
        raise ValueError(f"{path}: the image has values that are not finite")
    pixels = image.detach().cpu().float().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    with files.whole(path) as aside:
        # Level 1 deflates five times faster than the default for files a tenth larger.
        Image.fromarray(pixels.contiguous().numpy()).save(aside, format="PNG", compress_level=1)


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether a path is an address such as ``s3://bucket/photo.jpg``, and no file of this machine."""
    return re.match("[A-Za-z][A-Za-z0-9+.:-]*://", os.fspath(path)) is not None


def _fetched(address: str) -> io.BytesIO:
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


def _open(source: Path | io.BytesIO) -> Image.Image:
    """Open by content, whatever the name ends in; HEIC through its plug-in, once one is met."""
    try:
        return Image.open(source)
    except UnidentifiedImageError:
        if not _heif():
            raise
        if isinstance(source, io.BytesIO):
            source.seek(0)
        return Image.open(source)


@cache
def _heif() -> bool:
    """Whether the extra that reads HEIC is there; Pillow knows it from then on."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _check_file(path: Path) -> None:
    """Refuse what is no regular, readable, non-empty file, before a decoder is asked."""
    try:
        if path.is_dir():
            raise ImageError(f"{path}: is a folder; name the files in it")
        # A named pipe would be waited on for ever, a device read without end.
        if path.exists() and not path.is_file():
            raise ImageError(f"{path}: is not a regular file")
        if path.stat().st_size == 0:
            raise ImageError(f"{path}: is empty (zero bytes); get the file again")
        if not os.access(path, os.R_OK):
            raise ImageError(f"{path}: may not be read; change its permissions")
    except FileNotFoundError as error:
        raise ImageError(f"{path}: does not exist; check the path or prepare its data set again") from error
    except (OSError, RuntimeError) as error:  # a loop of symbolic links, a name that is too long
        raise ImageError(f"{path}: cannot be opened ({error})") from error


def _check_size(path: str | Path, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise ImageError(f"{path}: {width}x{height} is more than {MAX_PIXELS} pixels; scale or crop it first")


def _upright(image: Image.Image, path: str | Path) -> Image.Image:
    """Apply EXIF orientation and colour profile; returns a mode among RGB, L and I;16 (transparency gone)."""
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return image
    alpha = None
    if image.has_transparency_data:
        # Without the name of the file, so that it is said once and not of every picture.
        warnings.warn("transparent pictures are laid over white", ImageNotice, stacklevel=3)
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    elif image.mode not in {"RGB", "L", "CMYK"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    image = _to_srgb(image, profile, path)
    if alpha is None:
        return image
    return Image.composite(image.convert("RGB"), Image.new("RGB", image.size, "white"), alpha)


def _scaled(image: Image.Image, short_side: int) -> Image.Image:
    if not short_side or min(image.size) == short_side:
        return image
    width, height = (side * short_side // min(image.size) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _to_srgb(image: Image.Image, profile: bytes | None, path: str | Path) -> Image.Image:
    """Convert by the embedded profile; a profile that cannot be used is said and ignored, as viewers do."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            # Through LittleCMS even sRGB to sRGB moves values by one step: leave such pictures alone.
            if "srgb" in ImageCms.getProfileDescription(source).lower():
                return image.convert("RGB")
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
            return image if converted is None else converted
        except (ImageCms.PyCMSError, OSError) as error:
            warnings.warn(f"{path}: its colour profile cannot be used ({error}); read as sRGB", stacklevel=2)
    return image.convert("RGB")


def _to_tensor(image: Image.Image, path: str | Path) -> Tensor:
    """Scale to [0, 1] by the full range of the mode: 8 bits, 16 bits, or floats already in [0, 1]."""
    if image.mode == "RGB":
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        return pixels.float().div_(255)
    grey = np.array(image).astype(np.float64)
    if image.mode != "F":
        grey /= 65535
    if not (grey.min() >= 0 and grey.max() <= 1):
        raise ImageError(f"{path}: values of mode {image.mode} beyond its white; convert it to PNG")
    return torch.from_numpy(grey.astype(np.float32)).expand(3, -1, -1).contiguous()
