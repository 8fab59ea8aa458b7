"""Pairs of overlapping crops of pristine pictures, drawn from the step and the place in the batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmark.degradations import GROUPS, LEVELS
from benchmark.images import unit
from methods._shared.training.loop import Reader, index_at

Kinds = tuple[str, ...]


def overlapping_crops(image: Tensor, size: int, overlap: float, rng: np.random.Generator) -> Tensor:
    """Cut two random crops that share at least ``overlap`` of their area.

    The first place is uniform, the second uniform among those that overlap enough. The paper does not state
    its rule; half the area is this suite's default.

    Parameters
    ----------
    image
        ``[3, H, W]``, bytes or RGB in [0, 1].
    size
        Side of the crops in pixels.
    overlap
        Least shared share of a crop's area, in [0, 1].

    Returns
    -------
    Tensor
        ``[2, 3, size, size]``, RGB in [0, 1].

    Raises
    ------
    ValueError
        If the image is smaller than a crop.
    """
    _, height, width = image.shape
    if min(height, width) < size:
        raise ValueError(f"picture of {width}x{height} is smaller than the crop of {size}; lower `crop`")
    free = np.array([height - size, width - size])
    first = rng.integers(0, free, endpoint=True)
    reach = int(size * (1 - overlap))
    low, high = np.maximum(first - reach, 0), np.minimum(first + reach, free)
    while True:
        second = rng.integers(low, high, endpoint=True)
        shared = np.clip(1 - np.abs(second - first) / size, 0, None).prod()
        if shared >= overlap:
            break
    return unit(torch.stack([image[:, y : y + size, x : x + size] for y, x in (first, second)]))


def draw_kinds(rng: np.random.Generator, drawn: str, count: int) -> Kinds:
    """Draw ``count`` different types of distortion, in the order of their application.

    Parameters
    ----------
    rng
        Where the draws come from.
    drawn
        ``"types"``: each of the 24 is as likely as another. ``"groups"``: groups are drawn, and of each one
        type (ARNIQA's model, Agnolucci et al., WACV 2024), so that a type of a small group comes more often.
    count
        1 to 7.
    """
    if drawn == "groups":
        chosen = rng.permutation(len(GROUPS))[:count]
        return tuple(str(rng.choice(list(GROUPS.values())[group])) for group in chosen)
    left = list(LEVELS)
    return tuple(left.pop(rng.integers(len(left))) for _ in range(count))


def draw_batch(
    pictures: Sequence[Path],
    positions: Sequence[int],
    seed: int,
    reader: Reader,
    size: int,
    overlap: float,
    *,
    drawn: str = "types",
    distortions: int = 1,
) -> tuple[Tensor, list[Kinds], Tensor]:
    """Return crops of the pictures at some positions of the run, their distortions, and their seeds.

    Pictures come in a fresh random order each epoch. Everything depends on ``seed`` and the position alone:
    a resumed run, or one that several processes share, sees what a single uninterrupted one would have.

    Parameters
    ----------
    pictures
        All that the run learns from.
    positions
        Counted from the first picture of the first step; step ``s`` has ``s * batch`` to ``(s + 1) * batch``.
    seed, reader, size, overlap
        See :func:`overlapping_crops`.
    drawn, distortions
        See :func:`draw_kinds`.

    Returns
    -------
    crops
        ``[N, 2, 3, size, size]``.
    kinds
        The types of each picture, of the 24.
    seeds
        ``[N]`` int64.
    """
    crops, kinds, seeds = [], [], []
    for position in positions:
        rng = np.random.default_rng([seed, 1, position])
        path = pictures[index_at(position, len(pictures), seed)]
        try:
            crops.append(overlapping_crops(reader(path), size, overlap, rng))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        kinds.append(draw_kinds(rng, drawn, distortions))
        seeds.append(int(rng.integers(2**62)))
    return torch.stack(crops), kinds, torch.tensor(seeds)
