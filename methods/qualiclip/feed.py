"""What a step sees: pictures decoded, pairs of crops cut, each degraded at rising levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from methods._shared.training.loop import FromFiles, index_at
from methods.qualiclip.crops import Kinds, draw_batch
from methods.qualiclip.degrading import rising
from methods.qualiclip.settings import Training

#: ``map``, or that of a pool of threads.
Mapped = Callable[[Callable[[Path], Any], list[Path]], Iterable[Any]]


@dataclass(frozen=True)
class Feed(FromFiles):
    """Makes what a step sees, on the CPU; it depends on the seed and the step alone. Goes to processes.

    Parameters
    ----------
    names, cache
        See `methods._shared.training.loop.FromFiles`.
    seed, settings
        Of the training.
    rank, size
        Which share of each batch: that of one process among so many that train together.
    """

    seed: int
    settings: Training
    rank: int = 0
    size: int = 1

    @property
    def share(self) -> int:
        """Pictures of a part of a step."""
        return self.settings.batch // (self.size * self.settings.accumulate)

    @property
    def step_bytes(self) -> int:
        """Bytes of a step in float32."""
        own = self.settings
        return 4 * own.levels * own.accumulate * self.share * 2 * 3 * own.crop**2

    def __call__(self, step: int, mapped: Mapped = map) -> list[Tensor]:
        """Return the parts of a step, ``[L, B, 2, 3, c, c]`` in [0, 1] each.

        Parameters
        ----------
        step
            From 0.
        mapped
            ``map``, or that of a pool of threads.
        """
        return [self._part(step, part, mapped) for part in range(self.settings.accumulate)]

    def _part(self, step: int, part: int, mapped: Mapped) -> Tensor:
        own = self.settings
        # Neighbouring places go to the processes in turn; a part of one process has `share` of them.
        start = step * own.batch + (part * self.size + self.rank) * self.share
        positions = range(start, start + self.share)
        count = len(self.names)
        places: dict[Path, list[int]] = {}
        for position in positions:
            places.setdefault(self.pictures[index_at(position, count, self.seed)], []).append(position)
        drawn = list(mapped(partial(self._cut, places), list(places)))
        # Cut picture by picture, so that a step holds crops and no pictures; then as the run has them.
        order = np.argsort([position for group in places.values() for position in group]).tolist()
        crops = torch.cat([group for group, _, _ in drawn])[order]
        kinds = [[kind for _, group, _ in drawn for kind in group][at] for at in order]
        seeds = torch.cat([group for _, _, group in drawn])[order]
        return rising(crops, kinds, seeds.tolist(), own)

    def _cut(self, places: Mapping[Path, list[int]], path: Path) -> tuple[Tensor, list[Kinds], Tensor]:
        """Crops of one picture at its places in the run, with what they are degraded by."""
        own, image = self.settings, self.reader(path)
        return draw_batch(
            self.pictures, places[path], self.seed, lambda _: image, own.crop, own.overlap,
            drawn=own.drawn, distortions=own.distortions,
        )  # fmt: skip
