"""Small copies of pictures that hide nothing: the whole without sharpening, a part at full size.

A reduced picture loses what many distortions are made of (noise, blocks, slight blur), so beside it lies a
square of its middle, pixel for pixel. Both stand in one file: the whole on the left, the square at ``crop``.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmark.images import ImageError, read

#: Longest side of the whole, and side of the square, pixels; a picture up to `FULL` is kept as it is, alone.
SIDE, FULL = 144, 192
#: Blocks of JPEG: the square begins on one, so that nothing bleeds from one part into the other.
_BLOCK = 8
INDEX = ("image", "file", "width", "height", "wide", "high", "crop", "error")


def reduced(picture: Tensor, side: int = SIDE) -> Tensor:
    """Reduce a picture ``[3, H, W]`` to a longest side, as it is where that is no smaller.

    The antialiased triangle filter has no negative weights: edges are not sharpened, no value leaves the
    range of those around it.
    """
    high, wide = picture.shape[1:]
    scale = side / max(high, wide)
    if scale >= 1:
        return picture
    size = (max(1, round(high * scale)), max(1, round(wide * scale)))
    return F.interpolate(picture[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def encoded(picture: Tensor, quality: int = 90) -> bytes:
    """Encode ``[3, H, W]`` in [0, 1] as JPEG, colours at full resolution."""
    buffer = io.BytesIO()
    Image.fromarray(_bytes(picture)).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def thumbnail(picture: Tensor, side: int = SIDE) -> tuple[bytes, dict[str, int]]:
    """Return a picture's small copy as JPEG, and the columns of `INDEX` that say what lies where in it."""
    height, width = picture.shape[1:]
    whole = picture if max(height, width) <= FULL else reduced(picture, side)
    high, wide = whole.shape[1:]
    about = {"width": width, "height": height, "wide": wide, "high": high, "crop": 0}
    if whole is picture:
        return encoded(whole), about
    y, x = max(0, (height - side) // 2), max(0, (width - side) // 2)
    part = picture[:, y : y + side, x : x + side]
    about["crop"] = -(-wide // _BLOCK) * _BLOCK
    canvas = F.pad(whole, (0, about["crop"] - wide, 0, 0), mode="replicate")
    tall = max(high, part.shape[1])
    both = [F.pad(one, (0, 0, 0, tall - one.shape[1]), mode="replicate") for one in (canvas, part)]
    return encoded(torch.cat(both, dim=2)), about


def _bytes(picture: Tensor) -> NDArray[np.uint8]:
    return picture.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).contiguous().numpy()


def packed(root: Path, images: Sequence[str], short_side: int = 0) -> bytes:
    """Return the small copies of all pictures as a ZIP archive without dates, and in it their index.

    Parameters
    ----------
    root
        Folder of the data set.
    images
        Paths below it. The name of a copy is the place of its picture among them.
    short_side
        As pictures of this data set are scaled before a method sees them: what is shown is what was scored.

    Returns
    -------
    bytes
        ``00000.jpg`` ..., and ``index.csv`` with the columns `INDEX`; a picture that cannot be read has no
        file and a reason.
    """
    buffer, rows = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, image in enumerate(images):
            row: dict[str, Any] = {"image": image, "file": "", "error": ""}
            try:
                content, about = thumbnail(read(root / image, short_side))
            except ImageError as error:
                row["error"] = str(error).replace(str(root / image), image)
            else:
                row |= {"file": f"{place:05d}.jpg", **about}
                archive.writestr(zipfile.ZipInfo(row["file"]), content)
            rows.append(row)
        index = pd.DataFrame(rows, columns=list(INDEX)).to_csv(index=False, lineterminator="\n")
        archive.writestr(zipfile.ZipInfo("index.csv"), index)
    return buffer.getvalue()


class Thumbnails:
    """The small copies that `packed` made, read from the archive one by one.

    Parameters
    ----------
    content
        The archive.
    """

    def __init__(self, content: bytes) -> None:
        self.archive = zipfile.ZipFile(io.BytesIO(content))
        words = dict.fromkeys(("image", "file", "error"), str)
        lacking = {name: [""] for name in INDEX if name not in words}
        listing = self.archive.open("index.csv")
        table = pd.read_csv(listing, dtype=words, keep_default_na=False, na_values=lacking)
        self.index: Mapping[str, Mapping[str, Any]] = {row["image"]: row for row in table.to_dict("records")}

    def file(self, image: str) -> str:
        """Name of the file of a picture, "" where it has none."""
        return str(self.index[image]["file"]) if image in self.index else ""

    def read(self, image: str) -> bytes:
        """Bytes of the file of a picture.

        Raises
        ------
        KeyError
            If it has none.
        """
        return self.archive.read(self.file(image))
