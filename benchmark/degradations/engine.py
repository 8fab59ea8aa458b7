"""Degrade batches of images: one level, a ladder of levels, or a composition of types.

A result depends on the image, the type, the level and the image's own seed, and on nothing else. All
randomness is drawn on the CPU, so a CUDA device sees the same fields.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from benchmark.degradations.checks import check_images, check_level, each_kind, each_level, each_seed
from benchmark.degradations.kinds import BY_ORDER, FOR_LADDERS
from benchmark.degradations.levels import LEVELS, MONOTONE, NEUTRAL, Order
from benchmark.degradations.render import render
from benchmark.degradations.seeds import derive, generator

Step = tuple[str, int]


def degrade(
    images: Tensor,
    kind: str | Sequence[str],
    level: int | Tensor | Sequence[int],
    seeds: Tensor | Sequence[int],
    order: Order = "reference",
    fields: Tensor | Sequence[int] | None = None,
) -> Tensor:
    """Degrade each image by one type at one level.

    Parameters
    ----------
    images
        ``[B, 3, H, W]``, RGB in [0, 1], floating point, H and W at least 32. Never changed.
    kind
        A type of `LEVELS`, or one for each image.
    level
        1 (mildest) to 5, or one for each image.
    seeds
        ``[B]`` whole numbers. Equal seeds share their draws.
    order
        ``"reference"`` (published strengths) or ``"monotone"`` (see `ladder`).
    fields
        ``[B]`` whole numbers that the random fields come from where not from ``seeds``: so two images may
        share the direction of a type that goes either way, which is that of ``seeds``, and not its noise.

    Returns
    -------
    Tensor
        ``[B, 3, H, W]`` in [0, 1], dtype and device of ``images``; computed in float32.

    Raises
    ------
    ValueError
        For an unknown type or order, a level outside 1..5, or images of wrong shape, dtype or range.

    Examples
    --------
    >>> import torch
    >>> images = torch.full((2, 3, 32, 32), 0.5)
    >>> degrade(images, "meanshift", 2, seeds=[0, 1])[:, 0, 0, 0]
    tensor([0.5800, 0.5800])
    """
    check_images(images)
    _check_order(order)
    kinds = each_kind(kind, len(images))
    levels = each_level(level, len(images))
    numbers = each_seed(seeds, len(images))
    amounts = [(_amount(k, i, s, order),) for k, i, s in zip(kinds, levels, numbers, strict=True)]
    drawn = numbers if fields is None else each_seed(fields, len(images))
    return render(images, kinds, amounts, drawn, BY_ORDER[order])[0]


def ladder(
    images: Tensor,
    kind: str | Sequence[str],
    seeds: Tensor | Sequence[int],
    levels: int = 5,
    order: Order = "monotone",
) -> Tensor:
    """Degrade each image by one type at all levels, the random draws shared by the levels.

    Give the two crops of a pair equal seeds, and they share them too.

    Parameters
    ----------
    images, kind, seeds
        As for `degrade`.
    levels
        How many, 1 to 5, from the mildest.
    order
        ``"monotone"``: strength rises strictly (see `MONOTONE`); ``"reference"``: the published
        strengths, of which some do nothing at level 1 and some alternate in sign.

    Returns
    -------
    Tensor
        ``[levels, B, 3, H, W]``; entry i equals ``degrade(images, kind, i + 1, seeds, order)``. Only the
        levels of jpeg2000 are quality layers of one codestream here: four times as fast, and half a grey
        level (mean) away from codestreams of their own.

    Raises
    ------
    ValueError
        As `degrade`.
    """
    check_images(images)
    check_level(levels, "levels")
    _check_order(order)
    kinds = each_kind(kind, len(images))
    numbers = each_seed(seeds, len(images))
    amounts = [
        tuple(_amount(k, i, s, order) for i in range(1, levels + 1))
        for k, s in zip(kinds, numbers, strict=True)
    ]
    if not amounts:
        return images.new_empty((levels, *images.shape))
    return render(images, kinds, amounts, numbers, {**BY_ORDER[order], **FOR_LADDERS})


def compose(
    images: Tensor, sequence: Sequence[Step], seeds: Tensor | Sequence[int], order: Order = "reference"
) -> Tensor:
    """Apply several types one after another, clipped to [0, 1] after each.

    Parameters
    ----------
    images, seeds, order
        As for `degrade`.
    sequence
        Pairs (type, level), such as `sample_sequence` draws. Empty: the images as they are.

    Returns
    -------
    Tensor
        ``[B, 3, H, W]`` in [0, 1]. A sequence of one step equals `degrade`.

    Raises
    ------
    ValueError
        As `degrade`.
    """
    check_images(images)
    numbers = each_seed(seeds, len(images))
    result = images.clone()
    for place, (kind, level) in enumerate(sequence):
        result = degrade(result, kind, level, [derive(seed, place) for seed in numbers], order)
    return result


def _amount(kind: str, level: int, seed: int, order: Order) -> float:
    """Strength of a level; in the monotone order the seed chooses the direction of types that have two."""
    if order == "reference":
        return LEVELS[kind][level - 1]
    amount = MONOTONE[kind][level - 1]
    if kind not in NEUTRAL:
        return amount
    downwards = generator(seed, kind).random() < 0.5
    return NEUTRAL[kind] - amount if downwards else NEUTRAL[kind] + amount


def _check_order(order: str) -> None:
    if order not in BY_ORDER:
        raise ValueError(f"unknown order {order!r}: use {' or '.join(map(repr, BY_ORDER))}")
