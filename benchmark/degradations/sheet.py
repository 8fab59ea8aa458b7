"""One picture of all types at all levels, and files degraded."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from benchmark import files, images
from benchmark.degradations.engine import degrade
from benchmark.degradations.levels import LEVELS, Order

_LABEL = 18  # height of the line above a strip, pixels
_GAP = 10  # between strips


def contact_sheet(image: Tensor, seed: int = 0, columns: int = 3, order: Order = "reference") -> Image.Image:
    """Lay out the 24 types, a strip of five levels each, from the mildest to the strongest.

    Parameters
    ----------
    image
        ``[3, H, W]``, RGB in [0, 1]; shown pixel for pixel, so about 150 pixels a side fit a page.
    seed
        Seed of the draws.
    columns
        Strips beside each other.
    order
        As for `benchmark.degradations.degrade`.

    Returns
    -------
    PIL.Image.Image
        The sheet, RGB.
    """
    height, width = image.shape[1:]
    rows = -(-len(LEVELS) // columns)
    size = (columns * (5 * width + _GAP), rows * (height + _LABEL + _GAP))
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_LABEL - 5)
    copies = image.expand(5, -1, -1, -1)
    for place, kind in enumerate(LEVELS):
        left = place // rows * (5 * width + _GAP)
        top = place % rows * (height + _LABEL + _GAP)
        pen.text((left, top), kind, "black", font)
        strip = degrade(copies, kind, range(1, 6), [seed] * 5, order).permute(2, 0, 3, 1).flatten(1, 2)
        pixels = (strip * 255).round().byte().numpy()
        sheet.paste(Image.fromarray(np.ascontiguousarray(pixels)), (left, top + _LABEL))
    return sheet


def degrade_file(
    path: str | os.PathLike[str], kind: str, level: int, out: str | os.PathLike[str], seed: int = 0
) -> None:
    """Degrade a picture file by one type at one level and write the result.

    Parameters
    ----------
    path
        Picture to read.
    kind, level, seed
        As for `benchmark.degradations.degrade`.
    out
        PNG file to write; another format would degrade the picture once more.

    Raises
    ------
    ValueError
        If the picture cannot be read or ``out`` is no PNG (the message names the file), or as `degrade`.
    """
    _check_png(out)
    images.write_png(out, degrade(images.read(path)[None], kind, level, [seed])[0])


def sheet_file(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    seed: int = 0,
    *,
    order: Order = "reference",
    side: int = 144,
) -> None:
    """Write the contact sheet of a picture file: its largest central square, reduced.

    Parameters
    ----------
    path
        Picture to read.
    out
        PNG file to write.
    seed
        Seed of the draws.
    order
        As for `benchmark.degradations.degrade`.
    side
        Width and height of the reduced picture, pixels.

    Raises
    ------
    ValueError
        If the picture cannot be read or ``out`` is no PNG.
    """
    from torchvision.transforms.v2.functional import center_crop, resize  # a second, which few need

    _check_png(out)
    picture = images.read(path)
    picture = center_crop(picture, [min(picture.shape[1:])] * 2)
    small = resize(picture, [side, side], antialias=True).clamp(0, 1)
    with files.whole(Path(out)) as aside:
        contact_sheet(small, seed, order=order).save(aside, format="PNG")


def _check_png(out: str | os.PathLike[str]) -> None:
    if Path(out).suffix.lower() != ".png":
        raise ValueError(f"{out}: give a name that ends in .png; other formats would add losses of their own")
