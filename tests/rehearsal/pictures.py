"""Seeded textures of one spectrum, so that what was done to a picture alone decides how sharp it is."""

import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

#: Width and height of the pictures that are scored, and of those that are trained on.
SMALL, LARGE = (144, 128), (256, 240)


def texture(name, size=SMALL):
    """RGB ``[H, W, 3]`` in [0, 1]: random phases under an amplitude of 1/f, drawn from the name."""
    width, height = size
    draw = np.random.RandomState(zlib.crc32(name.encode()))
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    distance = np.hypot(rows, columns)
    distance[0, 0] = np.inf
    planes = [
        np.fft.ifft2(np.fft.fft2(draw.standard_normal((height, width))) / distance).real for _ in range(3)
    ]
    planes = [planes[0] + 0.3 * plane for plane in planes]
    return np.stack([0.5 + 0.14 * plane / plane.std() for plane in planes], 2).clip(0, 1)


def blurred(picture, sigma):
    return gaussian_filter(picture, (sigma, sigma, 0), mode="reflect")


def noisy(picture, deviation, name):
    draw = np.random.RandomState(zlib.crc32(f"noise {name}".encode()))
    return picture + deviation * draw.standard_normal(picture.shape)


def write(path, picture):
    """Write in the format that the file's name tells."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": 98, "subsampling": 0} if path.suffix == ".jpg" else {}
    Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8)).save(path, **options)
