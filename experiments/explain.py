"""Pictures of where a score comes from, for ``iqa score --explain``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from tqdm import tqdm

from benchmark.attribution import maps
from benchmark.attribution.overlay import overlay
from benchmark.images import read, write_png
from benchmark.method import HasGradients, Method
from experiments.inputs import Picture


def explain(paths: Sequence[Picture], method: Method, folder: Path) -> None:
    """Write where each picture raises or lowers the score: raw maps, and overlays on one colour scale.

    Parameters
    ----------
    paths
        Pictures that can be read.
    method
        A method with gradients; it has to be on the CPU.
    folder
        Takes ``maps.npz`` (raw maps by name of the overlay) and one PNG a picture.

    Raises
    ------
    ValueError
        If the method has no gradients.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        f"{index:05d}_{Path(path).stem}": maps(cast(HasGradients, method), read(path)[None], ["score"])[0, 0]
        for index, path in enumerate(tqdm(paths, unit="img", desc="explain", disable=None))
    }
    raw_maps: dict[str, Any] = {name: raw.numpy() for name, raw in found.items()}
    np.savez_compressed(folder / "maps.npz", **raw_maps)
    scale = max((float(raw.abs().max()) for raw in found.values()), default=0.0)
    for path, (name, raw) in zip(paths, found.items(), strict=True):
        write_png(folder / f"{name}.png", overlay(read(path), raw, scale or 1.0))
