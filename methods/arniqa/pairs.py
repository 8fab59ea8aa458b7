"""Pairs of different pictures, degraded alike: what ARNIQA is to find near to each other."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.degradations import compose, sample_sequence
from benchmark.images import Room, unit
from methods._shared.arniqa.scales import half
from methods._shared.training.loop import FromFiles, Reader, index_at


@dataclass(frozen=True)
class Draw:
    """How pairs are drawn.

    Parameters
    ----------
    crop
        Side of a crop in pixels.
    distortions
        Largest number of distortions composed, 1 to 7.
    levels
        Levels that take part, 1 to 5.
    pristine
        Probability that a pair is left as it is.
    """

    crop: int
    distortions: int
    levels: int
    pristine: float


#: Room of the pictures that are cut, of all threads together.
WHOLE = Room()


def draw_pair(pictures: Sequence[Path], position: int, seed: int, reader: Reader, draw: Draw) -> Tensor:
    """Return the four crops at one position of the run: A and B at full scale, A and B at half scale.

    A comes in a fresh random order each epoch, B is any picture. The four are degraded by the same types at
    the same levels; what else is random (noise, angles, places) is each crop's own, as in the reference.
    Everything depends on ``seed`` and ``position`` alone.

    Returns
    -------
    Tensor
        ``[4, 3, crop, crop]``.
    """
    rng = np.random.default_rng([seed, 1, position])
    chosen = pictures[index_at(position, len(pictures), seed)], pictures[int(rng.integers(len(pictures)))]
    stored = [reader(path) for path in chosen]
    with WHOLE.taken(sum(image.shape[1:].numel() for image in stored)):
        images = [unit(image) for image in stored]
        halves = [half(image[None], "bicubic")[0] for image in images]
        crops = torch.stack([random_crop(image, draw.crop, rng) for image in (*images, *halves)])
        del images, halves
    if rng.random() < draw.pristine:
        return crops
    sequence = sample_sequence(int(rng.integers(2**62)), draw.distortions, draw.levels)
    return compose(crops, sequence, rng.integers(2**62, size=4).tolist())


def draw_batch(
    pictures: Sequence[Path], step: int, batch: int, seed: int, reader: Reader, draw: Draw,
    pool: Executor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the two sides of a step: ``[A full | A half]`` and ``[B full | B half]``.

    Each is ``[2 batch, 3, crop, crop]``. Row i of one is degraded as row i of the other. The half of a
    picture is degraded like its full scale and is still no partner of it: the hard negative. Pairs are drawn
    one after the other, or on the threads of a pool.
    """
    positions = range(step * batch, (step + 1) * batch)
    mapped = pool.map if pool else map
    pairs = mapped(lambda position: draw_pair(pictures, position, seed, reader, draw), positions)
    four = torch.stack(list(pairs), dim=1)
    return torch.cat([four[0], four[2]]), torch.cat([four[1], four[3]])


@dataclass(frozen=True)
class Feed(FromFiles):
    """Makes the two sides of a step, see `draw_batch`. Goes to processes.

    Parameters
    ----------
    names, cache
        See `methods._shared.training.loop.FromFiles`.
    batch
        Pairs a step.
    seed
        Of the training.
    draw
        How pairs are drawn.
    """

    batch: int
    seed: int
    draw: Draw

    @property
    def step_bytes(self) -> int:
        """Bytes of a step in float32."""
        return 4 * 4 * self.batch * 3 * self.draw.crop**2

    def __call__(self, step: int, pool: Executor | None = None) -> list[Tensor]:
        """Return the two sides of a step."""
        sides = draw_batch(self.pictures, step, self.batch, self.seed, self.reader, self.draw, pool)
        return list(sides)


def random_crop(image: Tensor, size: int, rng: np.random.Generator) -> Tensor:
    """Cut a square of ``size`` out of ``image [3, H, W]`` at a uniformly random place.

    A side that is too short is filled up with black, as in the reference: KADIS-700k's 512 x 384 pixels leave
    192 rows at half scale.
    """
    missing = [max(0, size - side) for side in image.shape[1:]]
    padded = F.pad(image, (0, missing[1], 0, missing[0]))
    top, left = rng.integers(0, [side - size for side in padded.shape[1:]], endpoint=True)
    return padded[:, top : top + size, left : left + size]
