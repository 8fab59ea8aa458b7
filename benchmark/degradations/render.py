"""Run types over batches: what shares its draws shares them, what can run at once does.

On the CPU images run one by one (a picture fits the cache, a batch does not), which also makes a result
independent of its neighbours to the bit. On other devices all images of a type run at once. Codecs run on
the CPU wherever the images are, side by side on threads.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from benchmark.degradations.kinds import Kind
from benchmark.degradations.seeds import generator
from benchmark.machine import cores, keep_freed

Portion = tuple[list[int], tuple[Any, ...]]


def render(
    images: Tensor,
    kinds: Sequence[str],
    amounts: Sequence[tuple[float, ...]],
    seeds: Sequence[int],
    table: Mapping[str, Kind],
) -> Tensor:
    """Return ``[L, B, 3, H, W]``: image b by its type at each of its L amounts."""
    levels = len(amounts[0]) if amounts else 1
    result = _empty((levels, *images.shape), images)
    alike: dict[tuple[str, tuple[float, ...]], list[int]] = defaultdict(list)
    for row, key in enumerate(zip(kinds, amounts, strict=True)):
        alike[key].append(row)
    for (name, strengths), rows in alike.items():
        kind = table[name]
        if kind.codec and images.device.type != "cpu":
            count = len(rows)
            here = images[rows].cpu()
            coded = render(here, [name] * count, [strengths] * count, [seeds[r] for r in rows], table)
            result[:, rows] = coded.to(images.device)
            continue
        fill = partial(_fill, result, images, kind, strengths)
        at_once = _pool().map if kind.codec and _cores() > 1 and len(rows) > 1 else map
        list(at_once(fill, _portions(kind, name, rows, seeds, images)))
    return result


def _fill(result: Tensor, images: Tensor, kind: Kind, strengths: tuple[float, ...], portion: Portion) -> None:
    """Write one portion's rows of ``result``, in float32 even where a caller runs under autocast."""
    rows, draws = portion
    one = slice(rows[0], rows[0] + 1)  # a view instead of a copy
    place: slice | list[int] = one if len(rows) == 1 else rows
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        at = kind.prepare(images[place].float().contiguous(), *draws)
        for level, strength in enumerate(strengths):
            if len(rows) == 1 and result.dtype == torch.float32:
                torch.clamp(at(strength), 0, 1, out=result[level, one])
            else:
                result[level, place] = at(strength).clamp(0, 1).to(result.dtype)


def _portions(
    kind: Kind, name: str, rows: list[int], seeds: Sequence[int], images: Tensor
) -> Iterator[Portion]:
    """Yield rows that run together, with their draws stacked on the images' device."""
    rows = sorted(rows, key=lambda row: seeds[row])  # neighbours share a draw
    size = 1 if images.device.type == "cpu" else len(rows)
    height, width = images.shape[2:]
    last: int | None = None
    drawn: tuple[Any, ...] = ()
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        draws = []
        for row in part:
            if kind.draw is not None and seeds[row] != last:
                last = seeds[row]
                drawn = kind.draw(generator(last, name), height, width)
            draws.append(drawn)
        yield part, gather(draws, images.device)


def gather(draws: Sequence[tuple[Any, ...]], device: torch.device) -> tuple[Any, ...]:
    """Stack each image's drawn tensors on ``device``; list others, which the host reads anyway."""
    return tuple(
        torch.stack(field).to(device) if isinstance(field[0], Tensor) else list(field)
        for field in zip(*draws, strict=True)
    )


def _empty(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Allocate; on the CPU by NumPy, which asks for huge pages and so halves the cost of cheap types."""
    if like.device.type != "cpu" or not like.numel():
        return like.new_empty(shape)
    keep_freed()
    memory = np.empty(math.prod(shape) * like.element_size(), np.uint8)
    return torch.from_numpy(memory).view(like.dtype).view(shape)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_cores(), thread_name_prefix="codec")


def _cores() -> int:
    if get_worker_info() is not None:  # one of several processes, as many as there are cores
        return 1
    return cores()
