"""The localisation study: degrade a known region of a photograph and ask whether the map points there."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from benchmark.attribution.maps import Attributable, maps, upsample
from benchmark.attribution.measure import auc, energy_inside, pointing_game
from benchmark.degradations import degrade
from benchmark.statistics.estimates import bounded, mean_interval, of_contents, share_interval, tidy
from benchmark.study import WITHIN, batches, content_seed, content_seeds, moved_by

STATISTICS = {"pointing_game": pointing_game, "energy_inside": energy_inside, "auc": auc}
Explain = Callable[[Tensor], dict[tuple[str, str], Tensor]]


def region(height: int, width: int, seed: int, share: tuple[float, float] = (0.25, 0.5)) -> Tensor:
    """Draw a rectangle; returns a boolean ``[H, W]``.

    Each side is between ``share[0]`` and ``share[1]`` of the picture's, the place uniform.
    """
    if not 0 < share[0] <= share[1] < 1:
        raise ValueError(
            f"share={share}: sides must be a share of the picture between 0 and 1, the lesser first"
        )
    rng = np.random.default_rng(seed)
    mask = torch.zeros(height, width, dtype=torch.bool)
    window = []
    for side in (height, width):
        length = min(max(1, round(side * rng.uniform(*share))), side - 1)
        start = int(rng.integers(0, side - length + 1))
        window.append(slice(start, start + length))
    mask[window[0], window[1]] = True
    return mask


def implant(
    images: Tensor,
    kind: str,
    level: int,
    seed: int = 0,
    *,
    share: tuple[float, float] = (0.25, 0.5),
) -> tuple[Tensor, Tensor]:
    """Degrade one rectangle of every image.

    Parameters
    ----------
    images
        ``[B, 3, H, W]`` in [0, 1].
    kind, level
        See `benchmark.degradations.degrade`.
    seed
        Together with the pixels it settles size and place of the region and the random kinds. The region does
        not depend on ``level``.
    share
        See `region`.

    Returns
    -------
    tuple of Tensor
        The images ``[B, 3, H, W]`` and the regions, boolean ``[B, H, W]``.
    """
    worse = degrade(images, kind, level, content_seeds(images, seed, kind))
    height, width = images.shape[-2:]
    places = [content_seed(image, seed, kind, "region") for image in images]
    regions = torch.stack([region(height, width, place, share) for place in places])
    return torch.where(regions[:, None], worse, images), regions


@dataclass(frozen=True)
class Trial:
    """What is degraded, where and how: the same for every method and floor.

    Parameters
    ----------
    references
        Pristine photographs ``[3, H, W]`` in [0, 1], of any sizes.
    kinds, levels
        Kinds of degradation and their levels.
    seed, share
        See `implant`.
    batch
        Photographs at a time; no result depends on it.
    """

    references: Sequence[Tensor]
    kinds: Sequence[str]
    levels: Sequence[int] = (5,)
    seed: int = 0
    share: tuple[float, float] = (0.25, 0.5)
    batch: int = 8


def localise(method: Attributable, trial: Trial, how: str = "gradcam") -> pd.DataFrame:
    """Measure where the maps of a method point, image by image.

    A map is turned so that it is high where quality is said to be low: the one of ``negative`` stands as it
    is, ``positive`` and the score (of a method where more is better) change their sign.

    Parameters
    ----------
    method
        A method with gradients.
    trial
        The degraded regions.
    how
        See `benchmark.attribution.maps`.

    Returns
    -------
    DataFrame
        ``method, target, distortion, level, image, statistic, value``; ``image`` is the place in the trial's
        references. NaN where the degradation leaves the region as it is (colours of a grey photograph): there
        is nothing to point at.

    Raises
    ------
    ValueError
        If the method has no gradients, or the references are none or out of range.
    """

    def explain(images: Tensor) -> dict[tuple[str, str], Tensor]:
        raw = maps(method, images, None, how)
        shown = upsample(raw, (images.shape[-2], images.shape[-1]))
        return {
            (method.name, target): shown[:, k] * towards_low_quality(method, target)
            for k, target in enumerate(method.cam_targets)
        }

    return _measure(trial, explain)


def floors(trial: Trial, targets: Sequence[str], stride: int = 32) -> pd.DataFrame:
    """Measure two maps that never looked, in the columns of `localise`.

    ``centre_prior`` is a Gaussian around the middle with a quarter of each side as deviation, ``random_map``
    white noise on a grid with ``stride`` pixels a cell, seeded by the picture. Their rows are repeated for
    each of ``targets``, so that they stand beside every method.
    """

    def explain(images: Tensor) -> dict[tuple[str, str], Tensor]:
        height, width = images.shape[-2:]
        y, x = (torch.linspace(-2, 2, side) for side in (height, width))
        centre = torch.exp(-0.5 * (y[:, None] ** 2 + x[None, :] ** 2)).expand(len(images), -1, -1)
        noise = [_noise(content_seed(image, "random_map"), height, width, stride) for image in images]
        return {("centre_prior", ""): centre, ("random_map", ""): torch.stack(noise)}

    found = _measure(trial, explain)
    return pd.concat([found.assign(target=target) for target in targets], ignore_index=True)


def table(values: pd.DataFrame, groups: ArrayLike | None = None) -> pd.DataFrame:
    """Tidy table of measured maps, keys ``method, target, distortion``.

    The values of an image are averaged over levels, and for the distortion ``all`` over kinds too, before the
    mean and Student's 95% interval are taken over images; a pointing game played once an image, or
    with one share for all of them, has Wilson's. ``groups`` is the reference of each of the trial's
    photographs, by its place: where several are of one, references are the units, and the interval Student's.
    A picture whose region a kind leaves as it is does not count for that kind, and the protocol says so.
    """
    rows = []
    together = pd.concat([values, values.assign(distortion="all")])
    for (method, target, kind, name), part in together.groupby(
        ["method", "target", "distortion", "statistic"], sort=False
    ):
        images = part.dropna(subset="value").groupby("image")["value"]
        means = images.mean().to_numpy(dtype=float)
        # Student's has no width where all images say the same: not so sure is a game that was always won.
        wilson = bool((images.size() == 1).all()) or (means == means[:1]).all()
        interval = share_interval if name == "pointing_game" and wilson else mean_interval
        places = [int(place) for place, _ in images]
        own = None if groups is None else np.asarray(groups)[places]
        estimate, units = of_contents(means, own, interval)
        levels = ", ".join(map(str, sorted(part["level"].unique())))
        keys: dict[str, object] = {"method": method, "target": target, "distortion": kind}
        left = part["image"].nunique() - images.ngroups
        words = f"one degraded rectangle, level {levels}"
        words += f"; {kind}: without {left} whose rectangle it does not change" if left else ""
        rows.append(tidy(keys, str(name), bounded(estimate, 0, 1), words, units=units))
    return pd.DataFrame(rows)


def towards_low_quality(method: Attributable, target: str) -> int:
    """Sign that makes a map of ``target`` high where quality is low; unknown targets are taken as scores."""
    if target == "negative":
        return 1
    return -1 if target == "positive" or method.higher_is_better else 1


def _measure(trial: Trial, explain: Explain) -> pd.DataFrame:
    rows = []
    for places, images in batches(trial.references, trial.batch):
        for kind, level in itertools.product(trial.kinds, trial.levels):
            worse, regions = implant(images, kind, level, trial.seed, share=trial.share)
            there = moved_by(images, worse) >= WITHIN
            for (name, target), stack in explain(worse).items():
                of = name, target, kind, level
                for place, saliency, inside, seen in zip(
                    places, stack.numpy(), regions.numpy(), there, strict=True
                ):
                    for statistic, measure in STATISTICS.items():
                        rows.append((*of, place, statistic, measure(saliency, inside) if seen else np.nan))
    return pd.DataFrame(
        rows, columns=["method", "target", "distortion", "level", "image", "statistic", "value"]
    )


def _noise(seed: int, height: int, width: int, stride: int) -> Tensor:
    grid = -(-height // stride), -(-width // stride)
    cells = torch.from_numpy(np.random.default_rng(seed).standard_normal((1, 1, *grid), dtype=np.float32))
    return upsample(cells, (height, width))[0, 0]
