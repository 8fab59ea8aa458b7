"""The construction that `demo` and `leaves` share: references, degraded, scored by a proxy."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.datasets import proxy
from benchmark.datasets._seeds import item_seed
from benchmark.datasets.prepared.manifest import write_dataset
from benchmark.datasets.prepared.record import Record
from benchmark.degradations import LEVELS, degrade
from benchmark.images import write_png

#: Reference, type, level.
Label = tuple[str, str, int]

Cell = TypeVar("Cell")


def write_distorted(
    target: Path, record: Record, references: dict[str, Tensor], labels: Sequence[Label], seed: int
) -> None:
    """Degrade the references, and write the data set with its ``proxy.csv``.

    The random parts of a degradation (noise field, direction, places) are drawn once for a reference and type
    and shared by its levels, so that a level differs from the next by its strength alone. A degradation that
    changes nothing (the colours of a grey picture) makes no picture.

    Parameters
    ----------
    target
        Folder of the data set.
    record
        Its card.
    references
        Name -> picture ``[3, H, W]``, RGB in [0, 1], all of one size.
    labels
        Which degradations each gets: one of the 24 types, at a level of 1 (mildest) to 5.
    seed
        Seed of the random parts.
    """
    levels = sorted({level for _, _, level in labels})
    if not references or not levels or not set(levels) <= {1, 2, 3, 4, 5}:
        raise ValueError(f"{target.name}: needs references and levels among 1 to 5, got levels {levels}")
    (target / "images").mkdir(parents=True, exist_ok=True)
    pristine = {name: eight_bits(image) for name, image in references.items()}
    parts = [[(name, "pristine", 0) for name in references]]
    parts += [[label for label in labels if label[1] == kind] for kind in LEVELS]

    def make(part: list[Label]) -> pd.DataFrame | None:
        originals = torch.stack([pristine[name] for name, _, _ in part])
        images, kind = originals, part[0][1]
        if kind != "pristine":
            seeds = torch.tensor([item_seed(seed, name, kind) for name, _, _ in part])
            strength = torch.tensor([level for _, _, level in part])
            images = eight_bits(degrade(originals, kind, strength, seeds))
            changed = (images != originals).flatten(1).any(1).tolist()
            part = [label for label, differs in zip(part, changed, strict=True) if differs]
            images, originals = images[changed], originals[changed]
        if not part:
            return None
        frame = pd.DataFrame(part, columns=["reference", "distortion", "level"])
        frame.insert(0, "image", [f"images/{name}_{kind}_{level}.png" for name, kind, level in part])
        for file, image in zip(frame["image"], images, strict=True):
            write_png(target / file, image)
        return frame.join(proxy.measure(images, originals))

    with ThreadPoolExecutor(2) as pool:
        made = pd.concat(
            [frame for frame in pool.map(make, filter(None, parts)) if frame is not None], ignore_index=True
        )
    measured = made[["image", *proxy.METRICS]]
    # Six decimals: what lies beyond is float32 noise, which differs from machine to machine.
    frame = made.drop(columns=list(proxy.METRICS)).assign(mos=proxy.combine(measured).round(6), split="test")
    write_dataset(target, record, frame)
    measured.to_csv(target / "proxy.csv", index=False, float_format="%.6g", lineterminator="\n")


def dealt(names: Sequence[str], deck: Sequence[Cell], each: int | None, seed: int) -> list[tuple[str, Cell]]:
    """Deal a deck to references, as evenly as can be.

    The deck is shuffled, and each reference takes the next ``each`` cards of it; when it is used up it is
    shuffled anew. So no card comes more than once more often than another, and no reference gets the same
    twice. Many references with a few degradations each tell more of a method than few with all of them:
    pictures of one reference rise and fall together.

    Parameters
    ----------
    names
        The references.
    deck
        What is dealt: types, or types at levels.
    each
        Cards a reference; must divide the deck. Nothing: all of them.
    seed
        Seed of the shuffling.

    Returns
    -------
    list
        Pairs of a reference and a card, in the order of ``names``, and of the deck within a hand.

    Raises
    ------
    ValueError
        If ``each`` does not divide the deck.
    """
    if not deck:
        return []
    each = len(deck) if each is None else each
    if each < 1 or len(deck) % each:
        fit = [n for n in range(1, len(deck) + 1) if not len(deck) % n]
        raise ValueError(
            f"{each} a reference do not divide the {len(deck)} that are dealt; take one of {fit}"
        )
    hands = len(deck) // each
    dealt: list[tuple[str, Cell]] = []
    for place, name in enumerate(names):
        order = np.random.default_rng([item_seed(seed, "dealt"), place // hands]).permutation(len(deck))
        start = place % hands * each
        dealt += [(name, deck[card]) for card in sorted(order[start : start + each])]
    return dealt


def eight_bits(images: Tensor) -> Tensor:
    """Round to the 256 values a file holds, so that what is measured is what is read again."""
    return images.clamp(0, 1).mul(255).round().div(255)
