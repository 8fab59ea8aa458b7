"""Pictures of where a score comes from, for ``iqa score --explain``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from torch import Tensor
from tqdm import tqdm

from benchmark import files
from benchmark.attribution import maps
from benchmark.attribution.overlay import overlay
from benchmark.images import read, write_png
from benchmark.method import HasGradients, Method
from experiments.scoring.inputs import Picture


def explain(paths: Sequence[Picture], method: Method, folder: Path) -> list[str]:
    """Write where each picture raises or lowers the score: raw maps, and overlays on one colour scale.

    Parameters
    ----------
    paths
        Pictures that were scored.
    method
        A method with gradients.
    folder
        Takes ``maps.npz`` (raw maps by name of the overlay) and one PNG a picture.

    Returns
    -------
    list of str
        What could not be explained, with the reason; the others are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_name: dict[str, Tensor] = {}
    shown: list[Picture] = []
    left: list[str] = []
    for index, path in enumerate(tqdm(paths, unit="img", desc="explain", disable=None)):
        try:
            by_name[_name(index, path)] = maps(cast(HasGradients, method), read(path)[None], ["score"])[0, 0]
            shown.append(path)
        except ValueError as error:  # gone since, or too small for gradients of this layer
            left.append(f"{path}: not explained ({error})")
    raw_maps = {name: raw.numpy() for name, raw in by_name.items()}
    files.write_bytes(folder / "maps.npz", files.packed(raw_maps, compressed=True))
    scale = max((float(raw.abs().max()) for raw in by_name.values()), default=0.0)
    for path, (name, raw) in zip(shown, by_name.items(), strict=True):
        write_png(folder / f"{name}.png", overlay(read(path), raw, scale or 1.0))
    return left


def _name(index: int, path: Picture) -> str:
    """Name of a picture's overlay: its place and its own name, in UTF-8 and no longer than a disk takes."""
    stem = os.fsencode(Path(path).stem)[:180]
    return f"{index:05d}_{stem.decode(errors='replace')}"
