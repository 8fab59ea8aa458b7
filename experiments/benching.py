"""Speed of a method on this machine, and how far bf16 moves its scores."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr
from torch import Tensor

from benchmark.dead_leaves import dead_leaves
from benchmark.degradations import LEVELS, degrade
from benchmark.method import Method


@dataclass(frozen=True)
class Measured:
    """Pictures a second, and the change of the scores from fp32: largest in standard deviations, and SRCC."""

    precision: str
    rate: float
    drift: float
    srcc: float


def pictures(count: int, size: int) -> Tensor:
    """Dead leaves ``[count, 3, size, size]``, each degraded by another type and level."""
    kinds = list(LEVELS)
    images = torch.stack([dead_leaves(size, seed) for seed in range(min(count, 4))])
    images = images[torch.arange(count) % len(images)]
    levels = [1 + index % 5 for index in range(count)]
    return degrade(images, [kinds[index % len(kinds)] for index in range(count)], levels, range(count))


def bench(method: Method, images: Tensor, batch: int, device: str, seconds: float) -> Iterator[Measured]:
    """Time a method in either precision.

    Parameters
    ----------
    method, device
        What is timed, and where it lies.
    images
        ``[N, 3, H, W]``, RGB in [0, 1].
    batch
        Pictures at a time.
    seconds
        Time spent on each precision; the first pass does not count.
    """
    parts = [part.to(device) for part in images.split(batch)]
    exact = None
    for precision in ("fp32", "bf16"):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16"):
            scores = torch.cat([method.score(part) for part in parts]).double()
            done, start = 0, time.perf_counter()
            while time.perf_counter() - start < seconds:
                method.score(parts[0])
                done += len(parts[0])
            rate = done / (time.perf_counter() - start)
        exact = scores if exact is None else exact
        drift = float((scores - exact).abs().max() / exact.std())
        yield Measured(precision, rate, drift, float(spearmanr(exact, scores).statistic))
