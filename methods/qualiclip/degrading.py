"""The two crops of each picture at rising levels: types one after another, and who shares what is random."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmark.degradations import degrade, ladder
from benchmark.degradations.seeds import derive
from methods.qualiclip.crops import Kinds
from methods.qualiclip.settings import Training


def rising(crops: Tensor, kinds: Sequence[Kinds], seeds: Sequence[int], settings: Training) -> Tensor:
    """Degrade crops at ``settings.levels`` rising levels.

    Parameters
    ----------
    crops
        ``[B, 2, 3, c, c]`` in [0, 1].
    kinds
        The types of each picture, in the order of their application; of all pictures as many.
    seeds
        One a picture.
    settings
        Levels, their order, and whether levels and crops share their random fields. The direction of a type
        that goes either way is always shared: levels would not rise without.

    Returns
    -------
    Tensor
        ``[L, B, 2, 3, c, c]`` in [0, 1].
    """
    flat = crops.flatten(0, 1)
    levels = flat.expand(settings.levels, *flat.shape)
    for place, names in enumerate(zip(*kinds, strict=True)):
        twice = [name for name in names for _ in range(2)]
        own = [derive(seed, place) for seed in seeds for _ in range(2)]
        if place == 0 and settings.levels_draw == settings.crops_draw == "shared":
            levels = ladder(flat, twice, own, levels=settings.levels, order=settings.order)
            continue
        degraded = [
            degrade(images, twice, level + 1, own, settings.order, _fields(own, level, settings))
            for level, images in enumerate(levels)
        ]
        levels = torch.stack(degraded)
    return levels.unflatten(1, crops.shape[:2])


def _fields(seeds: Sequence[int], level: int, settings: Training) -> list[int]:
    """Seeds of the random fields of one level, for crops that lie two by two."""
    first = 2 * level if settings.levels_draw == "own" else 0
    crop = 1 if settings.crops_draw == "own" else 0
    return [derive(seed, first + crop * (index % 2)) for index, seed in enumerate(seeds)]
