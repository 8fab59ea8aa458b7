"""What training loops share: the order of pictures, work prepared ahead, a state to go on from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmark import files
from benchmark.images import read

Prepared = TypeVar("Prepared")
Reader = Callable[[Path], Tensor]


def cached_reader(size: int) -> Reader:
    """Return a reader that keeps the last ``size`` decoded pictures as bytes."""

    @lru_cache(maxsize=size)
    def bytes_of(path: Path) -> Tensor:
        return (read(path) * 255).round().to(torch.uint8)

    return lambda path: bytes_of(path).float() / 255


@lru_cache(maxsize=2)
def epoch_order(count: int, epoch: int, seed: int) -> np.ndarray:
    """Random order of ``count`` pictures in an epoch."""
    return np.random.default_rng([seed, 0, epoch]).permutation(count)


def index_at(position: int, count: int, seed: int) -> int:
    """Which of ``count`` pictures comes at a position of the run: each once an epoch, in random order."""
    epoch, place = divmod(position, count)
    return int(epoch_order(count, epoch, seed)[place])


def ahead(prepare: Callable[[int], Prepared], first: int, steps: int) -> Iterator[Prepared]:
    """Yield ``prepare(step)`` from step ``first`` on; one is prepared in a thread while another is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(prepare, first) if first < steps else None
        for step in range(first, steps):
            assert coming is not None
            here = coming.result()
            coming = pool.submit(prepare, step + 1) if step + 1 < steps else None
            yield here


def identity(pictures: Sequence[Path], seed: int, settings: Mapping[str, Any]) -> str:
    """Hash of all that a run depends on, so that a checkpoint of another run is never taken up."""
    found = [(path.name, path.stat()) for path in pictures]
    files = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in found]
    return hashlib.sha256(json.dumps([files, seed, settings], sort_keys=True).encode()).hexdigest()


class Checkpoint:
    """State of a run in ``<out>.partial``: outside the result, which a pipeline may empty before each run.

    Parameters
    ----------
    out
        Folder of the result.
    run
        What `identity` says of the run; a state of another run is not taken up.
    parts
        What has a state, by name: modules and optimisers.
    """

    def __init__(self, out: Path, run: str, parts: Mapping[str, nn.Module | torch.optim.Optimizer]) -> None:
        self.path = out.with_name(out.name + ".partial")
        self.run = run
        self.parts = parts

    def restore(self) -> tuple[int, list[dict[str, Any]]]:
        """Load the state of this very run, if there is one; returns the next step and the rows so far."""
        if not self.path.is_file():
            return 0, []
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        if state["run"] != self.run:
            return 0, []
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        return state["step"], state["rows"]

    def save(self, step: int, rows: list[dict[str, Any]]) -> None:
        """Write the state aside and rename it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        states = {name: part.state_dict() for name, part in self.parts.items()}
        with files.whole(self.path) as aside:
            torch.save({"run": self.run, "step": step, "rows": rows, **states}, aside)

    def remove(self) -> None:
        """Remove the state of a run that has ended."""
        self.path.unlink(missing_ok=True)
