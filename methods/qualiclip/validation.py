"""Validation without labels: the order of the levels of pictures that were not learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.degradations import GROUPS, ladder
from benchmark.images import read
from methods._shared.clip.antonyms import AntonymScorer
from methods.qualiclip.settings import Training

#: Columns of ``validation.csv``: the share of level pairs in order, over all types and group by group.
COLUMNS = ("step", "all", *GROUPS)


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

    The middle of each picture is degraded by all 24 types at all levels; a tie counts as wrong. The draws
    depend on the place of the picture alone, so every validation sees the same degraded pictures.

    Returns
    -------
    dict
        ``all`` and each group of distortions to its share.
    """
    training = model.training
    model.eval()
    middles = torch.stack([_middle(read(path), settings.crop, path) for path in pictures]).to(device)
    seeds = torch.arange(len(pictures))
    shares = {}
    for group, kinds in GROUPS.items():
        shares[group] = float(np.mean([_in_order(model, middles, kind, seeds, settings) for kind in kinds]))
    weights = [len(kinds) for kinds in GROUPS.values()]
    model.train(training)
    return {"all": float(np.average(list(shares.values()), weights=weights)), **shares}


def _in_order(model: AntonymScorer, images: Tensor, kind: str, seeds: Tensor, settings: Training) -> float:
    levels = ladder(images, kind, seeds, levels=settings.levels, order="monotone")
    positive, negative = model.similarities(levels.flatten(0, 1))
    quality = (positive - negative).mean(dim=1).view(settings.levels, len(images))
    milder, stronger = torch.triu_indices(settings.levels, settings.levels, offset=1)
    return float((quality[milder] > quality[stronger]).float().mean())


def _middle(image: Tensor, size: int, path: Path) -> Tensor:
    _, height, width = image.shape
    if min(height, width) < size:
        raise ValueError(f"{path}: picture of {width}x{height} is smaller than the crop of {size}")
    y, x = (height - size) // 2, (width - size) // 2
    return image[:, y : y + size, x : x + size].clone()  # a view would keep the whole picture


def validation_table(rows: Sequence[dict[str, float]]) -> pd.DataFrame:
    """Return the validations as a table with :data:`COLUMNS`."""
    return pd.DataFrame(rows, columns=list(COLUMNS))
