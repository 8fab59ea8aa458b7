"""The gradCAM maps of a data set's pictures, for the page of all pictures: whose, of what, and drawn."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.reporting.run import Run
from benchmark.reporting.source import Source

#: Columns of the index of the maps that tell which picture of the data set one is of.
NEEDED = {"map", "image", "picture", "method", "target", "distortion", "level", "region"}


@dataclass(frozen=True)
class Mapped:
    """A picture with a rectangle degraded, and the maps of it.

    Parameters
    ----------
    picture
        The picture of the data set whose rectangle was degraded.
    distortion, level
        Of the rectangle.
    image
        The degraded picture, below ``results/gradcam``.
    region
        Name of the rectangle among the maps.
    maps
        Name of each map by method and target, in the order of the index.
    """

    picture: str
    distortion: str
    level: float
    image: str
    region: str
    maps: Mapping[tuple[str, str], str]

    @property
    def file(self) -> str:
        """Name that the drawn picture has beside the small copies."""
        return f"mapped-{Path(self.image).stem}.jpg"

    def drawn(self, method: str, target: str) -> str:
        """Name that a drawn map has beside the small copies."""
        return f"mapped-{Path(self.image).stem}-{list(self.maps).index((method, target)):03d}.jpg"


def sources(run: Run) -> tuple[Source, Source]:
    """Return the index of the maps, and the maps."""
    return run.source("results/gradcam/maps.csv"), run.source("results/gradcam/maps.npz")


def mapped(run: Run, dataset: str) -> list[Mapped]:
    """Return what was mapped of a data set; nothing where pages show no pictures, or nothing was."""
    index, maps = sources(run)
    asked = (run.settings.get("gradcam") or {}).get("dataset")
    if not run.shows_pictures or asked != dataset or index.content is None or maps.content is None:
        return []
    frame = index.frame
    if frame.empty or not set(frame) >= NEEDED:
        return []
    return [_one(part) for _, part in frame.groupby("image", sort=False)]


def _one(part: pd.DataFrame) -> Mapped:
    first = part.iloc[0]
    maps = {(row["method"], row["target"]): row["map"] for row in part.to_dict("records")}
    about = {key: first[key] for key in ("picture", "distortion", "image", "region")}
    return Mapped(**about, level=float(first["level"]), maps=maps)


def files(run: Run, dataset: str) -> dict[str, bytes]:
    """Every picture of `mapped`, drawn with its rectangle, and its maps over it, by their names.

    All maps of a picture have one scale, so that methods can be compared; the picture below them is grey.
    """
    listed = mapped(run, dataset)
    if not listed:
        return {}
    found = dict[str, bytes]()
    with np.load(io.BytesIO(sources(run)[1].content or b"")) as stored:
        for one in listed:
            found |= _drawn(run, one, stored)
    return found


def _drawn(run: Run, one: Mapped, stored: Any) -> Iterator[tuple[str, bytes]]:
    import torch

    from benchmark.images import read
    from benchmark.pictures.overlay import overlay
    from benchmark.pictures.thumbnails import encoded, reduced

    small = reduced(read(run.path(f"results/gradcam/{one.image}")))
    region = stored[one.region]
    yield one.file, encoded(_framed(small, region))
    raw = {key: torch.from_numpy(stored[name]).float() for key, name in one.maps.items()}
    scale = max(float(values.abs().max()) for values in raw.values()) or 1.0
    for key, values in raw.items():
        yield one.drawn(*key), encoded(_framed(overlay(small, values, scale), region))


def _framed(picture: Any, region: NDArray[np.bool_]) -> Any:
    """Draw the outline of a rectangle, white beside black: it is seen on any ground."""
    framed = picture.clone()
    ends = []
    for axis, side in ((1, picture.shape[1]), (0, picture.shape[2])):
        inside = np.flatnonzero(region.any(axis=axis))
        scale = side / region.shape[1 - axis]
        ends.append((round(inside[0] * scale), min(side, round((inside[-1] + 1) * scale)) - 1))
    (top, bottom), (left, right) = ends
    for inset, colour in ((0, 1.0), (1, 0.0)):
        y, x = (top + inset, bottom - inset), (left + inset, right - inset)
        if y[0] < y[1] and x[0] < x[1]:
            framed[:, y, x[0] : x[1] + 1] = colour
            framed[:, y[0] : y[1] + 1, x] = colour
    return framed
