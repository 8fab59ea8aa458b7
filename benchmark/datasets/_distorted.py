"""The construction that `demo` and `leaves` share: references, degraded, scored by a proxy."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.datasets import proxy
from benchmark.datasets._seeds import item_seed
from benchmark.datasets.prepared.manifest import write_dataset
from benchmark.datasets.prepared.record import Record
from benchmark.degradations import GROUPS, degrade
from benchmark.images import write_png

KINDS = tuple(kind for kinds in GROUPS.values() for kind in kinds)

_Label = tuple[str, str, int]  # reference, type, level


def write_distorted(
    target: Path,
    record: Record,
    references: dict[str, Tensor],
    levels: Sequence[int],
    seed: int,
    each: int | None = None,
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
    levels
        Among 1 (mildest) to 5.
    seed
        Seed of the random parts, and of what is dealt.
    each
        How many degradations a reference gets, see `dealt`; nothing: every type at every level.
    """
    if not references or not levels or not set(levels) <= {1, 2, 3, 4, 5}:
        raise ValueError(
            f"{target.name}: needs references and levels among 1 to 5, got levels {list(levels)}"
        )
    labels = dealt(list(references), levels, each, seed)
    (target / "images").mkdir(parents=True, exist_ok=True)
    pristine = {name: eight_bits(image) for name, image in references.items()}
    parts = [[(name, "pristine", 0) for name in references]]
    parts += [[label for label in labels if label[1] == kind] for kind in KINDS]

    def make(part: list[_Label]) -> pd.DataFrame:
        originals = torch.stack([pristine[name] for name, _, _ in part])
        images, kind = originals, part[0][1]
        if kind != "pristine":
            seeds = torch.tensor([item_seed(seed, name, kind) for name, _, _ in part])
            strength = torch.tensor([level for _, _, level in part])
            images = eight_bits(degrade(originals, kind, strength, seeds))
            changed = (images != originals).flatten(1).any(1).tolist()
            part = [label for label, differs in zip(part, changed, strict=True) if differs]
            images, originals = images[changed], originals[changed]
        frame = pd.DataFrame(part, columns=["reference", "distortion", "level"])
        frame.insert(0, "image", [f"images/{name}_{kind}_{level}.png" for name, kind, level in part])
        for file, image in zip(frame["image"], images, strict=True):
            write_png(target / file, image)
        return frame.join(proxy.measure(images, originals))

    with ThreadPoolExecutor(2) as pool:
        made = pd.concat(pool.map(make, filter(None, parts)), ignore_index=True)
    measured = made[["image", *proxy.METRICS]]
    # Six decimals: what lies beyond is float32 noise, which differs from machine to machine.
    frame = made.drop(columns=list(proxy.METRICS)).assign(mos=proxy.combine(measured).round(6), split="test")
    write_dataset(target, record, frame)
    measured.to_csv(target / "proxy.csv", index=False, float_format="%.6g", lineterminator="\n")


def dealt(names: Sequence[str], levels: Sequence[int], each: int | None, seed: int) -> list[_Label]:
    """Deal types and levels to references, as evenly as can be.

    All types at all levels are shuffled, and each reference takes the next ``each`` of them; when they are
    used up they are shuffled anew. So no type and no level comes more than once more often than another, and
    no reference gets the same twice. Many references with a few degradations each tell more of a method than
    few with all of them: pictures of one reference rise and fall together.

    Parameters
    ----------
    names
        The references.
    levels
        Levels of each of the 24 types.
    each
        Degradations a reference; must divide 24 times the levels. Nothing: all of them.
    seed
        Seed of the shuffling.

    Raises
    ------
    ValueError
        If ``each`` does not divide the number of types times levels.
    """
    cells = [(kind, level) for level in levels for kind in KINDS]
    each = len(cells) if each is None else each
    if each < 1 or len(cells) % each:
        raise ValueError(
            f"each: {each} degradations a reference do not divide the {len(cells)} of {len(KINDS)} types at "
            f"{len(levels)} levels; take one of {[n for n in range(1, len(cells) + 1) if not len(cells) % n]}"
        )
    hands = len(cells) // each
    labels: list[_Label] = []
    for place, name in enumerate(names):
        order = np.random.default_rng([item_seed(seed, "dealt"), place // hands]).permutation(len(cells))
        start = place % hands * each
        labels += [(name, *cells[cell]) for cell in sorted(order[start : start + each])]
    return labels


def eight_bits(images: Tensor) -> Tensor:
    """Round to the 256 values a file holds, so that what is measured is what is read again."""
    return images.clamp(0, 1).mul(255).round().div(255)
