"""What the studies share: seeds by content, batches of one size, checked scores."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from benchmark.arrays import Floats
from benchmark.method import Method
from benchmark.scoring import PIXELS_AT_ONCE

#: A level that moves no value by half a step of 8 bits leaves the photograph as it is. So does a type if none
#: of its levels moves one by more than a step: colours converted and back do that to a grey photograph.
SAME, WITHIN = 0.5 / 255, 1.5 / 255


def moved_by(images: Tensor, degraded: Tensor) -> Floats:
    """How far pictures ``[..., B, 3, H, W]`` differ from ``images [B, 3, H, W]`` where they do most."""
    return (degraded - images.to(degraded)).abs().flatten(-3).amax(-1).double().cpu().numpy()


def content_seed(image: Tensor, *labels: object) -> int:
    """Seed in [0, 2**62) from the pixels of ``image`` and from ``labels``: neither order nor batch enters."""
    digest = hashlib.blake2b(repr(labels).encode(), digest_size=8)
    digest.update(repr(tuple(image.shape)).encode())
    digest.update(np.ascontiguousarray(image.detach().cpu().numpy()).tobytes())
    return int.from_bytes(digest.digest(), "big") >> 2


def content_seeds(images: Tensor, *labels: object) -> Tensor:
    """`content_seed` of every image of ``images [B, 3, H, W]``; returns int64 ``[B]``."""
    return torch.tensor([content_seed(image, *labels) for image in images], dtype=torch.int64)


def batches(
    references: Sequence[Tensor], size: int, done: Collection[int] = ()
) -> Iterator[tuple[list[int], Tensor]]:
    """Yield places and a stack ``[b, 3, H, W]`` of up to ``size`` references of one shape, few of large ones.

    Each reference is asked for once, and held until its batch is full; those whose places are ``done`` never.

    Raises
    ------
    ValueError
        If there is no reference, or one is not ``[3, H, W]`` in [0, 1].
    """
    if not references:
        raise ValueError("no reference images; give at least one pristine photograph")
    waiting: dict[tuple[int, ...], dict[int, Tensor]] = {}
    for place in (place for place in range(len(references)) if place not in done):
        image = references[place]
        if image.ndim != 3 or image.shape[0] != 3:
            raise ValueError(f"reference {place} has shape {tuple(image.shape)}; it must be [3, H, W]")
        if not (float(image.min()) >= 0 and float(image.max()) <= 1):  # NaN fails both
            raise ValueError(f"reference {place} leaves [0, 1]; divide 8-bit values by 255")
        alike = waiting.setdefault(tuple(image.shape), {})
        alike[place] = image
        if len(alike) == min(size, max(1, PIXELS_AT_ONCE // image.shape[1:].numel())):
            del waiting[tuple(image.shape)]
            yield list(alike), torch.stack(list(alike.values()))
    for alike in waiting.values():
        yield list(alike), torch.stack(list(alike.values()))


def scored(method: Method, images: Tensor, what: str) -> Floats:
    """Score ``images [B, 3, H, W]``; returns float64 ``[B]``, or ValueError naming ``what`` is not finite."""
    parts = images.split(max(1, PIXELS_AT_ONCE // images.shape[-2:].numel()))
    scores = torch.cat([torch.atleast_1d(method.score(part)) for part in parts]).double().cpu().numpy()
    if scores.shape != (len(images),):
        raise ValueError(f"method {method.name!r} returned shape {scores.shape} for {len(images)} images")
    if not np.isfinite(scores).all():
        raise ValueError(f"method {method.name!r} gave a score that is not finite for {what}")
    return scores
