"""Learning prompts from the scores of a rated data set: the context is learnt, all else is frozen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from tqdm import trange

from benchmark.datasets.prepared import Dataset
from benchmark.images import read
from benchmark.method import TrainingData
from methods._shared.clip.encoder import ImageEncoder
from methods._shared.clip.prompts import LearntPrompts, learnt_scorer
from methods._shared.clip.weights import save_scorer
from methods._shared.devices import device
from methods._shared.training.loop import Checkpoint, check_pictures, finished, identity, index_at

#: What a step rests on: a state of other code is not taken up.
CODE = ("methods._shared.clip", "methods._shared.training", "benchmark.images")


class PromptTraining(BaseModel):
    """Settings of the training that CLIP-IQA+ and QualiCLIP+ share."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    #: What a step learns does not depend on these.
    aside: ClassVar = {"log_every", "checkpoint_every"}

    steps: int = Field(ge=0)
    batch: int = Field(ge=1)
    lr: float = Field(2e-3, gt=0)
    lowest_lr: float = Field(0.0, ge=0, description="end of the cosine")
    optimizer: Literal["sgd", "adam"]
    plcc: float = Field(0.0, ge=0, description="weight of the correlation term beside the squared error")
    crop: int | None = Field(None, ge=32, description="side of random crops; null: whole pictures")
    flip: bool = True
    mos_low: float | None = Field(None, description="score that becomes 0; null: the record's lowest")
    mos_high: float | None = Field(None, description="score that becomes 1; null: the record's highest")
    log_every: int = Field(10, ge=1)
    checkpoint_every: int = Field(500, ge=1)


def rated_pictures(rated: Dataset, settings: PromptTraining) -> tuple[list[Path], Tensor]:
    """Pictures of the training split (all where there are no splits) and their scores scaled to [0, 1].

    Raises
    ------
    ValueError
        If nobody rated them, or the range of the scores is not known.
    """
    rows, record = rated.manifest, rated.record
    if rows["split"].notna().any():
        rows = rows[rows["split"] == "train"]
    rows = rows[rows["mos"].notna()]
    if rows.empty:
        raise ValueError(f"train.rated: data set {record.name!r} has no scores to learn from")
    low = record.low if settings.mos_low is None else settings.mos_low
    high = record.high if settings.mos_high is None else settings.mos_high
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"mos_low, mos_high: scores of {record.name!r} run from {low} to {high}; set both")
    scores = (rows["mos"].to_numpy(float) - low) / (high - low)
    scores = scores if record.higher_is_better else 1 - scores
    return [rated.root / image for image in rows["image"]], torch.tensor(scores, dtype=torch.float32)


def plcc_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """``(1 - r) / 2`` with Pearson's r, in [0, 1]: ``PLCCLoss`` of pyiqa's trainer, in all its versions.

    Parameters
    ----------
    predicted, target
        ``[B]``; where one of them is constant r is 0. A single pair has no r and costs its absolute
        difference, as there.
    """
    if len(predicted) < 2:
        return F.l1_loss(predicted, target)
    r = F.cosine_similarity(predicted - predicted.mean(), target - target.mean(), dim=0, eps=1e-12)
    return (1 - r) / 2


class Batches:
    """Embeddings of the pictures of each step; depends on seed and step alone.

    Whole pictures are encoded once in either orientation, for the encoder never changes.
    """

    def __init__(
        self,
        encoder: ImageEncoder,
        pictures: Sequence[Path],
        seed: int,
        own: PromptTraining,
        short_side: int = 0,
    ) -> None:
        self.encoder, self.pictures, self.seed, self.own = encoder.eval(), pictures, seed, own
        self.short_side = short_side
        self.device = encoder.mean.device
        self.known: dict[tuple[int, bool], Tensor] = {}

    def __call__(self, step: int) -> tuple[list[int], Tensor]:
        """Indices of the pictures of a step, and their embeddings ``[B, D]``."""
        drawn = []
        for slot in range(self.own.batch):
            position = step * self.own.batch + slot
            index = index_at(position, len(self.pictures), self.seed)
            drawn.append((index, np.random.default_rng([self.seed, 1, position])))
        embed = self._whole if self.own.crop is None else self._crop
        with torch.no_grad():
            return [index for index, _ in drawn], torch.stack([embed(index, rng) for index, rng in drawn])

    def _whole(self, index: int, rng: np.random.Generator) -> Tensor:
        flip = bool(self.own.flip and rng.random() < 0.5)
        if (index, flip) not in self.known:
            image = read(self.pictures[index], self.short_side)
            self.known[index, flip] = self._encode(image.flip(-1) if flip else image)
        return self.known[index, flip]

    def _crop(self, index: int, rng: np.random.Generator) -> Tensor:
        path, size = self.pictures[index], self.own.crop or 0
        image = read(path, self.short_side)
        _, height, width = image.shape
        if min(height, width) < size:
            raise ValueError(f"{path}: picture of {width}x{height} is smaller than the crop of {size}")
        y, x = rng.integers(0, [height - size, width - size], endpoint=True)
        piece = image[:, y : y + size, x : x + size]
        return self._encode(piece.flip(-1) if self.own.flip and rng.random() < 0.5 else piece)

    def _encode(self, image: Tensor) -> Tensor:
        return self.encoder(image.unsqueeze(0).to(self.device))[0]


def train_prompts(
    clip: CLIP, config: Mapping[str, Any], prompts: LearntPrompts, data: TrainingData, out: Path, *,
    scale: float, settings: PromptTraining,
) -> dict[str, Any]:  # fmt: skip
    """Learn the context; write ``weights.safetensors`` and ``curve.csv`` below ``out``.

    ``config`` is the architecture of ``clip``; the others as for :func:`learn_prompts`.

    Returns
    -------
    dict
        Keyword arguments that load the weights.
    """
    clip.requires_grad_(False).to(device())
    prompts.to(device())
    encoder = learnt_scorer(clip, prompts, scale).encoder
    rated = data.rated_or_refuse()
    curve = learn_prompts(encoder, prompts, rated, out, scale=scale, seed=data.seed, settings=settings)
    out.mkdir(parents=True, exist_ok=True)
    curve.to_csv(out / "curve.csv", index=False, float_format="%.6g", lineterminator="\n")
    save_scorer(learnt_scorer(clip, prompts, scale), out / "weights.safetensors", config)
    finished(out)
    return {"weights": str(out / "weights.safetensors")}


def learn_prompts(
    encoder: ImageEncoder, prompts: LearntPrompts, rated: Dataset, out: Path, *, scale: float, seed: int,
    settings: PromptTraining,
) -> pd.DataFrame:  # fmt: skip
    """Learn the context of ``prompts`` in place.

    Parameters
    ----------
    encoder
        Frozen image encoder.
    prompts
        What is learnt.
    rated
        Data set with scores.
    out
        Folder of the result; a checkpoint is kept beside it while the training lasts.
    scale
        Factor on the cosines before the softmax of each pair.
    seed, settings
        Every draw comes from the seed and the step.

    Returns
    -------
    DataFrame
        One row a logged step: ``step, lr, loss, mse, plcc``.

    Raises
    ------
    ValueError
        If there are no scores, pictures cannot be read or are smaller than a crop, a checkpoint is of another
        run, or the loss is not finite.
    """
    pictures, scores = rated_pictures(rated, settings)
    if settings.steps:
        check_pictures(pictures, least=settings.crop or 0, short_side=rated.record.short_side)
    kind: Callable[..., torch.optim.Optimizer] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[
        settings.optimizer
    ]
    optimizer = kind(prompts.parameters(), lr=settings.lr)
    learnt_from = {"scores": scores.tolist(), "short_side": rated.record.short_side}
    run = identity(pictures, seed, {**settings.model_dump(exclude=settings.aside), **learnt_from}, *CODE)
    checkpoint = Checkpoint(out, run, {"prompts": prompts, "optimizer": optimizer})
    first, rows = checkpoint.restore()
    batches = Batches(encoder, pictures, seed, settings, rated.record.short_side)
    for step in trange(
        first, settings.steps, initial=first, total=settings.steps, mininterval=5, disable=None
    ):
        lr = settings.lowest_lr + (settings.lr - settings.lowest_lr) * 0.5 * (
            1 + math.cos(math.pi * step / settings.steps)
        )
        for group in optimizer.param_groups:
            group["lr"] = lr
        indices, embedded = batches(step)
        text = prompts()
        logits = scale * embedded @ (text[0::2] - text[1::2]).T
        target = scores[indices].to(embedded.device)
        predicted = torch.sigmoid(logits).mean(dim=1)
        mse, correlation = F.mse_loss(predicted, target), plcc_loss(predicted, target)
        loss = mse + settings.plcc * correlation
        if not math.isfinite(float(loss.detach())):
            raise ValueError(f"the loss is {float(loss)} at step {step}; lower `lr` (now {settings.lr})")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % settings.log_every == 0 or step + 1 == settings.steps:
            figures = {"loss": loss, "mse": mse, "plcc": correlation}
            rows.append({"step": step, "lr": lr, **{k: float(v.detach()) for k, v in figures.items()}})
        if (step + 1) % settings.checkpoint_every == 0:
            checkpoint.save(step + 1, rows)
    checkpoint.check()
    return pd.DataFrame(rows, columns=["step", "lr", "loss", "mse", "plcc"])
