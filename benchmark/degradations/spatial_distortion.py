"""Group ``spatial_distortion``: jitter, displaced patches, pixelation, quantisation, colour blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.degradations.levels import LEVELS
from benchmark.degradations.seeds import normal

Places = list[list[int]]  # rows of pixel coordinates

_PASSES = 5
_PATCH = 16
_RADIUS = 16
_BLOCK = 32
_PATCHES = int(max(LEVELS["noneccpatch"]))
_BLOCKS = int(max(LEVELS["colorblock"]))


def draw_warps(random: np.random.Generator, height: int, width: int) -> tuple[Tensor, ...]:
    """Draw a standard normal displacement (right, down) for every pixel and pass."""
    return (normal(random, _PASSES, height, width, 2),)


def jitter(images: Tensor, warps: Tensor) -> Callable[[float], Tensor]:
    """Five passes in which every pixel is fetched from a random place, ``amount`` pixels away (sigma)."""
    height, width = images.shape[2:]
    step = images.new_tensor((2 / (width - 1), 2 / (height - 1)))  # one pixel in grid_sample's units
    columns = torch.linspace(-1, 1, width, device=images.device)
    rows = torch.linspace(-1, 1, height, device=images.device)
    identity = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)

    def at(amount: float) -> Tensor:
        moved = images
        for displacement in warps.unbind(1):
            grid = identity.addcmul(displacement, step, value=amount)
            moved = F.grid_sample(moved, grid, padding_mode="border", align_corners=True)
        return moved

    return at


def draw_patches(random: np.random.Generator, height: int, width: int) -> tuple[Places]:
    """Draw corners of patches: from (row, column), to (row, column)."""
    last = np.array((height, width)) - _PATCH
    low = np.minimum(_RADIUS, last // 2)
    start = low + (random.random((_PATCHES, 2)) * (last - 2 * low)).round()
    goal = (start + (random.random((_PATCHES, 2)) - 0.5) * _RADIUS).round().clip(0, last)
    return (np.hstack((start, goal)).astype(int).tolist(),)


def noneccpatch(images: Tensor, patches: Sequence[Places]) -> Callable[[float], Tensor]:
    """``count`` patches of 16 x 16 pixels copied, one after another, to a place near by."""
    count, _, height, width = images.shape
    flat = images.flatten(2)

    def at(amount: float) -> Tensor:
        source = np.tile(np.arange(height * width).reshape(height, width), (count, 1, 1))
        for place, steps in zip(source, patches, strict=True):
            for y, x, v, u in steps[: int(amount)]:
                place[v : v + _PATCH, u : u + _PATCH] = place[y : y + _PATCH, x : x + _PATCH]
        index = torch.from_numpy(source).to(images.device).view(count, 1, -1)
        return flat.gather(2, index.expand_as(flat)).view_as(images)

    return at


def pixelate(images: Tensor) -> Callable[[float], Tensor]:
    """Nearest neighbour down to the fraction .95 - strength^.6 of the size, and up again."""
    height, width = images.shape[2:]

    def at(strength: float) -> Tensor:
        scale = 0.95 - strength**0.6
        small = F.interpolate(images, size=(int(height * scale), int(width * scale)), mode="nearest")
        return F.interpolate(small, size=(height, width), mode="nearest")

    return at


def quantization(images: Tensor) -> Callable[[float], Tensor]:
    """``count`` equal bins of 0..255, then stretched to [0, 1].

    A bin holds its upper edge and not its lower one, and edges are whole grey levels, so pure black is a
    bin of its own; both as in the reference.
    """
    grays = (images * 255).ceil_().to(torch.int32)  # edges are whole, so all of (g - 1, g] share a bin
    low, high = grays.amin((1, 2, 3)), grays.amax((1, 2, 3))

    def at(amount: float) -> Tensor:
        edges = torch.tensor([int(255 * i / amount) for i in range(int(amount))])
        bins = torch.bucketize(torch.arange(256), edges).to(images)
        first, last = (bins[gray].view(-1, 1, 1, 1) for gray in (low, high))
        binned = bins.index_select(0, grays.flatten()).view_as(images)
        return torch.where(first < last, (binned - first) / (last - first).clamp(min=1), binned)

    return at


def quantization_unstretched(images: Tensor) -> Callable[[float], Tensor]:
    """``count`` grey levels at equal steps from 0 to 1, each pixel at the level of its bin.

    Without the stretch, whose strength follows the image's range and not the count: with it, a coarser
    picture is often nearer to the original.
    """
    return lambda count: (images * count).ceil_().sub_(1).div_(count - 1)


def draw_blocks(random: np.random.Generator, height: int, width: int) -> tuple[Tensor, Places]:
    """Draw colours and upper left corners (row, column) of blocks."""
    corners = random.random((_BLOCKS, 2)) * (np.array((height, width)) - _BLOCK)
    return torch.from_numpy(random.random((_BLOCKS, 3))), corners.astype(int).tolist()


def colorblock(images: Tensor, colours: Tensor, corners: Sequence[Places]) -> Callable[[float], Tensor]:
    """``count`` blocks of 32 x 32 pixels of random colour.

    The first block lies on top: as the blocks are alike in law, pictures are as likely as with the last
    on top, and a higher level only ever adds blocks beneath.
    """

    def at(amount: float) -> Tensor:
        blocked = images.clone()
        for image, paints, corner in zip(blocked, colours, corners, strict=True):
            for paint, (y, x) in reversed(list(zip(paints, corner, strict=True))[: int(amount)]):
                image[:, y : y + _BLOCK, x : x + _BLOCK] = paint[:, None, None]
        return blocked

    return at
