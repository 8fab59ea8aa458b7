"""The photographs that ship inside the wheels of scikit-image, scikit-learn and Matplotlib, split by content.

Left out: microscope and medical pictures (ihc, retina, cell), graphics (logo, color), scans of text, and what
is blurred or nearly all black (moon, clock_motion, hubble_deep_field). The right half of the stereo pair
``motorcycle`` shows what the left one shows, so only the left one is used. Those of the training are in
colour; five of the test are grey. The rocket and Grace Hopper are JPEG files: at the default size they are
scaled down by more than two, which leaves nothing of their blocks.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from benchmark.images import read


@dataclass(frozen=True)
class Photograph:
    """A photograph inside an installed package.

    Parameters
    ----------
    name
        Name of its content.
    package
        Import name of the package that holds it.
    file
        Path below the package's folder.
    author, licence, source
        As the package's own documentation states them.
    split
        "train" serves the data set ``pristine``, "test" serves ``demo``; a content has one split.
    grey
        Whether it has no colours.
    """

    name: str
    package: str
    file: str
    author: str
    licence: str
    source: str
    split: Literal["train", "test"]
    grey: bool = False


PHOTOGRAPHS = (
    Photograph(
        "china",
        "sklearn",
        "datasets/images/china.jpg",
        "danielbuechele",
        "CC BY 2.0",
        "https://www.flickr.com/photos/danielbuechele/6061409035/",
        "train",
    ),
    Photograph(
        "flower",
        "sklearn",
        "datasets/images/flower.jpg",
        "vultilion",
        "CC BY 2.0",
        "https://www.flickr.com/photos/vultilion/6056698931/",
        "train",
    ),
    Photograph(
        "motorcycle",
        "skimage",
        "data/motorcycle_left.png",
        "D. Scharstein et al., Middlebury stereo data sets 2014",
        "not stated; distributed with scikit-image",
        "https://vision.middlebury.edu/stereo/data/scenes2014/",
        "train",
    ),
    Photograph(
        "astronaut",
        "skimage",
        "data/astronaut.png",
        "NASA",
        "public domain, no known copyright restrictions",
        "https://flic.kr/p/r9qvLn",
        "test",
    ),
    Photograph(
        "chelsea",
        "skimage",
        "data/chelsea.png",
        "Stefan van der Walt",
        "CC0",
        "https://scikit-image.org/docs/stable/api/skimage.data.html",
        "test",
    ),
    Photograph(
        "coffee",
        "skimage",
        "data/coffee.png",
        "Rachel Michetti, courtesy of Pikolo Espresso Bar",
        "CC0",
        "https://scikit-image.org/docs/stable/api/skimage.data.html",
        "test",
    ),
    Photograph(
        "rocket",
        "skimage",
        "data/rocket.jpg",
        "SpaceX",
        "public domain",
        "https://www.flickr.com/photos/spacexphotos/16511594820/",
        "test",
    ),
    Photograph(
        "hopper",
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "James S. Davis, US Navy",
        "public domain",
        "https://commons.wikimedia.org/wiki/File:Commodore_Grace_M._Hopper,_USN_(covered).jpg",
        "test",
    ),
    Photograph(
        "camera",
        "skimage",
        "data/camera.png",
        "Lav Varshney",
        "CC0",
        "https://github.com/scikit-image/scikit-image/issues/3927",
        "test",
        grey=True,
    ),
    Photograph(
        "coins",
        "skimage",
        "data/coins.png",
        "Brooklyn Museum",
        "no known copyright restrictions",
        "https://www.brooklynmuseum.org/opencollection/archives/image/51611",
        "test",
        grey=True,
    ),
    Photograph(
        "brick",
        "skimage",
        "data/brick.png",
        "CC0Textures",
        "CC0",
        "https://cc0textures.com/view.php?tex=Bricks25",
        "test",
        grey=True,
    ),
    Photograph(
        "gravel",
        "skimage",
        "data/gravel.png",
        "CC0Textures",
        "CC0",
        "https://cc0textures.com/view.php?tex=Gravel04",
        "test",
        grey=True,
    ),
    Photograph(
        "grass",
        "skimage",
        "data/grass.png",
        "linolafett",
        "CC0",
        "https://www.deviantart.com/linolafett/art/Grass-01-434853879",
        "test",
        grey=True,
    ),
)


def photograph_path(photograph: Photograph) -> Path:
    """Where the installed package keeps the file; the package itself is not imported.

    Raises
    ------
    ValueError
        If the package is not installed, or its version no longer ships the file.
    """
    spec = importlib.util.find_spec(photograph.package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / photograph.file
        if path.is_file():
            return path
    raise ValueError(
        f"the photograph {photograph.file!r} is not in the installed package {photograph.package!r}; "
        "install the versions of requirements.lock"
    )


def read_photograph(photograph: Photograph, short_side: int) -> Tensor:
    """Read a photograph scaled down (antialiased bicubic) to a short side of `short_side` pixels.

    Raises
    ------
    ValueError
        If the photograph is smaller: enlarging it would make it blurred, no reference.
    """
    image = read(photograph_path(photograph))
    height, width = image.shape[1:]
    if min(height, width) < short_side:
        raise ValueError(
            f"photograph {photograph.name!r} is {width}x{height}, too small for a short side of {short_side}"
            f"; choose a size of at most {min(height, width)}"
        )
    factor = short_side / min(height, width)
    size = (round(height * factor), round(width * factor))
    scaled: Tensor = interpolate(image[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)
    return scaled


def centre_square(image: Tensor) -> Tensor:
    """Cut the largest square from the middle of ``image [3, H, W]``."""
    height, width = image.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, top : top + side, left : left + side]


def tiles(image: Tensor, size: int) -> list[Tensor]:
    """Cover ``image [3, H, W]`` by squares of `size`, evenly spaced, overlapping by a quarter at least."""

    def starts(length: int) -> list[int]:
        count = -(-(length - size) // (3 * size // 4)) + 1
        return torch.linspace(0, length - size, count).round().int().tolist()

    height, width = image.shape[1:]
    return [image[:, y : y + size, x : x + size] for y in starts(height) for x in starts(width)]
