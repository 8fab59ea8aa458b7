"""From a file's name to a tensor: open, decode, convert to sRGB, lay over white, turn upright, scale."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmark.images import decoding, profiles
from benchmark.images.addresses import fetched, is_address
from benchmark.images.files import opened
from benchmark.images.picture import MAX_PIXELS, ImageError, ImageNotice, Picture, Refused, Samples, floats
from benchmark.images.room import DECODING


def read(
    path: str | os.PathLike[str], short_side: int = 0, admit: Callable[[int], None] = lambda _: None
) -> Tensor:
    """Decode a picture as a viewer would show it on a white page in sRGB.

    The EXIF orientation is applied, colours are converted to sRGB by the embedded profile or what else the
    file says of them, transparency is laid over white (an `ImageNotice` says so, once), grey, palette and
    CMYK pictures become RGB, and of an animation or several pages the first is taken (said of each).
    ``docs/datasets.md`` has the whole list of what is read and how, and of what is refused.

    Parameters
    ----------
    path
        File to read, or an address: of http and https, or of a store that fsspec knows, such as
        ``s3://bucket/photo.jpg``; `benchmark.images.addresses` has its limits.
    short_side
        Scale to this short side, in pixels, before anything else looks at the picture; 0 leaves it. As
        published protocols do it (ARNIQA's for SPAQ): Pillow's antialiased bicubic filter, the long side
        rounded down; pictures of 8 bits are rounded to 8 bits again.
    admit
        Called with the number of pixels before they are decoded; it may wait. Of all threads together no more
        are decoded at once than `benchmark.images.room` lets in.

    Returns
    -------
    Tensor
        ``[3, H, W]`` float32, RGB in [0, 1], contiguous.

    Raises
    ------
    ImageError
        If the file is missing, empty, no picture, damaged, truncated or larger than `MAX_PIXELS`, or if its
        samples cannot be told to mean anything certain, such as signed integers or light beyond white (HDR).
    """
    return torch.from_numpy(floats(_opened(path, short_side, admit)))


def read_samples(
    path: str | os.PathLike[str], short_side: int = 0, admit: Callable[[int], None] = lambda _: None
) -> Tensor:
    """Decode a picture as `read` does, but leave 8 bits as uint8: a quarter of the memory; `unit` divides."""
    return torch.from_numpy(_opened(path, short_side, admit))


def unit(pictures: Tensor, device: torch.device | None = None) -> Tensor:
    """Bring pictures to a device, and bytes to [0, 1]: to the same bits on each. Others lie there already."""
    there = device or pictures.device
    if pictures.dtype != torch.uint8:
        return pictures.to(there)
    if there.type != "cuda":
        return pictures.to(there).float().div_(255)
    held = pictures if pictures.is_cuda else pictures.pin_memory()
    # CUDA multiplies by the inverse of a number that the host knows, which rounds otherwise than division.
    return held.to(there, non_blocking=True).float().div_(torch.full((), 255.0, device=there))


def _opened(path: str | os.PathLike[str], short_side: int, admit: Callable[[int], None]) -> Samples:
    with _file(path) as file, ExitStack() as room:

        def let_in(pixels: int) -> None:
            admit(pixels)
            room.enter_context(DECODING.taken(pixels))

        picture = decoding.decode(file, let_in)
        pixels = _over_white(profiles.to_srgb(picture), picture)
        for notice in picture.notices:
            warnings.warn(f"{os.fspath(path)}: {notice}", ImageNotice, stacklevel=3)
        return _planes(_scaled(_upright(pixels, picture.orientation), short_side))


class Header(NamedTuple):
    """What the head of a file says: format by Pillow's name, width and height before any turn, in pixels."""

    format: str
    width: int
    height: int


def header(path: str | os.PathLike[str]) -> Header:
    """Return the format and size of a picture without decoding it; errors are those of `read`."""
    with _file(path) as file:
        return Header(*decoding.header(file))


@contextmanager
def _file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file or an address; whatever fails before it is closed is an `ImageError` with its name."""
    file = fetched(os.fspath(path)) if is_address(path) else opened(Path(path))
    try:
        with file:
            yield file
    except ImageNotice:  # raised where warnings are errors
        raise
    except Refused as error:
        raise ImageError(f"{path}: {error}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{path}: more than {MAX_PIXELS} pixels; scale or crop it first") from error
    except Exception as error:  # decoders of damaged bytes raise anything from SyntaxError to struct.error
        raise ImageError(
            f"{path}: cannot be decoded ({error}); get the file again, or convert it to PNG"
        ) from error


def _over_white(colours: Samples, picture: Picture) -> Samples:
    """Lay colours over white; bytes stay bytes, rounded."""
    alpha = picture.alpha
    if alpha is None or alpha.min() == (255 if alpha.dtype == np.uint8 else 1):
        return colours
    # Without the name of the file, so that it is said once and not of every picture.
    warnings.warn("transparent pictures are laid over white", ImageNotice, stacklevel=4)
    opacity = floats(alpha)[..., None]
    laid = floats(colours) * opacity + (1 - opacity)
    return (laid * 255).round().astype(np.uint8) if colours.dtype == np.uint8 else laid


def _upright(pixels: Samples, orientation: int) -> Samples:
    """Turn and mirror ``[H, W, C]`` by the EXIF orientation; an unknown one is no orientation."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.transpose(1, 0, 2)
    rows = -1 if orientation in {3, 4, 7, 8} else 1
    columns = -1 if orientation in {2, 3, 6, 7} else 1
    return pixels[::rows, ::columns]


def _scaled(pixels: Samples, short_side: int) -> Samples:
    height, width = pixels.shape[:2]
    if not short_side or min(width, height) == short_side:
        return pixels
    size = (width * short_side // min(width, height), height * short_side // min(width, height))
    planes = [pixels] if pixels.dtype == np.uint8 else np.moveaxis(pixels, 2, 0)[..., None]
    scaled = [_resized(plane, size) for plane in planes]
    whole = np.concatenate(scaled, axis=2)
    return whole if whole.dtype == np.uint8 else whole.clip(0, 1)  # the filter overshoots


def _resized(plane: Samples, size: tuple[int, int]) -> Samples:
    """Scale one plane of floats, or one or three of bytes at once, by Pillow's bicubic filter."""
    image = Image.fromarray(np.ascontiguousarray(plane[..., 0] if plane.shape[2] == 1 else plane))
    return np.atleast_3d(np.asarray(image.resize(size, Image.Resampling.BICUBIC)))


def _planes(pixels: Samples) -> Samples:
    """Lay out with channels first; grey becomes three equal channels.

    By NumPy: torch would start threads on all cores for each picture, from each thread that decodes.
    """
    planes = np.empty((3, *pixels.shape[:2]), pixels.dtype)
    planes[:] = pixels.transpose(2, 0, 1)
    return planes
