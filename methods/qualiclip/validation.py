"""Validation without labels: the order of the levels of pictures that were not learnt from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from benchmark.arrays import Floats
from benchmark.degradations import GROUPS, LEVELS, ladder
from benchmark.images import read
from benchmark.statistics import rounding
from benchmark.study import WITHIN, moved_by
from methods._shared.clip.antonyms import AntonymScorer
from methods.qualiclip.settings import Training

#: Columns of ``validation.csv``: share of level pairs in order, over all types and group by group, and how
#: many times a type leaves a picture as it is.
COLUMNS = ("step", "all", *GROUPS, "unchanged")


def held_out_pictures(
    pictures: Sequence[Path], held_out: Sequence[Path], seed: int, settings: Training
) -> tuple[list[Path], list[Path]]:
    """Part the pictures into those that are learnt from and those of the validation.

    A data set that keeps pictures for validation gives them as ``held_out``; from another, some are drawn and
    taken out, so many as ``validate_on`` but a tenth at most.
    """
    if not settings.validate_every:
        return list(pictures), []
    if held_out:
        return list(pictures), list(held_out)[: settings.validate_on]
    count = min(settings.validate_on, len(pictures) // 10)
    out = set(np.random.default_rng([seed, 2]).permutation(len(pictures))[:count].tolist())
    kept = [path for index, path in enumerate(pictures) if index not in out]
    return kept, [pictures[index] for index in sorted(out)]


@torch.no_grad()
def ranking_accuracy(
    model: AntonymScorer, pictures: Sequence[Path], settings: Training, device: torch.device
) -> dict[str, float]:
    """Share of pairs of levels whose milder one has the higher difference of similarities.

    The middle of each picture is degraded by all 24 types at all levels; a tie, and what float rounding makes
    of one (`benchmark.statistics.rounding`), counts as wrong. A picture that no level of a type changes
    (colours of a grey one) does not count for that type: it has no order. The draws depend on the place of
    the picture alone, so every validation sees the same degraded pictures.

    Returns
    -------
    dict
        ``all`` and each group of distortions to its share, the mean over types, NaN where every picture is
        left out; and ``unchanged``, how many pictures are left out, each as often as types change it not.

    Raises
    ------
    ValueError
        If a similarity is not finite: it has no order, which would count as a wrong one.
    """
    training = model.training
    model.eval()
    middles = torch.stack([_middle(read(path), settings.crop, path) for path in pictures]).to(device)
    seeds = torch.arange(len(pictures))
    found = {kind: _judged(model, middles, kind, seeds, settings) for kind in LEVELS}
    if not all(np.isfinite(quality).all() for quality, _ in found.values()):
        raise ValueError("the similarities of the validation are not finite; lower `lr`")
    least = rounding(np.concatenate([quality.ravel() for quality, _ in found.values()]))
    shares = {kind: _in_order(quality[:, moved], least) for kind, (quality, moved) in found.items()}
    model.train(training)
    groups = {group: _mean([shares[kind] for kind in kinds]) for group, kinds in GROUPS.items()}
    unchanged = sum(int((~moved).sum()) for _, moved in found.values())
    return {"all": _mean(list(shares.values())), **groups, "unchanged": unchanged}


def _judged(
    model: AntonymScorer, images: Tensor, kind: str, seeds: Tensor, settings: Training
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Difference of similarities ``[levels, images]``, and of each image whether some level changes it."""
    levels = ladder(images, kind, seeds, levels=settings.levels, order="monotone")
    positive, negative = model.similarities(levels.flatten(0, 1))
    quality = (positive - negative).double().mean(dim=1).view(settings.levels, len(images))
    moved: npt.NDArray[np.bool_] = moved_by(images, levels).max(axis=0) >= WITHIN
    return quality.cpu().numpy(), moved


def _in_order(quality: Floats, least: float) -> float:
    """Share of the pairs of levels of ``quality [levels, images]`` in which the milder is the better."""
    milder, stronger = np.triu_indices(len(quality), 1)
    return _mean((quality[milder] - quality[stronger] > least).ravel())


def _mean(values: npt.ArrayLike) -> float:
    """Mean of what is there; NaN where nothing is."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else math.nan


def _middle(image: Tensor, size: int, path: Path) -> Tensor:
    _, height, width = image.shape
    if min(height, width) < size:
        raise ValueError(f"{path}: picture of {width}x{height} is smaller than the crop of {size}")
    y, x = (height - size) // 2, (width - size) // 2
    return image[:, y : y + size, x : x + size].clone()  # a view would keep the whole picture


def validation_table(rows: Sequence[dict[str, float]]) -> pd.DataFrame:
    """Return the validations as a table with :data:`COLUMNS`."""
    return pd.DataFrame(rows, columns=list(COLUMNS))
