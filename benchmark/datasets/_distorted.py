"""The construction that `demo` and `leaves` share: references x degradations x levels, scored by a proxy."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from benchmark.datasets import proxy
from benchmark.datasets._seeds import item_seed
from benchmark.datasets.prepared.manifest import write_dataset
from benchmark.datasets.prepared.record import Record
from benchmark.degradations import GROUPS, degrade
from benchmark.images import write_png

_Label = tuple[str, str, int]  # reference, type, level


def write_distorted(
    target: Path, record: Record, references: dict[str, Tensor], levels: Sequence[int], seed: int
) -> None:
    """Degrade every reference by every type at every level, and write the data set with its ``proxy.csv``.

    The random parts of a degradation (noise field, direction, places) are drawn once for a reference and type
    and shared by its levels, so that a level differs from the next by its strength alone.

    Parameters
    ----------
    target
        Folder of the data set.
    record
        Its card.
    references
        Name -> picture ``[3, H, W]``, RGB in [0, 1], all of one size.
    levels
        Among 1 (mildest) to 5.
    seed
        Seed of the random parts.
    """
    if not references or not levels or not set(levels) <= {1, 2, 3, 4, 5}:
        raise ValueError(
            f"{target.name}: needs references and levels among 1 to 5, got levels {list(levels)}"
        )
    (target / "images").mkdir(parents=True, exist_ok=True)
    names = list(references)
    pristine = eight_bits(torch.stack([references[name] for name in names]))

    def keep(images: Tensor, originals: Tensor, labels: list[_Label]) -> tuple[list[str], pd.DataFrame]:
        files = [f"images/{name}_{kind}_{level}.png" for name, kind, level in labels]
        for file, image in zip(files, images, strict=True):
            write_png(target / file, image)
        return files, proxy.measure(images, originals)

    def distort(kind: str) -> tuple[list[str], pd.DataFrame]:
        seeds = torch.tensor([item_seed(seed, name, kind) for name, _, _ in labels[kind]])
        originals = pristine.repeat(len(levels), 1, 1, 1)
        strength = torch.tensor([level for _, _, level in labels[kind]])
        return keep(eight_bits(degrade(originals, kind, strength, seeds)), originals, labels[kind])

    labels: dict[str, list[_Label]] = {
        kind: [(name, kind, level) for level in levels for name in names]
        for kind in (kind for kinds in GROUPS.values() for kind in kinds)
    }
    untouched = [(name, "pristine", 0) for name in names]
    with ThreadPoolExecutor(2) as pool:
        made = [keep(pristine, pristine, untouched), *pool.map(distort, labels)]
    rows = [label for part in (untouched, *labels.values()) for label in part]
    frame = pd.DataFrame(rows, columns=["reference", "distortion", "level"])
    frame.insert(0, "image", [file for files, _ in made for file in files])
    measured = pd.concat([values for _, values in made], ignore_index=True)
    # Six decimals: what lies beyond is float32 noise, which differs from machine to machine.
    write_dataset(target, record, frame.assign(mos=proxy.combine(measured).round(6), split="test"))
    measured.insert(0, "image", frame["image"])
    measured.to_csv(target / "proxy.csv", index=False, float_format="%.6g", lineterminator="\n")


def eight_bits(images: Tensor) -> Tensor:
    """Round to the 256 values a file holds, so that what is measured is what is read again."""
    return images.clamp(0, 1).mul(255).round().div(255)
