"""Squares cut out of photographs: of many scales and tones, mostly of what has detail, mildly compressed.

A network that is to compare different pictures must not learn that a dark, grey, soft or lightly compressed
one is a bad one; so the pristine squares differ in all of that, and only the degradations differ in quality.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from benchmark import files
from benchmark.datasets._seeds import item_seed

#: Side of a square in pixels, and squares of a photograph.
SIZE, EACH = 224, 18
#: A photograph is scaled down by this at least, which leaves little of its noise and of its JPEG blocks.
LEAST_SCALE = 1.5
#: Share of squares that are the richest in detail of `CHOICES` draws.
RICH, CHOICES = 0.7, 4
#: Mean difference of neighbouring pixels, of values in [0, 1], below which a square shows nothing.
FLAT = 0.008
#: Least ratio of the differences of neighbouring pixels to those at a quarter of the size; below lies what is
#: out of focus, and dark skies. A sharp square has .5 to 1.
SOFT = 0.42
#: Shares of squares with other tones, without colours, and compressed by JPEG of quality 75 to 92.
TONED, GREY, COMPRESSED = 0.5, 0.12, 0.5


def cut(photograph: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cut out a square of random scale and place; all scales down to the whole short side are as likely."""
    width, height = photograph.size
    short, least = min(width, height), SIZE * LEAST_SCALE
    side = min(int(np.exp(rng.uniform(np.log(least), np.log(max(least, short))))), short)
    left, top = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    filtered = Image.Resampling.LANCZOS if rng.random() < 0.5 else Image.Resampling.BOX
    return photograph.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), filtered)


def detail(square: Image.Image) -> float:
    """Mean difference of neighbouring pixels of the luma at half the size, of values in [0, 1]."""
    return float(sum(np.abs(one).mean() for one in _differences(square, 2)))


def sharpness(square: Image.Image) -> float:
    """Ratio of the root mean square differences of neighbouring pixels, of all to a quarter of the size."""
    fine, coarse = (sum(np.square(one).mean() for one in _differences(square, by)) for by in (1, 4))
    return float(np.sqrt(fine / max(coarse, 1e-9)))


def _differences(square: Image.Image, by: int) -> list[NDArray[np.float32]]:
    """Differences of the luma down and across, with the square made smaller by a whole number."""
    small = square.convert("L").reduce(by)
    return [np.diff(np.asarray(small, dtype=np.float32) / 255, axis=axis) for axis in (0, 1)]


def toned(square: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Change gamma, contrast, brightness and saturation."""
    values: NDArray[np.floating] = np.asarray(square, dtype=np.float32) / 255
    values = values ** np.exp(rng.uniform(-0.5, 0.5))
    values = (values - 0.5) * np.exp(rng.uniform(-0.25, 0.35)) + 0.5 + rng.uniform(-0.08, 0.08)
    changed = Image.fromarray((values.clip(0, 1) * 255 + 0.5).astype(np.uint8))
    return ImageEnhance.Color(changed).enhance(float(np.exp(rng.uniform(-0.5, 0.5))))


def square(photograph: Image.Image, rng: np.random.Generator) -> Image.Image | None:
    """Draw a square of a photograph; None where it shows nothing, or is not sharp."""
    draws = CHOICES if rng.random() < RICH else 1
    found = max((cut(photograph, rng) for _ in range(draws)), key=detail)
    if detail(found) < FLAT or sharpness(found) < SOFT:
        return None
    if rng.random() < TONED:
        found = toned(found, rng)
    if rng.random() < GREY:
        found = found.convert("L").convert("RGB")
    return found.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else found


def write(photograph: Path, digest: str, out: Path, seed: int) -> list[Path]:
    """Write the squares of a photograph as JPEG; those that show nothing sharp are left out.

    Parameters
    ----------
    photograph
        The file.
    digest
        SHA-256 of its content, from which everything is drawn.
    out
        Folder that is there.
    seed
        Of the run.
    """
    with Image.open(photograph) as image:
        pixels = image.convert("RGB")
    written = []
    for index in range(EACH):
        rng = np.random.default_rng(item_seed(seed, "square", digest, str(index)))
        if (found := square(pixels, rng)) is None:
            continue
        mild = rng.random() < COMPRESSED
        quality = int(rng.integers(75, 93)) if mild else 95
        path = out / f"{digest[:12]}_{index:02d}.jpg"
        with files.whole(path) as aside:
            coarse = mild and rng.random() < 0.5  # colours at half the resolution, as cameras and the web do
            found.save(aside, format="JPEG", quality=quality, subsampling=2 if coarse else 0)
        written.append(path)
    return written
