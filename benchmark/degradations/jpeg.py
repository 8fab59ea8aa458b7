"""Group ``jpeg``: the true bitstreams of JPEG and JPEG 2000, written and read by their own libraries."""

from __future__ import annotations

import io
import os
from collections.abc import Callable

import imagecodecs
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmark.degradations.color import to_bytes
from benchmark.degradations.levels import LEVELS


def jpeg(images: Tensor) -> Callable[[float], Tensor]:
    """JPEG of the given quality (libjpeg-turbo, colour at half resolution)."""
    pictures = _to_pictures(images)

    def code(picture: np.ndarray, quality: float) -> np.ndarray:
        stream = imagecodecs.jpeg8_encode(picture, level=int(quality), subsampling="420")
        return np.asarray(imagecodecs.jpeg8_decode(stream))

    return lambda quality: _to_images([code(picture, quality) for picture in pictures])


def jpeg2000(images: Tensor) -> Callable[[float], Tensor]:
    """JPEG 2000 at the given compression ratio (OpenJPEG, reversible wavelet, no colour transform)."""
    pictures = _to_pictures(images)

    def code(picture: np.ndarray, ratio: float) -> np.ndarray:
        return np.asarray(imagecodecs.jpeg2k_decode(_encode(picture, [ratio]), numthreads=1))

    return lambda ratio: _to_images([code(picture, ratio) for picture in pictures])


def jpeg2000_layers(images: Tensor) -> Callable[[float], Tensor]:
    """JPEG 2000 whose levels are the quality layers of one codestream.

    Writing takes ten times as long as reading, and all levels of a ladder are written at once.
    """
    ratios = sorted(LEVELS["jpeg2000"], reverse=True)
    streams = [_encode(picture, ratios) for picture in _to_pictures(images)]
    return lambda ratio: _to_images([_decode_layers(stream, ratios.index(ratio) + 1) for stream in streams])


def _encode(picture: np.ndarray, ratios: list[float]) -> bytes:
    # OpenJPEG codes the blocks of a picture on as many threads as this variable says, to the same bits.
    os.environ.setdefault("OPJ_NUM_THREADS", str(torch.get_num_threads()))
    stream = io.BytesIO()
    resolutions = min(8, min(picture.shape[:2]).bit_length())  # no more halvings than fit
    Image.fromarray(picture).save(
        stream, "JPEG2000", quality_mode="rates", quality_layers=ratios, num_resolutions=resolutions
    )
    return stream.getvalue()


def _decode_layers(stream: bytes, layers: int) -> np.ndarray:
    with Image.open(io.BytesIO(stream)) as picture:
        # Pillow passes its attribute `layers` on only together with `reduce`; so it goes in by hand.
        tile = picture.tile[0]
        settings = list(tile.args or ())
        settings[2] = layers
        picture.tile = [tile._replace(args=tuple(settings))]
        return np.asarray(picture)


def _to_pictures(images: Tensor) -> list[np.ndarray]:
    """Turn images into arrays of height x width x 3 bytes."""
    return list(to_bytes(images.permute(0, 2, 3, 1).contiguous()).numpy())


def _to_images(pictures: list[np.ndarray]) -> Tensor:
    planes = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return planes.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
