"""Speed and memory of a method on this machine, and how far bf16 moves its scores."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from scipy.stats import spearmanr
from torch import Tensor

from benchmark.datasets.dead_leaves import dead_leaves
from benchmark.degradations import LEVELS, degrade
from benchmark.method import Method
from experiments.scoring.local import Device, How, Precision, function_of


@dataclass(frozen=True)
class Measured:
    """What was measured in one precision.

    Parameters
    ----------
    precision
        ``fp32`` or ``bf16``.
    rate
        Pictures a second.
    memory
        Most that was held while scoring, bytes: by the device, or on the CPU by the whole process. NaN where
        the system does not say.
    drift, srcc
        Change of the scores from fp32: largest in standard deviations of the scores, and rank correlation.
    """

    precision: str
    rate: float
    memory: float
    drift: float
    srcc: float


def pictures(count: int, size: int) -> Tensor:
    """Dead leaves ``[count, 3, size, size]``, each degraded by another type and level."""
    kinds = list(LEVELS)
    images = torch.stack([dead_leaves(size, seed) for seed in range(min(count, 4))])
    images = images[torch.arange(count) % len(images)]
    levels = [1 + index % 5 for index in range(count)]
    return degrade(images, [kinds[index % len(kinds)] for index in range(count)], levels, range(count))


class Peak:
    """The most memory held since this was made: of a CUDA device, or of the process (Linux alone says it)."""

    def __init__(self, device: str) -> None:
        self.device = device
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            return
        try:
            CLEAR.write_text("5")  # proc(5): the peak starts anew from what is held now
        except OSError:  # another system, or one that forbids it
            self.device = ""

    def read(self) -> float:
        """Return it in bytes, or NaN."""
        if self.device == "cuda":
            return float(torch.cuda.max_memory_allocated())
        if self.device != "cpu":
            return float("nan")
        (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
        return 1024.0 * int(line.split()[1])


CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def bench(method: Method, images: Tensor, batch: int, device: Device, seconds: float) -> Iterator[Measured]:
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
    precisions: tuple[Precision, ...] = ("fp32", "bf16")
    for precision in precisions:
        score = function_of(method, How(device=device, precision=precision))  # as `iqa score` computes it
        peak = Peak(device)
        scores = torch.cat([score(part) for part in parts]).double()
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            score(parts[0])
            done += len(parts[0])
        rate = done / (time.perf_counter() - start)
        exact = scores if exact is None else exact
        drift = float((scores - exact).abs().max() / exact.std())
        yield Measured(precision, rate, peak.read(), drift, float(spearmanr(exact, scores).statistic))
