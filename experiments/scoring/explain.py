"""Pictures of where a score comes from, for ``iqa score --explain``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmark import files
from benchmark.attribution import maps
from benchmark.images import read, write_png
from benchmark.method import HasGradients, Method
from benchmark.pictures.overlay import overlay
from benchmark.pictures.thumbnails import encoded, reduced
from benchmark.reporting.html import render
from experiments.scoring.inputs import Picture

#: Share of all values of all maps that the scale holds: a few peaks would leave the others without colour.
INSIDE = 0.99
#: The difference of these outputs is the score before its softmax, whose gradient dies near 0 and 1.
PAIR = ("positive", "negative")


def explain(
    paths: Sequence[Picture], method: Method, folder: Path, scores: Sequence[float] | None = None
) -> list[str]:
    """Write where each picture raises or lowers the score: raw maps, and overlays on one colour scale.

    Where a method compares similarities, their difference before the softmax is attributed. A gradCAM map is
    linear in what it explains, so that is the difference of two maps.

    Parameters
    ----------
    paths
        Pictures that were scored.
    method
        A method with gradients.
    folder
        Takes ``maps.npz`` (raw maps by name of the overlay), one PNG a picture, and ``index.html``, a contact
        sheet with the colour key.
    scores
        Of the pictures, by which the sheet is sorted, the best first; without them it has their order.

    Returns
    -------
    list of str
        What could not be explained, with the reason; the others are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_name: dict[str, Tensor] = {}
    shown: list[int] = []
    left: list[str] = []
    for index, path in enumerate(tqdm(paths, unit="img", desc="explain", disable=None)):
        try:
            by_name[_name(index, path)] = raw_map(cast(HasGradients, method), read(path))
            shown.append(index)
        except ValueError as error:  # gone since, or too small for gradients of this layer
            left.append(f"{path}: not explained ({error})")
    raw_maps = {name: raw.numpy() for name, raw in by_name.items()}
    files.write_bytes(folder / "maps.npz", files.packed(raw_maps, compressed=True))
    scale = scale_of(raw_maps)
    rows = []
    for index, (name, raw) in zip(shown, by_name.items(), strict=True):
        picture = read(paths[index])
        write_png(folder / f"{name}.png", overlay(picture, raw, scale))
        score = None if scores is None else float(scores[index])
        small = encoded(reduced(picture, 288))
        rows.append({"name": _text(paths[index]), "file": f"{name}.png", "score": score, "picture": small})
    if scores is not None:
        rows.sort(key=lambda row: cast(float, row["score"]), reverse=method.higher_is_better)
    key = encoded(overlay(torch.full((3, 16, 240), 0.6), torch.linspace(-scale, scale, 240)[None], scale))
    output = "difference of similarities, before the softmax" if _compares(method) else "score"
    page = render("contact.html", rows=rows, title=method.name, scale=scale, key=key, output=output)
    files.write_text(folder / "index.html", page + "\n")
    return left


def raw_map(method: HasGradients, picture: Tensor) -> Tensor:
    """Map ``[h, w]`` of the difference of similarities of ``[3, H, W]``; of the score where there is none."""
    if not _compares(method):
        return maps(method, picture[None], ["score"])[0, 0]
    raised, lowered = maps(method, picture[None], PAIR)[0]
    return raised - lowered


def scale_of(raw_maps: Mapping[str, np.ndarray]) -> float:
    """Value at which colour is full in all overlays of a run: few places, by `INSIDE`, are beyond it."""
    values = np.concatenate([np.abs(raw).ravel() for raw in raw_maps.values()] or [np.zeros(1)])
    return float(np.quantile(values, INSIDE)) or float(values.max()) or 1.0


def _compares(method: object) -> bool:
    return set(PAIR) <= set(getattr(method, "cam_targets", ()))


def _name(index: int, path: Picture) -> str:
    """Name of a picture's overlay: its place and its own name, in UTF-8 and no longer than a disk takes."""
    stem = os.fsencode(Path(path).stem)[:180]
    return f"{index:05d}_{stem.decode(errors='replace')}"


def _text(path: Picture) -> str:
    """Name of a picture in UTF-8, whatever bytes the disk has for it."""
    return os.fsencode(path).decode(errors="replace")
